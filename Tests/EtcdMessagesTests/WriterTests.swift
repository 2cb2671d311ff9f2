import Primitives
import Testing

@testable import EtcdMessages

/// What is written, byte for byte.
@Suite struct WriterTests {
    @Test(arguments: [0, 1, 127, 128, 16383, 16384, 1 << 32, UInt64(Int64.max), .max] as [UInt64])
    func numbersAreWrittenAsShortAsCanBe(value: UInt64) {
        var writer = ProtoWriter(byteCount: 10)
        writer.varint(value)
        #expect(writer.bytes == encodedVarint(value))
        #expect(ProtoSize.varint(value) == encodedVarint(value).count)
        var range = RangeRequest()
        range.limit = Int64(bitPattern: value)
        #expect(range.encoded() == (value == 0 ? [] : [0x18] + encodedVarint(value)))
    }

    @Test func forwardAndBackwardWriteTheSame() throws {
        var kv = KeyValue()
        kv.key = [1, 2, 3]
        kv.modRevision = -1
        kv.value = Bytes(repeating: 7, count: 200)
        var event = Event()
        event.type = .delete
        event.kv = kv
        var writer = ProtoWriter(byteCount: 0)
        writer.field(1, varint: 1)
        writer.field(2, message: kv)
        #expect(writer.bytes == event.encoded())
        #expect(event.encoded().prefix(5) == [0x08, 1, 0x12, 0xDB, 0x01])
    }

    @Test func aRequestOfTheLogHasItsHeaderBehindIt() throws {
        var header = RequestHeader()
        header.id = 300
        header.username = Bytes(text: "root")
        header.authRevision = 2
        var put = PutRequest()
        put.key = [97]
        put.value = [98]
        let entry = ProposalEncoder.entry(field: 4, payload: put.encoded(), header: header)
        #expect(
            entry == [0x22, 6, 0x0A, 1, 97, 0x12, 1, 98] + [0xA2, 0x06, 11, 0x08, 0xAC, 0x02, 0x12, 4]
                + Bytes(text: "root")
                + [0x18, 2])
        var request = InternalRaftRequest()
        request.header = header
        request.put = put
        #expect(entry == request.encoded())
    }

    @Test func anAuthRequestOfTheLogHasItsHeaderBeforeIt() throws {
        var request = InternalRaftRequest()
        request.header = RequestHeader()
        request.authUserAdd = AuthUserAddRequest()
        request.authUserAdd?.name = [97]
        let payload: Bytes = [0x0A, 1, 97]
        let entry = ProposalEncoder.entry(field: 1100, payload: payload, header: RequestHeader())
        #expect(entry == request.encoded())
        #expect(entry == [0xA2, 0x06, 0, 0xE2, 0x44, 3] + payload)
    }

    @Test func anEmptyRequestOfTheLogIsPresent() throws {
        let entry = ProposalEncoder.entry(field: 1000, payload: [], header: RequestHeader())
        #expect(try InternalRaftRequest(decoding: entry).authEnable == AuthEnableRequest())
    }

    @Test func raftMessagesAreWrittenInGogosForm() {
        // All scalars, zero or not; absent bytes and snapshots left out (raft v3.6 raftpb/raft.pb.go).
        #expect(
            RaftMessage().encoded()
                == [0x08, 0, 0x10, 0, 0x18, 0, 0x20, 0, 0x28, 0, 0x30, 0, 0x40, 0, 0x50, 0, 0x58, 0, 0x68, 0])
        #expect(RaftEntry().encoded() == [0x08, 0, 0x10, 0, 0x18, 0])
        #expect(HardState().encoded() == [0x08, 0, 0x10, 0, 0x18, 0])
        #expect(RaftSnapshot().encoded() == [0x12, 8, 0x0A, 2, 0x28, 0, 0x10, 0, 0x18, 0])
        #expect(ConfChange().encoded() == [0x08, 0, 0x10, 0, 0x18, 0])
        var state = ConfState()
        state.voters = [1, 300]
        #expect(state.encoded() == [0x08, 1, 0x08, 0xAC, 0x02, 0x28, 0])
    }

    @Test func filesOfTheLogAreWrittenInGogosForm() {
        #expect(WALRecord().encoded() == [0x08, 0, 0x10, 0])
        var record = WALRecord()
        record.type = 4
        record.crc = 0xFFFF_FFFF
        record.data = [1]
        #expect(record.encoded() == [0x08, 4, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x1A, 1, 1])
    }

    @Test func deepAndWideMessagesAreWrittenInOnePass() throws {
        // Two operations in each of 16 levels: 65,536 puts, each 33 deep.
        var transaction = TxnRequest()
        var put = RequestOp()
        put.request = .put(PutRequest())
        transaction.success = [put, put]
        for _ in 1..<16 {
            var operation = RequestOp()
            operation.request = .txn(transaction)
            transaction = TxnRequest()
            transaction.success = [operation, operation]
        }
        let bytes = transaction.encoded()
        #expect(bytes.count == transaction.encodedByteCount)
        #expect(try TxnRequest(decoding: bytes) == transaction)
    }
}
