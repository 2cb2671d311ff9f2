package import EtcdMessages

/// Why bytes of a peer cannot be what they should be. The texts are Go's where etcd tells them to others.
package enum PeerProtocolError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A length over what is allowed.
    case limitExceeded(byteCount: UInt64)
    /// More entries in one message than any leader sends.
    case tooManyEntries(UInt64)
    /// A kind of frame that there is not.
    case unknownFrame(UInt8)
    case message(MessageError)
    /// A body ended before what it must hold: at once, or within something.
    case endOfBody(isEmpty: Bool)
    /// A snapshot's message that is none, or says nothing of a snapshot.
    case notASnapshot

    package var description: String {
        switch self {
        case .limitExceeded: "rafthttp: error limit exceeded"
        case .tooManyEntries(let count): "rafthttp: \(count) entries in one message"
        case .unknownFrame(let type): "failed to parse type \(type) in msgappv2 stream"
        case .message(let error): "\(error)"
        case .endOfBody(let isEmpty): isEmpty ? "EOF" : "unexpected EOF"
        case .notASnapshot: "wrong raft message type"
        }
    }
}
