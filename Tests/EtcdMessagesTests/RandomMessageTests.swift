import Environment
import Primitives
import Testing

@testable import EtcdMessages

/// Random messages of every type, decoded by us and by a decoder that shares no code with ours.
@Suite struct RandomMessageTests {
    @Test(arguments: allMessages.indices)
    func wellFormedMessagesAreReadAsTheReferenceReadsThem(index: Int) throws {
        for seed in 0..<40 {
            try compareCanonical(allMessages[index], seed: UInt64(seed * allMessages.count + index))
        }
    }

    @Test(arguments: allMessages.indices)
    func wildMessagesAreReadAsTheReferenceReadsThem(index: Int) throws {
        for seed in 0..<40 {
            var generator = MessageGenerator(seed: UInt64(seed * allMessages.count + index), style: .wild)
            try compare(allMessages[index], generator.message(allMessages[index].schema))
        }
    }

    @Test(arguments: allMessages.indices)
    func changedMessagesAreReadOrRefusedAsByTheReference(index: Int) throws {
        let type = allMessages[index]
        for seed in 0..<40 {
            let style: MessageGenerator.Style = seed % 2 == 0 ? .canonical : .wild
            var generator = MessageGenerator(seed: UInt64(seed * allMessages.count + index), style: style)
            let bytes = generator.message(type.schema)
            for _ in 0..<3 { try compare(type, generator.mutated(bytes)) }
        }
    }

    @Test(arguments: allMessages.indices)
    func everyPrefixOfAMessageIsReadOrRefusedAsByTheReference(index: Int) throws {
        let type = allMessages[index]
        var generator = MessageGenerator(seed: UInt64(index), style: .wild)
        let bytes = generator.message(type.schema)
        for count in 0...min(bytes.count, 200) { try compare(type, Bytes(bytes.prefix(count))) }
    }

    private func compareCanonical<Message: EtcdMessage>(_ type: Message.Type, seed: UInt64) throws {
        var generator = MessageGenerator(seed: seed, style: .canonical)
        let bytes = generator.message(type.schema)
        let (message, isCanonical) = try MessageDecoder().decodeCanonical(type, bytes.span.bytes)
        #expect(isCanonical, "\(type) \(bytes)")
        let again = try Message(decoding: message.encoded())
        #expect(again == message, "\(type) \(bytes)")
        try compare(type, bytes)
    }

    /// Both refuse the bytes, or both read the same.
    private func compare<Message: EtcdMessage>(_ type: Message.Type, _ bytes: Bytes) throws {
        let expected = try? ReferenceDecoder.decode(bytes, as: type)
        let message: Message
        do throws(MessageError) {
            message = try Message(decoding: bytes)
        } catch {
            #expect(error != .unpackFailed, "\(type) \(bytes)")
            #expect(expected == nil, "\(type) refuses \(bytes): \(error)")
            return
        }
        guard let expected else {
            Issue.record("\(type) takes \(bytes)")
            return
        }
        let encoded = message.encoded()
        #expect(encoded.count == message.encodedByteCount)
        let actual = try ReferenceDecoder.decode(encoded, as: type)
        #expect(
            normalized(actual, type.schema) == normalized(expected, type.schema), "\(type) \(bytes)")
        // What we write is canonical, and written the same again.
        let (again, isCanonical) = try MessageDecoder().decodeCanonical(type, encoded.span.bytes)
        #expect(isCanonical && again == message && again.encoded() == encoded, "\(type) \(bytes)")
    }
}
