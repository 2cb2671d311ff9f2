import Alarms
import EtcdMessages
import Primitives
import SimulatedPlatform
import Store
import Testing

@Suite struct AlarmStoreTests {
    private let store: Store
    private let alarms: AlarmStore

    init() throws {
        store = try Store.open(disk: SimulatedDisk(), path: "/db")
        alarms = try AlarmStore(store: store)
    }

    private func ask(_ action: AlarmAction, _ member: UInt64 = 0, _ type: AlarmType = .none) throws -> [AlarmMember] {
        var request = AlarmRequest()
        request.action = action
        request.memberID = member
        request.alarm = type
        let answer = try alarms.apply(request)
        let restarted = try AlarmStore(store: store)
        #expect(restarted.alarms == alarms.alarms)
        #expect(restarted.hasNoSpace == alarms.hasNoSpace && restarted.hasCorrupt == alarms.hasCorrupt)
        return answer
    }

    private func alarm(_ member: UInt64, _ type: AlarmType) -> AlarmMember {
        var alarm = AlarmMember()
        alarm.memberID = member
        alarm.alarm = type
        return alarm
    }

    @Test func raisedSeenAndTakenBack() throws {
        #expect(try ask(.get) == [])
        #expect(try ask(.activate, 7, .noSpace) == [alarm(7, .noSpace)])
        #expect(try ask(.activate, 7, .noSpace) == [alarm(7, .noSpace)])
        #expect(alarms.hasNoSpace && !alarms.hasCorrupt)
        #expect(try ask(.activate, 3, .corrupt) == [alarm(3, .corrupt)])
        #expect(try ask(.activate, 0, .noSpace) == [alarm(0, .noSpace)])
        #expect(try ask(.get) == [alarm(0, .noSpace), alarm(7, .noSpace), alarm(3, .corrupt)])
        #expect(try ask(.get, 9, .noSpace) == [alarm(0, .noSpace), alarm(7, .noSpace)])
        #expect(try ask(.deactivate, 8, .noSpace) == [])
        #expect(try ask(.deactivate, 7, .noSpace) == [alarm(7, .noSpace)])
        #expect(alarms.hasNoSpace)
        #expect(try ask(.deactivate, 0, .noSpace) == [alarm(0, .noSpace)])
        #expect(!alarms.hasNoSpace && alarms.hasCorrupt)
        #expect(try ask(.deactivate, 0, .none) == [])
    }

    @Test func unknownKindsAreKeptAndNoneIsNot() throws {
        #expect(try ask(.activate, 7, .none) == [])
        #expect(try ask(.activate, 7, AlarmType(rawValue: 9)) == [alarm(7, AlarmType(rawValue: 9))])
        #expect(try ask(.activate, 7, AlarmType(rawValue: -1)) == [alarm(7, AlarmType(rawValue: -1))])
        #expect(!alarms.hasNoSpace && !alarms.hasCorrupt)
        #expect(try ask(.get, 7, AlarmType(rawValue: 9)).count == 1)
        #expect(try ask(.deactivate, 7, AlarmType(rawValue: 9)).count == 1)
    }

    @Test func anUnknownActionIsRefused() throws {
        #expect(throws: EtcdError.malformedEntry("an alarm request of unknown action")) {
            try ask(AlarmAction(rawValue: 3), 7, .noSpace)
        }
        #expect(alarms.alarms == [])
    }

    private var put: PutRequest {
        var put = PutRequest()
        put.key = [1]
        return put
    }

    private func txn(_ operations: [RequestOp.Request], failure: [RequestOp.Request] = []) -> TxnRequest {
        func wrap(_ operation: RequestOp.Request) -> RequestOp {
            var op = RequestOp()
            op.request = operation
            return op
        }
        var txn = TxnRequest()
        txn.success = operations.map(wrap)
        txn.failure = failure.map(wrap)
        return txn
    }

    @Test func whatAnAlarmForbids() throws {
        let growing: [RaftOperation] = [
            .put(put), .txn(txn([.put(put)])), .txn(txn([], failure: [.put(put)])),
            .txn(txn([.txn(txn([.txn(txn([.put(put)]))]))])), .leaseGrant(LeaseGrantRequest()),
        ]
        let changing: [RaftOperation] = [
            .deleteRange(DeleteRangeRequest()), .txn(txn([.deleteRange(DeleteRangeRequest())])), .txn(TxnRequest()),
            .range(RangeRequest()), .compaction(CompactionRequest()), .leaseRevoke(LeaseRevokeRequest()),
        ]
        let others: [RaftOperation] = [
            .leaseCheckpoint(LeaseCheckpointRequest()), .alarm(AlarmRequest()), .authEnable,
            .authUserAdd(AuthUserAddRequest()), .clusterVersionSet(ClusterVersionSetRequest()),
        ]
        func refusals(_ operations: [RaftOperation]) -> Set<EtcdError?> {
            Set(
                operations.map { operation in
                    do throws(EtcdError) {
                        try alarms.check(operation)
                        return nil
                    } catch {
                        return error
                    }
                })
        }
        #expect(refusals(growing + changing + others) == [nil])
        _ = try ask(.activate, 1, .noSpace)
        #expect(refusals(growing) == [.noSpace])
        #expect(refusals(changing + others) == [nil])
        _ = try ask(.activate, 2, .corrupt)
        #expect(refusals(growing + changing) == [.corrupt])
        #expect(refusals(others) == [nil])
        _ = try ask(.deactivate, 1, .noSpace)
        #expect(refusals(growing + changing) == [.corrupt])
    }

    @Test func costs() {
        var big = put
        big.value = Bytes(repeating: 0, count: 1000)
        #expect(QuotaCost.of(put) == 257)
        #expect(QuotaCost.of(big) == 1257)
        #expect(QuotaCost.of(LeaseGrantRequest()) == 64)
        #expect(QuotaCost.of(txn([.put(put), .put(put), .range(RangeRequest())], failure: [.put(big)])) == 1257)
        #expect(QuotaCost.of(txn([.put(put), .txn(txn([.put(put)], failure: [.put(big), .put(put)]))])) == 1771)
        #expect(QuotaCost.of(txn([.deleteRange(DeleteRangeRequest())])) == 0)
    }

    @Test func quotas() {
        let quota = Quota(setting: 1000)
        #expect(quota.admits(.put(put), databaseByteCount: 742))
        #expect(!quota.admits(.put(put), databaseByteCount: 743))
        #expect(!quota.admits(.leaseGrant(LeaseGrantRequest()), databaseByteCount: 936))
        #expect(quota.admits(.txn(txn([.deleteRange(DeleteRangeRequest())])), databaseByteCount: 5000))
        #expect(quota.admits(.deleteRange(DeleteRangeRequest()), databaseByteCount: 5000))
        #expect(Quota(setting: -1).admits(.put(put), databaseByteCount: .max / 2))
        #expect(Quota(setting: 0).limitByteCount == 2 << 30)
    }

    @Test func recordsThatAreNotAsTheyMustBe() throws {
        store.put(.alarm, key: [0xff], value: [])
        #expect(throws: StoreError.self) { try AlarmStore(store: store) }
    }
}
