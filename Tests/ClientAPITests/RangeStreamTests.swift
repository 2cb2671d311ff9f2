import EtcdMessages
import GRPCCore
import Node
import Primitives
import Testing

@Suite struct RangeStreamTests {
    /// All messages of a range stream, and how it ended.
    private func stream(
        _ service: TestService, _ request: RangeRequest
    ) throws -> (chunks: [RangeResponse], status: GRPCStatus) {
        let call = service.client.startServerStream("/etcdserverpb.KV/RangeStream", message: request.encoded())
        let status = try service.end(of: call)
        let chunks = try service.takeMessages(of: call).map {
            try #require(RangeStreamResponse(decoding: $0).rangeResponse)
        }
        return (chunks, status)
    }

    private func request(limit: Int64 = 0) -> RangeRequest {
        var request = RangeRequest()
        request.key = Bytes(text: "k")
        request.rangeEnd = Bytes(text: "l")
        request.limit = limit
        return request
    }

    private func fill(_ service: TestService, _ count: Int, value: String = "") throws {
        for number in 0..<count { try service.put("k\(1000 + number)", value) }
    }

    @Test func aRangeComesInPiecesThatGrow() throws {
        try TestService.with { service in
            try fill(service, 100)
            let (chunks, status) = try stream(service, request())
            #expect(status.isSuccess)
            #expect(chunks.map(\.kvs.count) == [10, 20, 40, 30])
            let keys = chunks.flatMap { $0.kvs.map(\.key) }
            #expect(keys == (0..<100).map { Bytes(text: "k\(1000 + $0)") })
            #expect(chunks.dropLast().allSatisfy { $0.header == nil && $0.count == 0 && !$0.more })
            let last = try #require(chunks.last)
            #expect(last.count == 100 && !last.more)
            #expect(last.header?.revision == 101 && last.header?.memberID == service.node.memberID.rawValue)
        }
    }

    @Test(arguments: [1, 9, 10, 11, 29, 30, 31])
    func aLimitEndsIt(limit: Int64) throws {
        try TestService.with { service in
            try fill(service, 30)
            let (chunks, status) = try stream(service, request(limit: limit))
            #expect(status.isSuccess)
            #expect(chunks.map(\.kvs.count).reduce(0, +) == Int(min(limit, 30)))
            #expect(chunks.last?.count == 30 && chunks.last?.more == (limit < 30))
            #expect(chunks.last?.kvs.isEmpty == false)
        }
    }

    @Test func anEmptyRangeIsOneMessage() throws {
        try TestService.with { service in
            let (chunks, status) = try stream(service, request())
            #expect(status.isSuccess && chunks.count == 1)
            #expect(chunks.first?.header?.revision == 1 && chunks.first?.count == 0)
        }
    }

    @Test func aCountIsOneMessage() throws {
        try TestService.with { service in
            try fill(service, 25)
            var counting = request()
            counting.countOnly = true
            let chunks = try stream(service, counting).chunks
            #expect(chunks.count == 1 && chunks.first?.count == 25 && chunks.first?.kvs.isEmpty == true)
        }
    }

    /// Pieces of large records shrink, to one record if need be.
    @Test func largeRecordsMakeSmallPieces() throws {
        try TestService.with { service in
            let value = String(repeating: "v", count: 600_000)
            try fill(service, 22, value: value)
            let chunks = try stream(service, request()).chunks
            #expect(chunks.map(\.kvs.count) == [10, 5, 5, 2])
        }
    }

    /// What is written after the first piece is not seen, though pieces are made as the client takes them.
    @Test func allPiecesAreOfOneRevision() throws {
        try TestService.with { service in
            try fill(service, 200, value: String(repeating: "v", count: 100_000))
            let call = service.client.startServerStream(
                "/etcdserverpb.KV/RangeStream", message: request().encoded(), readsAutomatically: false)
            for _ in 0..<20 { service.turn() }
            #expect(service.node.openRangeStreamCount == 1)
            for number in 0..<200 { try service.put("k\(1000 + number)", "new") }
            let messages = try service.readAll(call)
            let chunks = try messages.map { try #require(RangeStreamResponse(decoding: $0).rangeResponse) }
            #expect(chunks.map(\.kvs.count).reduce(0, +) == 200 && chunks.last?.count == 200)
            #expect(chunks.allSatisfy { $0.kvs.allSatisfy { $0.value.count == 100_000 } })
            #expect(chunks.last?.header?.revision == 201)
        }
    }

    @Test func aCompactionPastItEndsIt() throws {
        try TestService.with { service in
            try fill(service, 200, value: String(repeating: "v", count: 100_000))
            let call = service.client.startServerStream(
                "/etcdserverpb.KV/RangeStream", message: request().encoded(), readsAutomatically: false)
            for _ in 0..<20 { service.turn() }
            try service.put("k1000")
            var compaction = CompactionRequest()
            compaction.revision = 202
            _ = try service.answer("KV/Compact", compaction, as: CompactionResponse.self)
            _ = try service.readAll(call)
            #expect(try service.end(of: call).error == .compacted)
        }
    }

    @Test func whatCannotBeStreamedIsRefused() throws {
        try TestService.with { service in
            var sorted = request()
            sorted.sortOrder = .descend
            #expect(
                try stream(service, sorted).status.error.message == "RangeStream does not support custom sort orders")
            var filtered = request()
            filtered.minModRevision = 1
            let refusal = try stream(service, filtered).status.error
            #expect(refusal == EtcdError(.unimplemented, "RangeStream does not support revision filters"))
            var future = request()
            future.revision = 99
            #expect(try stream(service, future).status.error == .futureRev)
            #expect(try stream(service, RangeRequest()).status.error == .emptyKey)
            let call = service.client.startServerStream("/etcdserverpb.KV/RangeStream", message: [0xff])
            #expect(
                try service.end(of: call).error
                    == EtcdError(.internal, "grpc: failed to unmarshal the received message: unexpected EOF"))
        }
    }

    /// An order NONE passes with any target, and keys still come in their order, each once.
    @Test func aTargetWithoutOrderIsIgnored() throws {
        try TestService.with { service in
            try fill(service, 40)
            try service.put("k1000", "again")
            var sorted = request()
            sorted.sortTarget = .mod
            let chunks = try stream(service, sorted).chunks
            #expect(chunks.flatMap { $0.kvs.map(\.key) } == (0..<40).map { Bytes(text: "k\(1000 + $0)") })
        }
    }

    @Test func aClientThatLeavesEndsTheWork() throws {
        try TestService.with { service in
            try fill(service, 200, value: String(repeating: "v", count: 100_000))
            let call = service.client.startServerStream(
                "/etcdserverpb.KV/RangeStream", message: request().encoded(), readsAutomatically: false)
            for _ in 0..<20 { service.turn() }
            #expect(service.node.openRangeStreamCount == 1)
            service.client.cancel(call)
            for _ in 0..<50 where service.node.openRangeStreamCount > 0 { service.turn() }
            #expect(service.node.openRangeStreamCount == 0)
        }
    }

    @Test func withoutALeaderAStreamIsRefusedIfItsClientWantsOne() throws {
        let service = try TestService()
        defer { service.close() }
        let call = service.client.startServerStream(
            "/etcdserverpb.KV/RangeStream", message: request().encoded(),
            metadata: [GRPCMetadataEntry("hasleader", "true")])
        #expect(try service.end(of: call).error == .noLeader)
    }
}
