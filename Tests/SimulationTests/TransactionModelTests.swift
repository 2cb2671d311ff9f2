import EtcdMessages
import Primitives
import Testing

@testable import Simulation

/// Transactions of the plain model, nested ones too.
@Suite struct TransactionModelTests {
    private func operation(_ request: RequestOp.Request) -> RequestOp {
        var operation = RequestOp()
        operation.request = request
        return operation
    }

    private func put(_ key: String, _ value: String) -> PutRequest {
        var request = PutRequest()
        (request.key, request.value) = (Bytes(text: key), Bytes(text: value))
        return request
    }

    private func value(of key: String, is value: String) -> Compare {
        var compare = Compare()
        (compare.key, compare.target) = (Bytes(text: key), .value)
        compare.targetUnion = .value(Bytes(text: value))
        return compare
    }

    private func range(_ key: String) -> RangeRequest {
        var request = RangeRequest()
        request.key = Bytes(text: key)
        return request
    }

    @Test func comparisonsAreMadeBeforeAnythingIsDone() throws {
        let model = KeyValueModel().put(put("a", "1")).next
        var nested = TxnRequest()
        nested.compare = [value(of: "a", is: "1")]
        nested.success = [operation(.put(put("b", "then")))]
        nested.failure = [operation(.put(put("b", "else")))]
        var request = TxnRequest()
        request.success = [operation(.put(put("a", "2"))), operation(.txn(nested)), operation(.range(range("a")))]
        let (next, result) = model.txn(request)
        #expect(next.revision == 3)
        #expect(next.records(Bytes(text: "b"), [], at: 3).first?.value == Bytes(text: "then"))
        guard case .range(let seen)? = try result.get().responses.last?.response else {
            Issue.record("no answer to the range")
            return
        }
        // What was put in the same transaction is seen, at the revision to come.
        #expect(seen.kvs.first?.value == Bytes(text: "2") && seen.header?.revision == 3)
    }

    @Test func oneRefusalRefusesAll() {
        let model = KeyValueModel().put(put("a", "1")).next
        var late = range("a")
        late.revision = 9
        var nested = TxnRequest()
        nested.success = [operation(.range(late))]
        var request = TxnRequest()
        request.success = [operation(.put(put("a", "2"))), operation(.txn(nested))]
        let (next, result) = model.txn(request)
        #expect(next.revision == 2)
        #expect(throws: EtcdError.futureRev) { try result.get() }
    }

    @Test func whatChangesNothingHasNoRevision() throws {
        let model = KeyValueModel().put(put("a", "1")).next
        var deletion = DeleteRangeRequest()
        deletion.key = Bytes(text: "none")
        var request = TxnRequest()
        request.success = [operation(.deleteRange(deletion))]
        #expect(model.txn(request).next.revision == 2)
    }

    @Test func withoutSpaceOnlyWhatMayGrowIsForbidden() {
        var alarm = AlarmRequest()
        (alarm.action, alarm.memberID, alarm.alarm) = (.activate, 7, .noSpace)
        var alarms = AlarmModel()
        alarms.apply(alarm)
        var growing = TxnRequest()
        growing.failure = [operation(.put(put("a", "1")))]
        #expect(alarms.forbids(.put(put("a", "1"))) && alarms.forbids(.txn(growing)))
        #expect(!alarms.forbids(.deleteRange(DeleteRangeRequest())) && !alarms.forbids(.txn(TxnRequest())))
        alarm.action = .deactivate
        alarms.apply(alarm)
        #expect(!alarms.forbids(.put(put("a", "1"))))
    }
}
