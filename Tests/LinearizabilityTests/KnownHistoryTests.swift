import EtcdMessages
import Linearizability
import Primitives
import Testing

/// Short histories, each with one promise broken, and the sound ones beside them.
@Suite struct KnownHistoryTests {
    /// Answers requests one after another; a test then changes what was answered.
    private struct Script {
        var store = PlainStore()
        var history = History()
        var time: UInt64 = 0

        /// Asks, and is answered before the next call.
        @discardableResult mutating func ask(_ request: HistoryOperation.Request, client: Int = 1) -> Int {
            let response = store.apply(request)
            return note(request, response, client: client)
        }

        /// Notes an answer that the store need not have given.
        @discardableResult mutating func note(
            _ request: HistoryOperation.Request, _ response: HistoryOperation.Response, client: Int = 1
        ) -> Int {
            history.operations.append(
                HistoryOperation(client: client, call: time + 1, request, .answered(response, at: time + 2)))
            time += 2
            return history.operations.count - 1
        }

        /// Asks and hears nothing.
        mutating func lose(_ request: HistoryOperation.Request, isDone: Bool) {
            time += 1
            history.operations.append(HistoryOperation(client: 9, call: time, request, .unknown))
            if isDone { _ = store.apply(request) }
        }

        var verdict: LinearizabilityVerdict { LinearizabilityChecker().check(history) }
    }

    private func expectSound(_ script: Script, _ location: SourceLocation = #_sourceLocation) {
        let verdict = script.verdict
        guard case .linearizable = verdict else {
            Issue.record("\(verdict)", sourceLocation: location)
            return
        }
    }

    private func expectBroken(_ script: Script, _ words: String, _ location: SourceLocation = #_sourceLocation) {
        let verdict = script.verdict
        guard case .violated(let text) = verdict, text.contains(words) else {
            Issue.record("\(verdict)", sourceLocation: location)
            return
        }
    }

    @Test func oneAfterAnotherIsSound() {
        var script = Script()
        script.ask(Ask.put("a", "1"))
        script.ask(Ask.range("a"))
        script.ask(Ask.compareAndPut("a", 2, "2"))
        script.ask(Ask.compareAndPut("a", 2, "3"))
        script.ask(Ask.delete("a", prevKv: true))
        script.ask(Ask.delete("a"))
        script.ask(Ask.everything)
        expectSound(script)
    }

    @Test func aStaleReadIsFound() {
        var script = Script()
        script.ask(Ask.put("a", "1"))
        let before = script.store
        script.ask(Ask.put("a", "2"))
        var old = before
        script.note(Ask.range("a"), old.apply(Ask.range("a")))
        expectBroken(script, "stale")
    }

    @Test func aSerializableReadMayBeStale() {
        var script = Script()
        script.ask(Ask.put("a", "1"))
        var old = script.store
        script.ask(Ask.put("a", "2"))
        let read = Ask.range("a", serializable: true)
        script.note(read, old.apply(read))
        expectSound(script)
    }

    @Test func aReadFromTheFutureIsFound() {
        var script = Script()
        script.ask(Ask.put("a", "1"))
        var future = script.store
        _ = future.apply(Ask.put("a", "2"))
        let read = Ask.range("a", serializable: true)
        script.note(read, future.apply(read))
        script.ask(Ask.put("a", "2"))
        expectBroken(script, "before it was called")
    }

    @Test func twoThatOverlapMayBeInAnyOrder() {
        var script = Script()
        script.ask(Ask.put("a", "1"))
        let old = script.ask(Ask.range("a"))
        let new = script.ask(Ask.put("a", "2"))
        // The read returns after the put did, but was called before.
        script.history.operations[old].outcome = .answered(
            answer(script, old), at: script.history.operations[new].returnTime.map { $0 + 5 } ?? 0)
        expectSound(script)
    }

    private func answer(_ script: Script, _ place: Int) -> HistoryOperation.Response {
        guard case .answered(let response, _) = script.history.operations[place].outcome else {
            Issue.record("no answer")
            return .put(PutResponse())
        }
        return response
    }

    @Test func aLostWriteIsFound() {
        var script = Script()
        script.ask(Ask.put("a", "1"))
        let before = script.store
        script.ask(Ask.put("a", "2"))
        // The cluster forgot it, and went on from where it had been.
        script.store = before
        script.ask(Ask.put("a", "3"))
        expectBroken(script, "told of before it was called")
    }

    @Test func aLostWriteUnderAnotherIsFound() {
        var script = Script()
        script.ask(Ask.put("a", "1"))
        script.ask(Ask.put("b", "2"))
        // The revision counts on, but the key is gone.
        script.store.records.removeAll { $0.key == Bytes(text: "a") }
        script.ask(Ask.everything)
        expectBroken(script, "counts 1 keys, and not 2")
    }

    @Test func aWriteDoneTwiceIsFound() {
        var script = Script()
        script.ask(Ask.put("a", "1"))
        _ = script.store.apply(Ask.put("a", "1"))
        script.ask(Ask.range("a"))
        expectBroken(script, "revision 3 was made by none")
    }

    @Test func twoWritesOfOneRevisionAreFound() {
        var script = Script()
        script.ask(Ask.put("a", "1"))
        script.history.operations.append(
            HistoryOperation(client: 2, call: 0, Ask.put("b", "2"), .answered(answer(script, 0), at: 9)))
        expectBroken(script, "made the same revision")
    }

    @Test func aRevisionThatGoesBackIsFound() {
        var script = Script()
        script.ask(Ask.put("a", "1"))
        script.ask(Ask.put("a", "2"))
        script.store.revision = 2
        script.ask(Ask.range("b"))
        expectBroken(script, "stale")
    }

    @Test func aDirtyReadIsFound() {
        var script = Script()
        script.ask(Ask.put("a", "1"))
        // A write that failed shows.
        script.history.operations.append(HistoryOperation(client: 3, call: script.time, Ask.put("a", "x"), .failed))
        _ = script.store.apply(Ask.put("a", "x"))
        script.ask(Ask.range("a"))
        expectBroken(script, "revision 3 was made by none")
    }

    @Test func aWriteThatIsSeenAndThenGoneIsFound() {
        var script = Script()
        script.ask(Ask.put("a", "1"))
        let before = script.store
        script.lose(Ask.put("a", "x"), isDone: true)
        script.ask(Ask.range("a"))
        script.store = before
        script.ask(Ask.put("a", "2"))
        expectBroken(script, "told of before it was called")
    }

    @Test(arguments: [true, false]) func aWriteOfUnknownOutcomeMayBeDoneOrNot(isDone: Bool) {
        var script = Script()
        script.ask(Ask.put("a", "1"))
        script.lose(Ask.put("a", "2"), isDone: isDone)
        script.ask(Ask.range("a"))
        script.ask(Ask.put("b", "3"))
        script.ask(Ask.everything)
        expectSound(script)
    }

    @Test func aWriteOfUnknownOutcomeMayBeDoneMuchLater() {
        var script = Script()
        script.lose(Ask.put("a", "late"), isDone: false)
        script.ask(Ask.put("a", "1"))
        script.ask(Ask.range("a"))
        _ = script.store.apply(Ask.put("a", "late"))
        script.ask(Ask.range("a"))
        expectSound(script)
    }

    @Test func butNotBeforeItWasCalled() {
        var script = Script()
        script.ask(Ask.put("a", "1"))
        _ = script.store.apply(Ask.put("a", "early"))
        script.ask(Ask.range("a"))
        script.lose(Ask.put("a", "early"), isDone: false)
        expectBroken(script, "revision 3 was made by none")
    }

    @Test func aWrongPreviousValueIsFound() {
        var script = Script()
        script.ask(Ask.put("a", "1"))
        script.store.records[0].value = Bytes(text: "other")
        script.ask(Ask.put("a", "2", prevKv: true))
        expectBroken(script, "saw a with value other")
    }

    @Test func aMissingPreviousValueIsFound() {
        var script = Script()
        script.ask(Ask.put("a", "1"))
        script.store.records = []
        script.ask(Ask.put("a", "2", prevKv: true))
        expectBroken(script, "prev_kv is nothing")
    }

    @Test func aComparisonThatHeldAndShouldNotIsFound() {
        var script = Script()
        script.ask(Ask.put("a", "1"))
        script.ask(Ask.put("a", "2"))
        script.store.records[0].modRevision = 2
        script.ask(Ask.compareAndPut("a", 2, "3"))
        expectBroken(script, "its comparisons gave true")
    }

    @Test func aReadOfThePastShowsThePast() {
        var script = Script()
        script.ask(Ask.put("a", "1"))
        let past = script.store
        script.ask(Ask.put("a", "2"))
        var response = past.range(range("a"))
        response.header?.revision = 3
        script.note(Ask.range("a", revision: 2), .range(response))
        expectSound(script)
        var wrong = script.store.range(range("a"))
        wrong.header?.revision = 3
        script.note(Ask.range("a", revision: 2), .range(wrong))
        expectBroken(script, "at revision 2")
    }

    private func range(_ key: String) -> RangeRequest {
        var request = RangeRequest()
        request.key = Bytes(text: key)
        return request
    }

    /// A revocation does not say whether it deleted anything: its revision may be its own, or that of another.
    @Test func aRevocationMayHaveDeletedKeysOrNot() {
        for hasKeys in [true, false] {
            var script = Script()
            var put = PutRequest()
            put.key = Bytes(text: "a")
            put.lease = hasKeys ? 7 : 0
            script.ask(.put(put))
            script.store.records[0].lease = put.lease
            var revoke = LeaseRevokeRequest()
            revoke.id = 7
            if hasKeys {
                script.store.records = []
                script.store.revision += 1
            }
            var response = LeaseRevokeResponse()
            response.header = script.store.header
            script.note(.leaseRevoke(revoke), .leaseRevoke(response))
            script.ask(Ask.everything)
            expectSound(script)
            if hasKeys { continue }
            // A key that has another lease may not go with it.
            script.store.records = []
            script.ask(Ask.everything)
            expectBroken(script, "counts 0 keys, and not 1")
        }
    }

    @Test func whatAWatchSawDecidesBetweenWritesOfUnknownOutcome() {
        var script = Script()
        script.lose(Ask.put("a", "1"), isDone: true)
        script.lose(Ask.put("b", "2"), isDone: true)
        script.ask(Ask.put("c", "3"))
        var event = Event()
        event.kv = script.store.record("b")
        var response = WatchResponse()
        response.events = [event]
        var watch = RecordedWatch(number: 1, request: WatchCreateRequest())
        watch.responses = [RecordedWatch.Response(response)]
        script.history.watches = [watch]
        guard case .linearizable(let found) = script.verdict else {
            Issue.record("\(script.verdict)")
            return
        }
        #expect(found.changes.map { $0.key.text } == ["a", "b", "c"])
        #expect(found.doneUnknown == [0, 1])
        // An event of something that nobody wrote.
        script.history.watches[0].responses[0].response.events[0].kv?.value = Bytes(text: "x")
        expectBroken(script, "saw b with value x")
    }

    @Test func aHistoryGoesOnFromItsStart() {
        var script = Script()
        script.ask(Ask.put("a", "1"))
        script.history = History()
        script.history.startRevision = script.store.revision
        script.history.startRecords = script.store.records
        script.ask(Ask.range("a"))
        script.ask(Ask.put("a", "2", prevKv: true))
        expectSound(script)
        script.store.revision = 1
        script.ask(Ask.range("a"))
        expectBroken(script, "with which the history begins")
    }
}
