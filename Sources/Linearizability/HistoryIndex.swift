internal import EtcdMessages
internal import Primitives

/// A history by revisions: which operation made each, who saw it, and what it can have been if nobody says.
struct HistoryIndex {
    /// Something that was told of the state of one revision.
    enum Observation {
        /// An operation that changed nothing.
        case operation(Int)
        /// A range that named the revision, alone or in a transaction.
        case pastRange(RangeRequest, RangeResponse, operation: Int)
    }

    /// A write that may have made a revision.
    struct Candidate {
        var operation: Int
        /// It was called after someone had seen the revision before this one.
        var leastRevision: Int64
        /// The only revision that it can have made; nil if it may be any.
        var onlyRevision: Int64?
        /// Those that ask for the same are of one class.
        var requestClass: Int
        /// Of the class, to be added up.
        var classHash: UInt64
    }

    /// What someone was shown of a key at the revision that last changed it.
    struct Shown {
        /// nil for a deletion.
        var record: KeyValue?
        /// False if it was shown without its value (and maybe its lease).
        var isWhole: Bool
        /// Who was shown it.
        var by: String
    }

    private(set) var writers: [Int64: Int] = [:]
    private(set) var observations: [Int64: [Observation]] = [:]
    /// Those that can have made the earliest revision first.
    private(set) var candidates: [Candidate] = []
    private(set) var shown: [Int64: [Bytes: Shown]] = [:]
    /// The last revision that anyone saw.
    private(set) var lastRevision: Int64

    private let history: History
    private let floors: RevisionFloors
    private var classes: [Bytes: Int] = [:]

    /// Throws if time and revisions contradict each other, or two operations made the same revision.
    init(_ history: History) throws(Mismatch) {
        self.history = history
        lastRevision = history.startRevision
        floors = RevisionFloors(history)
        for (number, operation) in history.operations.enumerated() {
            switch operation.outcome {
            case .answered(let response, _): try add(operation, number, response)
            case .unknown:
                let least = floors.floor(before: operation.call).revision.addingReportingOverflow(1)
                guard !least.overflow else { continue }
                addCandidate(number, leastRevision: least.partialValue)
            case .failed: break
            }
        }
        for watch in history.watches { add(watch) }
        candidates.sort { ($0.leastRevision, $0.operation) < ($1.leastRevision, $1.operation) }
    }

    // MARK: Operations

    private mutating func add(
        _ operation: HistoryOperation, _ number: Int, _ response: HistoryOperation.Response
    ) throws(Mismatch) {
        let revision = response.header?.revision ?? 0
        guard revision >= history.startRevision else {
            if operation.isSerializable { return }
            throw Mismatch(
                "\(operation.text) is of a revision before \(history.startRevision), with which the history begins")
        }
        lastRevision = max(lastRevision, revision)
        let floor = floors.floor(before: operation.call)
        if !operation.isSerializable, revision < floor.revision {
            throw Mismatch(
                "stale: \(operation.text) was called after \(floor.by) had told of revision \(floor.revision)")
        }
        switch response.changesKeys {
        case true:
            guard revision > floor.revision else {
                throw Mismatch(
                    "\(operation.text) made a revision that \(floor.by) had told of before it was called")
            }
            if let other = writers.updateValue(number, forKey: revision) {
                throw Mismatch("\(history.operations[other].text) and \(operation.text) made the same revision")
            }
        case false: observations[revision, default: []].append(.operation(number))
        case nil:
            observations[revision, default: []].append(.operation(number))
            if revision > floor.revision {
                addCandidate(number, leastRevision: revision, onlyRevision: revision)
            }
        }
        note(operation.request, response, number)
    }

    private mutating func addCandidate(_ number: Int, leastRevision: Int64, onlyRevision: Int64? = nil) {
        let (name, message) = history.operations[number].request.encoded
        let request = Bytes(text: name) + message
        let requestClass = classes[request] ?? classes.count
        classes[request] = requestClass
        var hash = SearchHash()
        hash.mix(request)
        candidates.append(
            Candidate(
                operation: number, leastRevision: leastRevision, onlyRevision: onlyRevision,
                requestClass: requestClass, classHash: hash.value))
    }

    /// Takes out what an answer shows of other revisions than its own.
    private mutating func note(
        _ request: HistoryOperation.Request, _ response: HistoryOperation.Response, _ number: Int
    ) {
        switch (request, response) {
        case (.put, .put(let response)): show(response.prevKv, number)
        case (.deleteRange, .deleteRange(let response)):
            for record in response.prevKvs { show(record, number) }
        case (.range(let request), .range(let response)): note(request, response, number)
        case (.txn(let request), .txn(let response)): note(request, response, number)
        default: break
        }
    }

    private mutating func note(_ request: RangeRequest, _ response: RangeResponse, _ number: Int) {
        for record in response.kvs { show(record, number, isWhole: !request.keysOnly) }
        if request.revision > 0 {
            lastRevision = max(lastRevision, request.revision)
            observations[request.revision, default: []].append(.pastRange(request, response, operation: number))
        }
    }

    private mutating func note(_ request: TxnRequest, _ response: TxnResponse, _ number: Int) {
        let operations = response.succeeded ? request.success : request.failure
        for (operation, answer) in zip(operations, response.responses) {
            switch (operation.request, answer.response) {
            case (.put, .put(let response)): show(response.prevKv, number)
            case (.deleteRange, .deleteRange(let response)):
                for record in response.prevKvs { show(record, number) }
            case (.range(let request), .range(let response)): note(request, response, number)
            case (.txn(let request), .txn(let response)): note(request, response, number)
            default: break
            }
        }
    }

    private mutating func show(_ record: KeyValue?, _ number: Int, isWhole: Bool = true) {
        guard let record else { return }
        show(record, of: record.key, at: record.modRevision, history.operations[number].text, isWhole: isWhole)
    }

    // MARK: Watches

    private mutating func add(_ watch: RecordedWatch) {
        let by = "watch \(watch.number)"
        // Whoever names a revision has seen it.
        for told in watch.responses { lastRevision = max(lastRevision, told.response.header?.revision ?? 0) }
        for event in watch.responses.flatMap(\.response.events) {
            guard let record = event.kv else { continue }
            show(event.type == .delete ? nil : record, of: record.key, at: record.modRevision, by, isWhole: true)
            if let before = event.prevKv { show(before, of: before.key, at: before.modRevision, by, isWhole: true) }
        }
    }

    private mutating func show(_ record: KeyValue?, of key: Bytes, at revision: Int64, _ by: String, isWhole: Bool) {
        guard revision > history.startRevision else { return }
        lastRevision = max(lastRevision, revision)
        if let known = shown[revision]?[key], known.isWhole || !isWhole { return }
        shown[revision, default: [:]][key] = Shown(record: record, isWhole: isWhole, by: by)
    }
}
