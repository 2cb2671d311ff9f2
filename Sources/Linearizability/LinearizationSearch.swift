internal import EtcdMessages
internal import Primitives

/// The search of `LinearizabilityChecker`: depth first through the revisions, at each of them one writer after another.
struct LinearizationSearch {
    /// A revision that is reached, and what was tried to go on from it.
    private struct Frame {
        var revision: Int64
        var journalCount: Int
        var place: Place
        /// Writers that may make the next revision.
        var writers: [Writer]
        var nextWriter = 0
        /// The candidate that is being tried.
        var used: Int?
    }

    private enum Writer {
        case acknowledged(Int)
        /// A place in `index.candidates`.
        case candidate(Int)
    }

    /// All that matters for the way on.
    private struct Place: Hashable {
        var revision: Int64
        var content: UInt64
        var used: UInt64
    }

    private let history: History
    private let index: HistoryIndex
    private let bounds: LinearizabilityChecker
    private var state: HistoryState
    private var isUsed: [Bool]
    /// Of the candidates in use, whatever their order.
    private var usedHash: UInt64 = 0
    private var frames: [Frame] = []
    private var hopeless: Set<Place> = []
    private var stepCount = 0
    /// How far any way came, and what ended it.
    private var farthest: (revision: Int64, text: String)

    init(_ history: History, _ index: HistoryIndex, _ bounds: LinearizabilityChecker) {
        self.history = history
        self.index = index
        self.bounds = bounds
        state = HistoryState(revision: history.startRevision, records: history.startRecords)
        isUsed = Array(repeating: false, count: index.candidates.count)
        farthest = (history.startRevision - 1, "")
    }

    mutating func run() -> LinearizabilityVerdict {
        var isForward = observe(madeBy: nil)
        while true {
            if isForward {
                if state.revision == index.lastRevision { return .linearizable(linearization) }
                let place = Place(revision: state.revision, content: state.contentHash, used: usedHash)
                isForward = false
                if hopeless.contains(place) { continue }
                frames.append(
                    Frame(
                        revision: state.revision, journalCount: state.journal.count, place: place,
                        writers: writers(of: state.revision + 1)))
            } else {
                guard var frame = frames.popLast() else { return .violated(farthest.text) }
                leave(&frame)
                if advance(&frame) {
                    frames.append(frame)
                    isForward = true
                } else {
                    hopeless.insert(frame.place)
                }
                guard stepCount <= bounds.maxStepCount, hopeless.count <= bounds.maxRememberedCount else {
                    return .gaveUp(
                        "gave up after \(stepCount) steps and \(hopeless.count) states without a way on; the farthest "
                            + "came to revision \(farthest.revision) of \(index.lastRevision): \(farthest.text)")
                }
            }
        }
    }

    private var linearization: Linearization {
        Linearization(
            revision: state.revision,
            changes: state.journal.map { Linearization.Change(revision: $0.revision, key: $0.key, record: $0.after) },
            doneUnknown: frames.compactMap { $0.used.map { index.candidates[$0].operation } }, stepCount: stepCount)
    }

    // MARK: Steps

    /// Who can have made a revision: the one that was told so, or else any of unknown outcome that was called in time, the last one
    /// first: most are done soon or never. Of those that ask for the same one stands for all.
    private func writers(of revision: Int64) -> [Writer] {
        if let writer = index.writers[revision] { return [.acknowledged(writer)] }
        var writers: [Writer] = []
        var classes: Set<Int> = []
        for (number, candidate) in index.candidates.enumerated() {
            guard candidate.leastRevision <= revision else { break }
            guard !isUsed[number], candidate.onlyRevision ?? revision == revision else { continue }
            guard candidate.onlyRevision != nil || classes.insert(candidate.requestClass).inserted else { continue }
            writers.append(.candidate(number))
        }
        return writers.reversed()
    }

    /// Goes on to the next revision by the next writer that leads there; false if there is none.
    private mutating func advance(_ frame: inout Frame) -> Bool {
        let (next, overflows) = frame.revision.addingReportingOverflow(1)
        guard !overflows else {
            note("there is no revision after the last")
            return false
        }
        if frame.writers.isEmpty { note("revision \(next) was made by none of the recorded writes") }
        while frame.nextWriter < frame.writers.count, stepCount <= bounds.maxStepCount {
            let writer = frame.writers[frame.nextWriter]
            frame.nextWriter += 1
            stepCount += 1
            if case .candidate(let number) = writer { use(number, &frame) }
            if write(writer, from: frame.journalCount), observe(madeBy: frame.used) { return true }
            leave(&frame)
        }
        return false
    }

    /// Goes back to where a frame began.
    private mutating func leave(_ frame: inout Frame) {
        state.rollBack(to: frame.journalCount, revision: frame.revision)
        guard let number = frame.used else { return }
        frame.used = nil
        isUsed[number] = false
        usedHash &-= index.candidates[number].classHash
    }

    private mutating func use(_ number: Int, _ frame: inout Frame) {
        frame.used = number
        isUsed[number] = true
        usedHash &+= index.candidates[number].classHash
    }

    /// Carries a write out, and holds it against what anyone was shown of its revision.
    private mutating func write(_ writer: Writer, from journalCount: Int) -> Bool {
        let operation: HistoryOperation
        let response: HistoryOperation.Response?
        switch writer {
        case .acknowledged(let number):
            operation = history.operations[number]
            response = operation.response
        case .candidate(let number):
            operation = history.operations[index.candidates[number].operation]
            response = operation.response
        }
        do throws(Mismatch) {
            guard try state.apply(operation.request, expecting: response) else {
                note("\(operation.text) changes nothing at revision \(state.revision)")
                return false
            }
            try checkShown(from: journalCount)
            return true
        } catch {
            note("\(operation.text): \(error.text)")
            return false
        }
    }

    private func checkShown(from journalCount: Int) throws(Mismatch) {
        guard let shown = index.shown[state.revision] else { return }
        let changes = state.journal[journalCount...]
        for key in shown.keys.sorted(by: { $0.precedes($1) }) {
            guard let seen = shown[key] else { continue }
            let isExplained = changes.contains { change in
                guard change.key == key else { return false }
                guard let after = change.after, let record = seen.record else {
                    return change.after == nil && seen.record == nil
                }
                return seen.isWhole ? after == record : after.isLike(record)
            }
            guard isExplained else {
                let what =
                    seen.record.map { "with value \($0.value.text.prefix(40)), version \($0.version)" } ?? "deleted"
                throw Mismatch("at revision \(state.revision) \(seen.by) saw \(key.text) \(what)")
            }
        }
    }

    /// Whether everyone who was told of the state as it is now was told the truth.
    ///
    /// - Parameter candidate: the one that made this revision, if one did.
    private mutating func observe(madeBy candidate: Int?) -> Bool {
        let maker = candidate.map { index.candidates[$0].operation }
        for observation in index.observations[state.revision] ?? [] {
            do throws(Mismatch) {
                switch observation {
                case .operation(let number): if number != maker { try check(number) }
                case .pastRange(let request, let response, let number):
                    do throws(Mismatch) {
                        try state.check(request, response)
                    } catch {
                        throw Mismatch(
                            "\(history.operations[number].text), at revision \(state.revision): \(error.text)")
                    }
                }
            } catch {
                note(error.text)
                return false
            }
        }
        return true
    }

    /// An operation that was told of the present revision, and made no change.
    private mutating func check(_ number: Int) throws(Mismatch) {
        let operation = history.operations[number]
        let (count, revision) = (state.journal.count, state.revision)
        defer { state.rollBack(to: count, revision: revision) }
        do throws(Mismatch) {
            if try state.apply(operation.request, expecting: operation.response) {
                throw Mismatch("it was told that it changed nothing, but does at this revision")
            }
        } catch {
            throw Mismatch("\(operation.text): \(error.text)")
        }
    }

    private mutating func note(_ text: String) {
        if state.revision > farthest.revision { farthest = (state.revision, text) }
    }
}

extension KeyValue {
    /// The same but for what a range for keys only leaves out.
    fileprivate func isLike(_ other: KeyValue) -> Bool {
        key == other.key && modRevision == other.modRevision && createRevision == other.createRevision
            && version == other.version
    }
}
