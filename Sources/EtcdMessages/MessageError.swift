/// Why bytes are not a message.
///
/// The texts are those of the decoders that etcd up to 3.6 is built with (gogo/protobuf 1.3), for a client of etcd sees
/// them behind `grpc: error unmarshalling request: `.
package enum MessageError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bytes end within a field, or a length goes over the end of the message it stands in.
    case unexpectedEndOfInput
    /// A varint of more than ten bytes.
    case integerOverflow
    /// A length of 2^63 or more, or one whose end cannot be counted.
    case negativeLength
    /// A group of an unknown field ends that did not begin.
    case unexpectedEndOfGroup
    /// A message within more messages than the decoder goes down into.
    case nestedTooDeeply(limit: Int)
    /// The message would need more memory, unpacked, than its length allows it.
    case unpackedTooLarge(byteCount: Int, limit: Int)
    /// protobuf-c refused what the scan had found good: a fault of ours, or no memory.
    case unpackFailed
    /// Anything else; the text says what is wrong and where.
    case malformed(String)

    package var description: String {
        switch self {
        case .unexpectedEndOfInput: "unexpected EOF"
        case .integerOverflow: "proto: integer overflow"
        case .negativeLength: "proto: negative length found during unmarshaling"
        case .unexpectedEndOfGroup: "proto: unexpected end of group"
        case .nestedTooDeeply(let limit): "proto: messages nested more than \(limit) deep"
        case .unpackedTooLarge(let count, let limit): "proto: message of \(count) bytes in memory, more than \(limit)"
        case .unpackFailed: "proto: cannot parse invalid wire-format data"
        case .malformed(let text): "proto: \(text)"
        }
    }
}
