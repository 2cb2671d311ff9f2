import CEtcdMessages
import Testing

@testable import EtcdMessages

/// What the scan takes for granted of all messages.
@Suite struct SchemaTests {
    @Test func everyMessageFitsTheScan() {
        for type in allMessages {
            let fields = type.schema.fields
            #expect(fields.count <= MessageScanner.maxFieldCount, "\(type)")
            #expect(fields.map(\.number) == fields.map(\.number).sorted(), "\(type)")
            #expect(fields.allSatisfy { !$0.isInOneof || !$0.isRepeated }, "\(type)")
        }
    }

    @Test func noMessageHasTwoOneofs() {
        // protobuf-c has one word in the message for each oneof.
        for type in allMessages {
            let descriptor = type.schema.descriptor.pointee
            let cases = (0..<Int(descriptor.n_fields)).map { descriptor.fields[$0] }.filter(\.isInOneof)
            #expect(Set(cases.map(\.quantifier_offset)).count <= 1, "\(type)")
        }
    }

    @Test func fieldsAreFoundByNumber() {
        for type in allMessages {
            let descriptor = type.schema.descriptor
            let numbers = type.schema.fields.map(\.number)
            for number in Array(0...120) + Array(990...1400) + [9899, 9900, 9901, Int(Int32.max)] {
                #expect(
                    fieldIndex(of: Int32(number), in: descriptor) == numbers.firstIndex(of: number), "\(type) \(number)"
                )
            }
        }
    }

    @Test(arguments: [
        ("PutRequest", "prev_kv", "PrevKv"), ("LeaseGrantRequest", "TTL", "TTL"),
        ("MemberAddRequest", "peerURLs", "PeerURLs"),
        ("LeaseCheckpoint", "remaining_TTL", "Remaining_TTL"), ("InternalRaftRequest", "v2", "V2"),
    ])
    func fieldsAreCalledAsInGo(message: String, field: String, name: String) throws {
        let type = try #require(allMessages.first { "\($0)" == message })
        let descriptor = type.schema.descriptor.pointee
        let fields = (0..<Int(descriptor.n_fields)).map { descriptor.fields[$0] }
        #expect(fields.contains { String(cString: $0.name) == field && $0.goName == name })
    }
}
