internal import CFuzzer
internal import EtcdMessages
internal import Glibc
internal import Primitives

/// Kept from input to input, as a server keeps it.
nonisolated(unsafe) private let decoder = MessageDecoder()

/// Decodes the input as a message: the first byte says of which type. What is taken must be written and read again as
/// the same.
private func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let start, count > 0 else { return -1 }
    let type = allMessages[Int(start[0]) % allMessages.count]
    check(type, Bytes(UnsafeBufferPointer(start: start + 1, count: count - 1)))
    return 0
}

/// Number 20,000, which no message has, with the value 1.
private let unknownField: Bytes = [0x80, 0xE2, 0x09, 1]

private func check<Message: EtcdMessage>(_ type: Message.Type, _ bytes: Bytes) {
    do throws(MessageError) {
        let (message, isCanonical) = try decoder.decodeCanonical(type, bytes.span.bytes)
        let encoded = message.encoded()
        assertAlways(encoded.count == message.encodedByteCount, "as long as measured")
        let again = try decoder.decodeCanonical(type, encoded.span.bytes)
        assertAlways(again.isCanonical, "what we write is canonical")
        assertAlways(again.message == message, "what we write is what we read")
        assertAlways(again.message.encoded() == encoded, "written the same again")
        if isCanonical {
            // An unknown field behind it has it rewritten, which must change nothing.
            let (rewritten, isStillCanonical) = try decoder.decodeCanonical(type, (bytes + unknownField).span.bytes)
            assertAlways(!isStillCanonical && rewritten == message, "rewritten without a change")
        }
    } catch {
        assertAlways(error != .unpackFailed, "protobuf-c takes what the scan took")
    }
}

@main
enum Main {
    static func main() {
        exit(martlet_fuzz(CommandLine.argc, CommandLine.unsafeArgv) { fuzz($0, $1) })
    }
}
