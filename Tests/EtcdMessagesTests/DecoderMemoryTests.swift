import CEtcdMessages
import Primitives
import Testing

@testable import EtcdMessages

/// Neither depth nor number of what a message holds may cost more than we allow.
@Suite struct DecoderMemoryTests {
    /// A transaction in `depth - 1` transactions.
    private func nestedTransactions(depth: Int) -> Bytes {
        nestedMessages(depth: 2 * depth - 1)
    }

    /// A transaction with messages down to a depth, alternately operations and transactions.
    private func nestedMessages(depth: Int) -> Bytes {
        // From the inside out, and so from the end to the beginning.
        var reversed: Bytes = []
        for level in (1..<depth).reversed() {
            reversed += encodedVarint(UInt64(reversed.count)).reversed()
            reversed.append(level % 2 == 1 ? 0x12 : 0x22)
        }
        return reversed.reversed()
    }

    private func error<Message: EtcdMessage>(_ type: Message.Type, _ bytes: Bytes) -> MessageError? {
        do throws(MessageError) {
            _ = try type.init(decoding: bytes)
            return nil
        } catch {
            return error
        }
    }

    @Test func whateverEtcdAllowsOfNestingIsRead() throws {
        // 128 operations leave room for 128 transactions in each other, and an empty one in the last.
        let bytes = nestedTransactions(depth: Limits.maxTxnOperations + 1)
        let transaction = try TxnRequest(decoding: bytes)
        #expect(transaction.encoded() == bytes)
        let entry = ProposalEncoder.entry(field: 6, payload: bytes, header: RequestHeader())
        #expect(try InternalRaftRequest(decoding: entry).txn == transaction)
    }

    @Test func theDeepestRequestCanBeReadFromTheLog() throws {
        // It stands one deeper there.
        let deepest = nestedMessages(depth: Limits.maxMessageDepth)
        #expect(error(TxnRequest.self, deepest) == nil)
        let entry = ProposalEncoder.entry(field: 6, payload: deepest, header: RequestHeader())
        #expect(error(InternalRaftRequest.self, entry) == nil)
        let deeper = nestedMessages(depth: Limits.maxMessageDepth + 1)
        #expect(error(TxnRequest.self, deeper) == .nestedTooDeeply(limit: Limits.maxMessageDepth))
    }

    @Test func nestingOfTwoMebibytesIsRefused() {
        #expect(
            error(TxnRequest.self, nestedTransactions(depth: 300_000))
                == .nestedTooDeeply(limit: Limits.maxMessageDepth))
    }

    @Test func nestingOfMessagesInRaftMessagesIsRefused() {
        var bytes: Bytes = []
        for _ in 0..<1000 { bytes = [0x72] + encodedVarint(UInt64(bytes.count)) + bytes }
        #expect(error(RaftMessage.self, bytes) == .nestedTooDeeply(limit: Limits.maxMessageDepth))
    }

    @Test func aMillionEmptyMessagesAreRefused() throws {
        let bytes = (0..<1_000_000).flatMap { _ in [0x12, 0] as Bytes }
        guard case .unpackedTooLarge(let byteCount, let limit)? = error(TxnRequest.self, bytes) else {
            Issue.record("taken, or refused for another reason")
            return
        }
        #expect(limit < 64 << 20 && byteCount > limit)
    }

    @Test(arguments: [0x0A, 0x12] as Bytes)
    func aMillionEmptyMessagesInTheLogAreRead(tag: UInt8) throws {
        let payload = (0..<1_000_000).flatMap { _ in [tag, 0] as Bytes }
        let entry = ProposalEncoder.entry(field: 6, payload: payload, header: RequestHeader())
        let transaction = try #require(try InternalRaftRequest(decoding: entry).txn)
        #expect(transaction.compare.count + transaction.success.count == 1_000_000)
    }

    @Test func aHundredThousandEmptyMessagesAreRead() throws {
        let transaction = try TxnRequest(decoding: (0..<100_000).flatMap { _ in [0x12, 0] as Bytes })
        #expect(transaction.success.count == 100_000)
    }

    @Test func aMillionUnknownFieldsAreRead() throws {
        let put = try PutRequest(decoding: (0..<700_000).flatMap { _ in [0xF8, 0x01, 1] as Bytes } + [0x0A, 1, 97])
        #expect(put.key == [97])
    }

    @Test func aMillionValuesOfOneFieldAreRead() throws {
        let put = try PutRequest(decoding: (0..<1_000_000).flatMap { [0x18, UInt8($0 & 0x7F)] as Bytes })
        #expect(put.lease == Int64(999_999 & 0x7F))
    }

    @Test func aMillionPiecesOfAMessageAreMerged() throws {
        let bytes = (0..<500_000).flatMap { _ in [0x22, 2, 0x18, 7] as Bytes }
        #expect(try InternalRaftRequest(decoding: bytes).put?.lease == 7)
    }

    @Test func aMillionPackedNumbersAreRead() throws {
        let bytes = [0x2A] + encodedVarint(2_000_000) + Bytes(repeating: 1, count: 2_000_000)
        #expect(try WatchCreateRequest(decoding: bytes).filters.count == 2_000_000)
    }

    @Test func arenaGivesAlignedPiecesUntilItIsFull() throws {
        var arena = MessageArena(retainedByteCount: 4096)
        arena.prepare(byteCount: 2000)
        let allocator = arena.allocator.pointee
        let first = try #require(allocator.alloc(allocator.allocator_data, 3))
        let second = try #require(allocator.alloc(allocator.allocator_data, 8))
        #expect(second - first == 8)
        #expect(Int(bitPattern: first) % MessageArena.alignment == 0)
        #expect(allocator.alloc(allocator.allocator_data, 5000) == nil)
        arena.reset()
        #expect(allocator.alloc(allocator.allocator_data, 8) == first)
    }

    @Test func arenaGivesNothingUnprepared() {
        let arena = MessageArena(retainedByteCount: 4096)
        let allocator = arena.allocator.pointee
        #expect(allocator.alloc(allocator.allocator_data, 1) == nil)
    }

    @Test func oneDecoderReadsManyMessages() throws {
        let decoder = MessageDecoder()
        for size in [0, 1, 100, 300_000, 5, 2_000_000, 7] {
            var put = PutRequest()
            put.key = [97]
            put.value = Bytes(repeating: 98, count: size)
            let bytes = put.encoded()
            #expect(try decoder.decode(PutRequest.self, bytes.span.bytes) == put)
            #expect(throws: MessageError.self) {
                _ = try decoder.decode(PutRequest.self, Bytes(bytes.dropLast()).span.bytes)
            }
        }
    }
}
