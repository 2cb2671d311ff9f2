import Environment
import EtcdMessages
import Linearizability
import Primitives
import Testing

/// The judge that is told what made each revision, against the checker that has to find it out.
@Suite struct WitnessedJudgeTests {
    private struct Event {
        enum Kind {
            case call(Int), made(Int), outcome(Int)
        }

        var time: UInt64
        /// Of events at one time, calls come first: an answer at that time is no answer before them.
        var rank: Int
        var kind: Kind
    }

    /// The first answer that cannot be, if there is one.
    private func judge(_ history: History, _ made: [RandomHistory.Made]) -> HistoryViolation? {
        var events: [Event] = []
        for (place, operation) in history.operations.enumerated() {
            events.append(Event(time: operation.call, rank: 0, kind: .call(place)))
            // What became of the others is known in the end alone.
            events.append(Event(time: operation.returnTime ?? .max, rank: 2, kind: .outcome(place)))
        }
        for (place, made) in made.enumerated() { events.append(Event(time: made.time, rank: 1, kind: .made(place))) }
        events.sort { ($0.time, $0.rank) < ($1.time, $1.rank) }
        var judge = WitnessedJudge()
        do throws(HistoryViolation) {
            for event in events { try tell(&judge, event.kind, history, made) }
        } catch {
            return error
        }
        return nil
    }

    private func tell(
        _ judge: inout WitnessedJudge, _ event: Event.Kind, _ history: History, _ made: [RandomHistory.Made]
    ) throws(HistoryViolation) {
        switch event {
        case .call(let place):
            let operation = history.operations[place]
            judge.called(
                operation.request, number: UInt64(place), client: operation.client, at: operation.call)
        case .made(let place): try judge.changed(by: made[place].request, made[place].changes)
        case .outcome(let place):
            switch history.operations[place].outcome {
            case .answered(let response, let time): try judge.answered(UInt64(place), response, at: time)
            case .failed: try judge.failed(UInt64(place))
            case .unknown: judge.gaveUp(UInt64(place))
            }
        }
    }

    /// What the checker says if a watch tells it what happened.
    private func check(_ history: History, _ made: [RandomHistory.Made]) -> Bool {
        var request = WatchCreateRequest()
        (request.key, request.rangeEnd) = ([0], [0])
        var watch = RecordedWatch(number: 0, request: request)
        for (place, made) in made.enumerated() {
            var response = WatchResponse()
            response.events = made.changes.map { key, record in
                var event = deletion(of: key, at: Int64(place) + 2)
                if let record { (event.type, event.kv) = (.put, record) }
                return event
            }
            watch.responses.append(RecordedWatch.Response(response))
        }
        var history = history
        history.watches = [watch]
        if case .linearizable = LinearizabilityChecker().check(history) { return true }
        return false
    }

    /// A deletion as a watch tells it.
    private func deletion(of key: Bytes, at revision: Int64) -> EtcdMessages.Event {
        var record = KeyValue()
        record.key = key
        record.modRevision = revision
        var event = EtcdMessages.Event()
        event.type = .delete
        event.kv = record
        return event
    }

    @Test func whatAStoreAnswersIsFoundSound() {
        var entropy = SeededEntropy(seed: 11)
        for _ in 0..<300 {
            let (history, made) = RandomHistory(operationCount: 60, keyCount: 3, valueCount: 4).makeWitnessed(&entropy)
            let violation = judge(history, made)
            #expect(violation == nil, "\(String(describing: violation))")
        }
    }

    /// Sound histories and ones with a lie in them: what the checker finds is found. The judge finds more: it knows when each revision was
    /// made, and that one was told of before.
    @Test func everyLieIsFoundThatTheCheckerFinds() {
        var entropy = SeededEntropy(seed: 12)
        var counts = [true: 0, false: 0]
        for _ in 0..<3000 {
            let random = RandomHistory(operationCount: 8, unknownPercent: 50, valueCount: 3)
            let (sound, made) = random.makeWitnessed(&entropy)
            var history = sound
            if entropy.next() % 4 > 0 { history.spoil(&entropy) }
            let isSound = check(history, made)
            counts[isSound, default: 0] += 1
            let violation = judge(history, made)
            if !isSound {
                #expect(violation != nil, "\(history)")
            } else if history == sound {
                #expect(violation == nil, "\(String(describing: violation)): \(history)")
            }
        }
        #expect(counts[true, default: 0] > 500 && counts[false, default: 0] > 500, "\(counts)")
    }
}
