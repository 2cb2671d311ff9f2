package import EtcdMessages
package import Primitives

/// An answer that no order of the operations explains.
package struct HistoryViolation: Error, Equatable, Sendable {
    package var text: String

    init(_ mismatch: Mismatch) {
        text = mismatch.text
    }
}

/// Decides what `LinearizabilityChecker` decides, answer by answer and in linear time, where somebody can say what made each revision:
/// a simulation, which sees the log.
///
/// Nothing is to be searched for then. Each answer names a revision; it must be what the request gives there, that revision must not
/// be older than any that was told before the call, and each revision must have been made by a request that was called before and that
/// made no other. What is judged is forgotten, but for the changes of keys.
package struct WitnessedJudge {
    private struct Call {
        var client: Int
        var time: UInt64
        /// Its place among all that was told to the judge.
        var order: UInt64
        /// The greatest revision that anyone had been told.
        var floor: Int64
        var request: HistoryOperation.Request

        var isSerializable: Bool {
            HistoryOperation(client: client, call: time, request, .unknown).isSerializable
        }
    }

    private var timeline = HistoryTimeline(startRevision: 1)
    /// Those that wait for an answer.
    private var calls: [UInt64: Call] = [:]
    private var makers: [UInt64: [PossibleMakers]] = [:]
    /// The greatest revision that anyone was told so far.
    private var floor: Int64 = 1
    private var order: UInt64 = 0

    package init() {}

    // MARK: What happens

    /// A client asks for something.
    ///
    /// - Parameters:
    ///   - number: which is given again with what becomes of it.
    ///   - time: for messages alone.
    package mutating func called(_ request: HistoryOperation.Request, number: UInt64, client: Int, at time: UInt64) {
        order += 1
        calls[number] = Call(client: client, time: time, order: order, floor: floor, request: request)
        if request.mayChangeKeys { mayMake(request) }
    }

    /// Something may be done once, at any time from now on, that no client asks for: a lease may end.
    package mutating func mayHappen(_ request: HistoryOperation.Request) {
        order += 1
        mayMake(request)
    }

    private mutating func mayMake(_ request: HistoryOperation.Request) {
        let order = order
        withMakers(of: request) { $0.called(at: order) }
    }

    /// The next revision was made.
    ///
    /// - Parameter changes: what each key that changed became; nil for a deletion.
    package mutating func changed(
        by request: HistoryOperation.Request, _ changes: [(key: Bytes, record: KeyValue?)]
    ) throws(HistoryViolation) {
        order += 1
        timeline.append(changes)
        try orThrow { (judge: inout WitnessedJudge) throws(Mismatch) in
            let (revision, order) = (judge.timeline.revision, judge.order)
            try judge.withMakers(of: request) { (makers: inout PossibleMakers) throws(Mismatch) in
                try makers.makes(revision, at: order)
            }
        }
    }

    /// A client is answered.
    package mutating func answered(
        _ number: UInt64, _ response: HistoryOperation.Response, at time: UInt64
    ) throws(HistoryViolation) {
        guard let call = calls.removeValue(forKey: number) else { unreachable("an answer to what nobody asked") }
        let revision = response.header?.revision ?? 0
        do throws(Mismatch) {
            try judge(call, response, revision)
        } catch {
            let operation = HistoryOperation(
                client: call.client, call: call.time, call.request, .answered(response, at: time))
            throw HistoryViolation(Mismatch("\(operation.text): \(error.text)"))
        }
        floor = max(floor, revision)
    }

    /// What a client asked for was certainly not done, and will not be.
    package mutating func failed(_ number: UInt64) throws(HistoryViolation) {
        guard let call = calls.removeValue(forKey: number), call.request.mayChangeKeys else { return }
        try orThrow { (judge: inout WitnessedJudge) throws(Mismatch) in try judge.makesNone(call) }
    }

    /// A client waits no longer: what it asked for may be done at any time.
    package mutating func gaveUp(_ number: UInt64) {
        calls[number] = nil
    }

    // MARK: Judgement

    private mutating func judge(
        _ call: Call, _ response: HistoryOperation.Response, _ revision: Int64
    ) throws(Mismatch) {
        guard revision >= 1, revision <= timeline.revision else {
            throw Mismatch("revision \(revision) was made by none of the known writes")
        }
        guard revision >= call.floor || call.isSerializable else {
            throw Mismatch("stale: someone had been told of revision \(call.floor) before it was called")
        }
        if try isMaker(call, response, of: revision) {
            try judgeMaker(call, response, revision)
        } else {
            if call.request.mayChangeKeys { try makesNone(call) }
            timeline.seek(to: revision)
            guard try timeline.dryRun(call.request, expecting: response).isEmpty else {
                throw Mismatch("it was told that it changed nothing, but does at this revision")
            }
        }
        try judgePast(call.request, response)
    }

    /// Whether the request made the revision that its answer is of.
    private mutating func isMaker(
        _ call: Call, _ response: HistoryOperation.Response, of revision: Int64
    ) throws(Mismatch) -> Bool {
        if response.changesKeys == false { return false }
        var claims = false
        try withMakers(of: call.request) { (makers: inout PossibleMakers) throws(Mismatch) in
            claims = try makers.claim(revision, calledAt: call.order)
        }
        guard claims || response.changesKeys == nil else {
            throw Mismatch("it did not make this revision, or not alone")
        }
        return claims
    }

    private mutating func judgeMaker(
        _ call: Call, _ response: HistoryOperation.Response, _ revision: Int64
    ) throws(Mismatch) {
        guard revision > call.floor else {
            throw Mismatch("it made a revision that someone had been told of before it was called")
        }
        timeline.seek(to: revision - 1)
        let made = try timeline.dryRun(call.request, expecting: response)
        let known = timeline.changes(at: revision)
        for change in made where !known.contains(where: { $0.key == change.key }) {
            throw Mismatch("it changes \(change.key.text), which did not change at this revision")
        }
        for change in known {
            guard let last = made.last(where: { $0.key == change.key }), last.after == change.after else {
                throw Mismatch("it does not make of \(change.key.text) what it became at this revision")
            }
        }
    }

    /// Ranges that name a revision.
    private mutating func judgePast(
        _ request: HistoryOperation.Request, _ response: HistoryOperation.Response
    ) throws(Mismatch) {
        switch (request, response) {
        case (.range(let request), .range(let response)): try judgePast(request, response)
        case (.txn(let request), .txn(let response)): try judgePast(request, response)
        default: break
        }
    }

    private mutating func judgePast(_ request: TxnRequest, _ response: TxnResponse) throws(Mismatch) {
        let operations = response.succeeded ? request.success : request.failure
        for (operation, answer) in zip(operations, response.responses) {
            switch (operation.request, answer.response) {
            case (.range(let request), .range(let response)): try judgePast(request, response)
            case (.txn(let request), .txn(let response)): try judgePast(request, response)
            default: break
            }
        }
    }

    private mutating func judgePast(_ request: RangeRequest, _ response: RangeResponse) throws(Mismatch) {
        guard request.revision > 0 else { return }
        guard request.revision <= timeline.revision else {
            throw Mismatch("revision \(request.revision) was made by none of the known writes")
        }
        timeline.seek(to: request.revision)
        do throws(Mismatch) {
            try timeline.state.check(request, response)
        } catch {
            throw Mismatch("at revision \(request.revision): \(error.text)")
        }
    }

    // MARK: Makers

    private mutating func makesNone(_ call: Call) throws(Mismatch) {
        try withMakers(of: call.request) { (makers: inout PossibleMakers) throws(Mismatch) in
            try makers.makesNone(calledAt: call.order)
        }
    }

    private mutating func withMakers<Failure: Error>(
        of request: HistoryOperation.Request, _ body: (inout PossibleMakers) throws(Failure) -> Void
    ) throws(Failure) {
        let likeness = request.likeness
        var alike = makers.removeValue(forKey: likeness) ?? []
        let position = alike.firstIndex { $0.request == request } ?? alike.count
        if position == alike.count { alike.append(PossibleMakers(request)) }
        defer { if !alike.isEmpty { makers[likeness] = alike } }
        try body(&alike[position])
        if alike[position].isEmpty { alike.remove(at: position) }
    }

    private mutating func orThrow(
        _ body: (inout WitnessedJudge) throws(Mismatch) -> Void
    ) throws(HistoryViolation) {
        do throws(Mismatch) {
            try body(&self)
        } catch {
            throw HistoryViolation(error)
        }
    }
}

extension HistoryOperation.Request {
    fileprivate var mayChangeKeys: Bool {
        switch self {
        case .put, .deleteRange, .txn, .leaseRevoke: true
        case .range, .compact: false
        }
    }
}
