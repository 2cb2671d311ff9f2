import EtcdMessages
import Linearizability
import Primitives
import Simulation
import Testing

/// Recorded histories with watches in them.
@Suite struct HistoryJudgeTests {
    private func record(_ value: String, mod: Int64, create: Int64, version: Int64) -> KeyValue {
        var record = KeyValue()
        record.key = Bytes(text: "k")
        record.value = Bytes(text: value)
        (record.modRevision, record.createRevision, record.version) = (mod, create, version)
        return record
    }

    private func put(_ value: String, at revision: Int64) -> HistoryOperation {
        var request = PutRequest()
        request.key = Bytes(text: "k")
        request.value = Bytes(text: value)
        var response = PutResponse()
        response.header = ResponseHeader()
        response.header?.revision = revision
        let time = UInt64(revision) * 10
        return HistoryOperation(client: 1, call: time, .put(request), .answered(.put(response), at: time + 5))
    }

    private func response(_ revision: Int64, _ events: [Event] = [], created: Bool = false) -> RecordedWatch.Response {
        var response = WatchResponse()
        response.header = ResponseHeader()
        response.header?.revision = revision
        response.created = created
        response.events = events
        return RecordedWatch.Response(response)
    }

    private func event(_ record: KeyValue) -> Event {
        var event = Event()
        event.kv = record
        return event
    }

    /// Three puts of one key, and a watch from the first of them on.
    private var history: History {
        var request = WatchCreateRequest()
        request.key = Bytes(text: "k")
        request.startRevision = 2
        var watch = RecordedWatch(number: 1, request: request)
        watch.responses = [
            response(1, created: true),
            response(2, [event(record("a", mod: 2, create: 2, version: 1))]),
            response(3, [event(record("b", mod: 3, create: 2, version: 2))]),
        ]
        var history = History()
        history.operations = [put("a", at: 2), put("b", at: 3), put("c", at: 4)]
        history.watches = [watch]
        return history
    }

    private func expectBroken(_ history: History, _ words: String, _ location: SourceLocation = #_sourceLocation) {
        let verdict = HistoryJudge.judge(history)
        guard case .broken(let text) = verdict, text.contains(words) else {
            Issue.record("\(verdict)", sourceLocation: location)
            return
        }
    }

    @Test func whatHappenedIsSound() throws {
        guard case .sound(let text) = HistoryJudge.judge(try History(reading: history.recorded)) else {
            Issue.record("\(HistoryJudge.judge(history))")
            return
        }
        #expect(text.contains("3 operations are linearizable") && text.contains("2 events of 1 watches"))
    }

    @Test func aMissingEventIsFound() {
        var history = history
        history.watches[0].responses.remove(at: 1)
        expectBroken(history, "watch 1: ")
        // The last one is missed once all must have come.
        history = self.history
        history.watches[0].completeRevision = 3
        guard case .sound = HistoryJudge.judge(history) else {
            Issue.record("\(HistoryJudge.judge(history))")
            return
        }
        history.watches[0].completeRevision = 4
        expectBroken(history, "bookmarkable: progress at 4, but the change at 4 had not come")
    }

    @Test func aRepeatedEventIsFound() {
        var history = history
        history.watches[0].responses.append(history.watches[0].responses[1])
        expectBroken(history, "ordered, unique")
    }

    @Test func anEventOfNothingIsFound() {
        var history = history
        history.watches[0].responses.append(response(5, [event(record("x", mod: 5, create: 2, version: 4))]))
        expectBroken(history, "revision 5 was made by none")
    }

    @Test func progressThatOvertakesIsFound() {
        var history = history
        history.watches[0].responses.insert(response(3), at: 2)
        expectBroken(history, "bookmarkable")
    }
}
