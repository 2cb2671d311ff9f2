internal import EtcdMessages
package import Linearizability
internal import Primitives

/// Judges a history recorded from processes, or from a simulated cluster: its operations, and each of its watches.
package enum HistoryJudge {
    /// What is found.
    package enum Verdict: Equatable, Sendable {
        /// Nothing is wrong. The text counts what was judged.
        case sound(String)
        /// A promise was broken; the text says which.
        case broken(String)
        case undecided(String)
    }

    package static func judge(_ history: History) -> Verdict {
        switch LinearizabilityChecker().check(history) {
        case .violated(let text): return .broken("not linearizable: \(text)")
        case .gaveUp(let text): return .undecided(text)
        case .linearizable(let found):
            do throws(SimulationFailure) {
                let eventCount = try judgeWatches(history, found)
                return .sound(
                    "\(history.operations.count) operations are linearizable, \(found.doneUnknown.count) of "
                        + "\(history.operations.count { $0.outcome == .unknown }) of unknown outcome done, through "
                        + "revision \(found.revision); \(eventCount) events of \(history.watches.count) watches are right"
                )
            } catch {
                return .broken(error.text)
            }
        }
    }

    /// - Returns: how many events there were.
    private static func judgeWatches(_ history: History, _ found: Linearization) throws(SimulationFailure) -> Int {
        var keys = KeyHistory(revision: history.startRevision, records: history.startRecords)
        var rest = found.changes[...]
        while keys.revision < found.revision {
            let revision = keys.revision + 1
            let changes = rest.prefix { $0.revision == revision }
            rest = rest.dropFirst(changes.count)
            keys.append(revision: revision, changes.map { ($0.key, $0.record) })
        }
        keys.compactedRevision = history.operations.map(\.compactedRevision).max() ?? -1
        var eventCount = 0
        for watch in history.watches {
            do throws(SimulationFailure) {
                eventCount += try judge(watch, keys)
            } catch {
                throw SimulationFailure("watch \(watch.number): \(error.text)")
            }
        }
        return eventCount
    }

    private static func judge(_ watch: RecordedWatch, _ keys: KeyHistory) throws(SimulationFailure) -> Int {
        var checker = WatchChecker(watch.request)
        for told in watch.responses {
            try checker.take(told.response, revision: told.response.header?.revision ?? 0, history: keys)
        }
        if let complete = watch.completeRevision, complete >= watch.request.startRevision, checker.isOpen {
            // That all has come is what a bookmark says, too.
            try checker.take(WatchResponse(), revision: complete, history: keys)
        }
        return checker.eventCount
    }
}

extension HistoryOperation {
    /// Up to where it may have compacted.
    fileprivate var compactedRevision: Int64 {
        if case .compact(let request) = request, outcome != .failed { request.revision } else { -1 }
    }
}
