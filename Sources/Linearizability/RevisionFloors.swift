internal import EtcdMessages

/// The greatest revision that anyone had been told of at each time: what is called afterwards may not be of an earlier one.
struct RevisionFloors {
    struct Floor {
        var revision: Int64
        /// Who had been told.
        var by: String
    }

    private struct Step {
        var time: UInt64
        var revision: Int64
        /// An operation, or nil for a watch.
        var operation: Int?
        var watch = 0
    }

    private let history: History
    /// Only those that raise the floor, in the order of time.
    private var steps: [Step] = []

    init(_ history: History) {
        self.history = history
        var all: [Step] = []
        for (number, operation) in history.operations.enumerated() {
            guard case .answered(let response, let time) = operation.outcome else { continue }
            all.append(Step(time: time, revision: response.header?.revision ?? 0, operation: number))
        }
        for watch in history.watches {
            for told in watch.responses {
                guard let time = told.time else { continue }
                let last = told.response.events.last?.kv?.modRevision ?? 0
                let revision = max(last, told.response.header?.revision ?? 0)
                all.append(Step(time: time, revision: revision, operation: nil, watch: watch.number))
            }
        }
        all.sort { ($0.time, $0.revision) < ($1.time, $1.revision) }
        for step in all where step.revision > steps.last?.revision ?? history.startRevision { steps.append(step) }
    }

    /// What had been told strictly before a time.
    func floor(before time: UInt64) -> Floor {
        var (low, high) = (0, steps.count)
        while low < high {
            let middle = (low + high) / 2
            if steps[middle].time < time { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return Floor(revision: history.startRevision, by: "the start") }
        let step = steps[low - 1]
        return Floor(
            revision: step.revision,
            by: step.operation.map { history.operations[$0].text } ?? "watch \(step.watch)")
    }
}
