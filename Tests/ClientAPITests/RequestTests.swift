import EtcdMessages
import GRPCCore
import MVCC
import Node
import Primitives
import Raft
import Testing

/// Requests as clients may send them: refused, odd, and given up.
@Suite struct RequestTests {
    // MARK: Refusals

    private static func put(_ change: (inout PutRequest) -> Void) -> PutRequest {
        var request = PutRequest()
        request.key = [1]
        change(&request)
        return request
    }

    private static func txn(_ operations: [RequestOp]) -> TxnRequest {
        var request = TxnRequest()
        request.success = operations
        return request
    }

    private static func operation(_ request: RequestOp.Request?) -> RequestOp {
        var operation = RequestOp()
        operation.request = request
        return operation
    }

    private struct Refusal {
        var path: String
        var message: Bytes
        var error: EtcdError

        init(_ path: String, _ request: some EtcdMessage, _ error: EtcdError) {
            self.path = path
            message = request.encoded()
            self.error = error
        }
    }

    private static var refusals: [Refusal] {
        var sorted = RangeRequest()
        sorted.key = [1]
        sorted.sortOrder = SortOrder(rawValue: 3)
        var future = RangeRequest()
        future.key = [1]
        future.revision = 1000
        var grant = LeaseGrantRequest()
        grant.ttl = Limits.maxLeaseTTLSeconds + 1
        var compaction = CompactionRequest()
        compaction.revision = 1000
        var hash = HashKVRequest()
        hash.revision = 1000
        let puts = (0..<2).map { _ in operation(.put(put { _ in })) }
        return [
            Refusal("KV/Put", put { $0.key = [] }, .emptyKey),
            Refusal("KV/Put", put { ($0.ignoreValue, $0.value) = (true, [1]) }, .valueProvided),
            Refusal("KV/Put", put { ($0.ignoreLease, $0.lease) = (true, 1) }, .leaseProvided),
            Refusal("KV/Put", put { $0.ignoreValue = true }, .keyNotFound),
            Refusal("KV/Put", put { $0.lease = 5 }, .leaseNotFound),
            Refusal(
                "KV/Put", put { $0.value = Bytes(repeating: 0, count: Limits.maxRequestByteCount) }, .requestTooLarge),
            Refusal("KV/Range", sorted, .invalidSortOption),
            Refusal("KV/Range", future, .futureRev),
            Refusal("KV/Compact", compaction, .futureRev),
            Refusal("KV/Txn", txn(puts), .duplicateKey),
            Refusal("KV/Txn", txn([operation(nil)]), .keyNotFound),
            Refusal(
                "KV/Txn",
                txn(
                    (0...Limits.maxTxnOperations).map { number in
                        operation(.put(put { $0.key = Bytes(text: "\(number)") }))
                    }), .tooManyOps),
            Refusal("Lease/LeaseGrant", grant, .leaseTTLTooLarge),
            Refusal("Maintenance/HashKV", hash, .futureRev),
        ]
    }

    @Test func whatCannotBeIsRefusedInEtcdsWords() throws {
        try TestService.with { service in
            for refusal in Self.refusals {
                let result = try service.call(refusal.path, refusal.message)
                #expect(result == .failure(refusal.error), "\(refusal.path): \(refusal.error)")
            }
            #expect(service.node.mvcc.currentRevision == 1)
        }
    }

    /// A real etcd dies of such an entry when it applies it, so that no member may ever find one in its log.
    @Test func anAlarmOfAnUnknownActionNeverReachesTheLog() throws {
        try TestService.with { service in
            let before = service.node.raft.log.lastIndex
            for action in [3, 4, -1, Int32.max] {
                var request = AlarmRequest()
                request.action = AlarmAction(rawValue: action)
                let error = try #require(try service.refusal("Maintenance/Alarm", request))
                #expect(error == EtcdError(.invalidArgument, "etcdserver: unknown alarm action"))
            }
            #expect(service.node.raft.log.lastIndex == before)
        }
    }

    @Test func aMemberWithoutALeaderSaysSoToThoseWhoAsk() throws {
        let service = try TestService()
        defer { service.close() }
        var request = RangeRequest()
        request.key = [1]
        request.serializable = true
        let metadata = [GRPCMetadataEntry("hasleader", "true")]
        #expect(try service.call("KV/Range", request.encoded(), metadata: metadata) == .failure(.noLeader))
        guard case .success = try service.call("KV/Range", request.encoded()) else {
            Issue.record("a serializable read needs no leader")
            return
        }
        let status = try service.answer("Maintenance/Status", StatusRequest(), as: StatusResponse.self)
        #expect(status.leader == 0 && status.errors == [Bytes(text: "etcdserver: no leader")])
        service.start()
        guard case .success = try service.call("KV/Range", request.encoded(), metadata: metadata) else {
            Issue.record("there is a leader now")
            return
        }
    }

    // MARK: Odd bytes

    /// The same put in ways that protobuf allows; each must come to the same as the plain one.
    @Test func oddEncodingsComeToTheSameState() throws {
        var plain = PutRequest()
        plain.key = Bytes(text: "key")
        plain.value = Bytes(text: "value")
        let key = Bytes([0x0a, 3]) + Bytes(text: "key")
        let value = Bytes([0x12, 5]) + Bytes(text: "value")
        let encodings: [(name: String, bytes: Bytes)] = [
            ("plain", plain.encoded()),
            ("another order", value + key),
            ("an unknown field", [0x9a, 0x06, 2, 1, 2] + key + value),
            ("a field twice", Bytes([0x0a, 1, 0x58]) + key + Bytes([0x12, 0]) + value),
            ("zeros written out", key + value + [0x18, 0, 0x20, 0, 0x28, 0]),
            ("an overlong length", Bytes([0x0a, 0x83, 0x00]) + Bytes(text: "key") + value),
        ]
        var hashes: Set<UInt32> = []
        for (name, bytes) in encodings {
            try TestService.with { service in
                guard case .success(let answer) = try service.call("KV/Put", bytes) else {
                    Issue.record("\(name) was refused")
                    return
                }
                #expect(try PutResponse(decoding: answer).header?.revision == 2)
                let record = try service.get("key")
                #expect(record?.value == Bytes(text: "value") && record?.lease == 0, "\(name)")
                hashes.insert(
                    try service.answer("Maintenance/HashKV", HashKVRequest(), as: HashKVResponse.self).hash)
            }
        }
        #expect(hashes.count == 1)
    }

    // MARK: Giving up

    @Test func aWriteGoesOnWhenItsClientGoesAway() throws {
        try TestService.with { service in
            service.isLogStalled = true
            let proposed = service.proposedEntryCount
            let call = service.client.startUnary(
                "/etcdserverpb.KV/Put", message: Self.put { $0.key = Bytes(text: "kept") }.encoded())
            for _ in 0..<2000 where service.proposedEntryCount == proposed { service.turn() }
            #expect(service.proposedEntryCount == proposed + 1)
            service.client.cancel(call)
            guard case .failure(let error) = try service.result(of: call) else {
                Issue.record("nobody could have answered")
                return
            }
            #expect(error.code == .canceled)
            for _ in 0..<20 { service.turn() }
            service.isLogStalled = false
            #expect(try service.get("kept") != nil)
            // The place of the call is used by others, whom the late answer must not reach.
            for number in 1...50 { #expect(try service.put("key \(number)").header?.revision == Int64(number) + 2) }
        }
    }

    @Test func aClientThatWaitsTooLongIsTold() throws {
        try TestService.with { service in
            service.isLogStalled = true
            let proposed = service.proposedEntryCount
            let call = service.client.startUnary("/etcdserverpb.KV/Put", message: Self.put { _ in }.encoded())
            for _ in 0..<2000 where service.proposedEntryCount == proposed { service.turn() }
            service.advance(seconds: 7)
            #expect(try service.result(of: call) == .failure(.timeout))
            service.isLogStalled = false
            try service.put("later")
            #expect(service.node.mvcc.currentRevision == 3)
        }
    }

    @Test func manyCallsAtOnceAreEachAnswered() throws {
        try TestService.with { service in
            let calls = (1...200).map { number in
                service.client.startUnary(
                    "/etcdserverpb.KV/Put", message: Self.put { $0.key = Bytes(text: "\(number)") }.encoded())
            }
            var revisions: Set<Int64> = []
            for call in calls {
                let answer = try PutResponse(decoding: service.result(of: call).get())
                revisions.insert(answer.header?.revision ?? 0)
            }
            #expect(revisions == Set(2...201))
        }
    }
}
