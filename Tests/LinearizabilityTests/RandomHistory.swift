import Environment
import EtcdMessages
import Linearizability
import Primitives

/// Clients of a plain store that answers each request at some moment between its call and its return.
struct RandomHistory {
    var clientCount = 3
    var operationCount = 12
    var keyCount = 2
    /// In how many of a hundred writes the client hears nothing.
    var unknownPercent = 20
    /// Different values; few make equal requests.
    var valueCount = Int.max

    /// A revision, as whoever made the history knows it.
    struct Made {
        var time: UInt64
        var request: HistoryOperation.Request
        var changes: [(key: Bytes, record: KeyValue?)]
    }

    func make(_ entropy: inout SeededEntropy) -> History { makeWitnessed(&entropy).history }

    /// A history, and what made each of its revisions.
    func makeWitnessed(_ entropy: inout SeededEntropy) -> (history: History, made: [Made]) {
        var store = PlainStore()
        var history = History()
        var made: [Made] = []
        var time: UInt64 = 0
        func apply(_ request: HistoryOperation.Request) -> HistoryOperation.Response {
            let before = store
            let response = store.apply(request)
            guard store.revision > before.revision else { return response }
            made.append(Made(time: time, request: request, changes: store.changes(since: before)))
            return response
        }
        /// By client: where its operation is in the history, and its answer once there is one.
        var running = [(place: Int, response: HistoryOperation.Response?)?](repeating: nil, count: clientCount)
        /// Writes whose clients gave up and that may still be done.
        var late: [HistoryOperation.Request] = []
        var askedCount = 0
        while askedCount < operationCount || running.contains(where: { $0 != nil }) {
            time += 1 + entropy.next() % 3
            if !late.isEmpty, entropy.next() % 10 == 0 {
                _ = apply(late.remove(at: Int(entropy.next() % UInt64(late.count))))
            }
            let client = Int(entropy.next() % UInt64(clientCount))
            if let (place, response) = running[client] {
                if let response {
                    history.operations[place].outcome = .answered(response, at: time)
                    running[client] = nil
                } else if gives(up: history.operations[place].request, &entropy) {
                    late.append(history.operations[place].request)
                    running[client] = nil
                } else {
                    let response = apply(history.operations[place].request)
                    // Done, but the answer may be lost.
                    let isLost = gives(up: history.operations[place].request, &entropy)
                    running[client] = isLost ? nil : (place, response)
                }
            } else if askedCount < operationCount {
                askedCount += 1
                let request = request(askedCount, store, &entropy)
                running[client] = (history.operations.count, nil)
                history.operations.append(HistoryOperation(client: client, call: time, request, .unknown))
            }
        }
        return (history, made)
    }

    private func gives(up request: HistoryOperation.Request, _ entropy: inout SeededEntropy) -> Bool {
        if case .range = request { return false }
        return Int(entropy.next() % 200) < unknownPercent
    }

    private func request(
        _ number: Int, _ store: PlainStore, _ entropy: inout SeededEntropy
    ) -> HistoryOperation.Request {
        let key = "k\(entropy.next() % UInt64(keyCount))"
        let value = "v\(number % valueCount)"
        switch entropy.next() % 10 {
        case 0..<4: return Ask.put(key, value, prevKv: entropy.next() % 2 == 0)
        case 4: return Ask.delete(key, prevKv: entropy.next() % 2 == 0)
        case 5, 6: return Ask.compareAndPut(key, store.record(key)?.modRevision ?? 0, value)
        case 7: return Ask.everything
        default: return Ask.range(key)
        }
    }
}

extension HistoryOperation {
    /// The same operation with another answer.
    func answered(_ change: (inout RangeResponse) -> Void) -> HistoryOperation {
        guard case .answered(.range(var response), let time) = outcome else { return self }
        change(&response)
        var next = self
        next.outcome = .answered(.range(response), at: time)
        return next
    }
}

/// Tries all orders: the definition, for histories of a few operations.
enum BruteForce {
    static func isLinearizable(_ history: History) -> Bool {
        search(history.operations, PlainStore())
    }

    private static func search(_ rest: [HistoryOperation], _ store: PlainStore) -> Bool {
        if rest.allSatisfy({ $0.outcome == .unknown || $0.outcome == .failed }) { return true }
        // The next may be any that was called before all others returned.
        let firstReturn = rest.compactMap(\.returnTime).min() ?? .max
        for (place, operation) in rest.enumerated() where operation.call <= firstReturn {
            if operation.outcome == .failed { continue }
            var next = store
            let response = next.apply(operation.request)
            if case .answered(let answer, _) = operation.outcome, answer != response { continue }
            var others = rest
            others.remove(at: place)
            if search(others, next) { return true }
        }
        return false
    }
}

extension HistoryOperation {
    var returnTime: UInt64? {
        if case .answered(_, let time) = outcome { time } else { nil }
    }
}
