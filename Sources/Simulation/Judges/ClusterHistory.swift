internal import EtcdMessages
internal import Linearizability
internal import Node
internal import Primitives

/// What the clients of a cluster asked and were told, judged as it comes, and the requests that are under way.
struct ClusterHistory {
    /// A request that is not answered.
    struct Pending {
        var token: RequestToken
        var client: Int
        /// The host that was asked.
        var host: Int
        var request: WorkloadRequest
        var call: UInt64
        /// When the client gives up.
        var deadline: UInt64
        /// Its place in the history, if that is kept.
        var place: Int?
    }

    /// All of it, if it is kept.
    private(set) var history = History()
    /// Whether it is.
    let keepsHistory: Bool
    private var judge = WitnessedJudge()
    /// Those that may still wait, in the order of their deadlines.
    private var deadlines = Deadlines()
    private var pending: [RequestToken: Pending] = [:]
    private(set) var acknowledgedWriteCount = 0
    private(set) var readCount = 0
    private(set) var unknownCount = 0

    init(keepsHistory: Bool) {
        self.keepsHistory = keepsHistory
    }

    var awaitedCount: Int { pending.count }

    func isAwaited(_ token: RequestToken) -> Bool { pending[token] != nil }

    /// Who waits, in the order of tokens.
    var waiting: [Pending] { pending.values.sorted { $0.token.rawValue < $1.token.rawValue } }

    /// When the next client gives up; nil if none waits.
    var nextDeadline: UInt64? { deadlines.first }

    // MARK: Asking

    mutating func asked(_ asked: Pending) {
        var asked = asked
        if let request = asked.request.operation {
            judge.called(request, number: asked.token.rawValue, client: asked.client, at: asked.call)
            if keepsHistory {
                asked.place = history.operations.count
                history.operations.append(
                    HistoryOperation(client: asked.client, call: asked.call, request, .unknown))
            }
        }
        if case .leaseGrant(let grant) = asked.request { mayExpire(grant.id, from: asked.call) }
        pending[asked.token] = asked
        deadlines.add(asked.token, asked.deadline)
    }

    /// The committed log made another revision.
    mutating func changed(by operation: RaftOperation, _ model: KeyValueModel) throws(SimulationFailure) {
        let request: HistoryOperation.Request
        switch operation {
        case .put(let put): request = .put(put)
        case .deleteRange(let deletion): request = .deleteRange(deletion)
        case .txn(let txn): request = .txn(txn)
        case .leaseRevoke(let revoke): request = .leaseRevoke(revoke)
        default: unreachable("nothing else changes keys")
        }
        try orFail { (judge: inout WitnessedJudge) throws(HistoryViolation) in
            try judge.changed(by: request, model.changes(at: model.revision))
        }
    }

    /// A lease that is granted may end by itself at any time, as far as the history goes (`LeaseLedger` knows more).
    private mutating func mayExpire(_ id: Int64, from time: UInt64) {
        var request = LeaseRevokeRequest()
        request.id = id
        judge.mayHappen(.leaseRevoke(request))
        if keepsHistory {
            history.operations.append(HistoryOperation(client: -1, call: time, .leaseRevoke(request), .unknown))
        }
    }

    // MARK: Answers

    /// Takes an answer; nil if nobody waits for it any more.
    mutating func answered(
        _ token: RequestToken, _ result: Result<Reply, EtcdError>, now: UInt64
    ) throws(SimulationFailure) -> Pending? {
        guard let asked = removePending(token) else { return nil }
        let isJudged = asked.request.isJudged
        switch result {
        case .success(let reply):
            guard isJudged else { return asked }
            let response = try response(to: asked, reply)
            if let place = asked.place { history.operations[place].outcome = .answered(response, at: now) }
            try orFail { (judge: inout WitnessedJudge) throws(HistoryViolation) in
                try judge.answered(token.rawValue, response, at: now)
            }
            if case .range = asked.request { readCount += 1 } else { acknowledgedWriteCount += 1 }
        case .failure(let error):
            guard Self.isExpected(error) else { throw SimulationFailure("\(asked.request) was refused: \(error)") }
            guard isJudged else { return asked }
            if Self.provesFailure(error) {
                if let place = asked.place { history.operations[place].outcome = .failed }
                try orFail { (judge: inout WitnessedJudge) throws(HistoryViolation) in try judge.failed(token.rawValue)
                }
            } else {
                judge.gaveUp(token.rawValue)
                unknownCount += 1
            }
        }
        return asked
    }

    private mutating func removePending(_ token: RequestToken) -> Pending? {
        guard let asked = pending.removeValue(forKey: token) else { return nil }
        deadlines.removeFirst(where: { pending[$0] == nil })
        return asked
    }

    private mutating func orFail(
        _ body: (inout WitnessedJudge) throws(HistoryViolation) -> Void
    ) throws(SimulationFailure) {
        do throws(HistoryViolation) {
            try body(&judge)
        } catch {
            throw SimulationFailure("not linearizable: \(error.text)")
        }
    }

    private func response(to asked: Pending, _ reply: Reply) throws(SimulationFailure) -> HistoryOperation.Response {
        do {
            switch asked.request {
            case .put: return .put(try PutResponse(reply))
            case .deleteRange: return .deleteRange(try DeleteRangeResponse(reply))
            case .compareAndPut, .txn: return .txn(try TxnResponse(reply))
            case .range: return .range(try RangeResponse(reply))
            case .compact: return .compact(try CompactionResponse(reply))
            case .leaseRevoke: return .leaseRevoke(try LeaseRevokeResponse(reply))
            case .leaseGrant, .leaseExpiry, .leaseRenewal: break
            }
        } catch {
            throw SimulationFailure("the answer to \(asked.request) cannot be read: \(reply)")
        }
        throw SimulationFailure("\(asked.request) is not judged by its answer")
    }

    /// Errors that a client of a cluster with faults must be ready for.
    private static func isExpected(_ error: EtcdError) -> Bool {
        provesFailure(error) || error.code == .unavailable || error.code == .deadlineExceeded
            // Raised while it was being applied, which it may have been.
            || [.noSpace, .notPrimary, EtcdError(.unknown, "raft proposal dropped")].contains(error)
    }

    private static func provesFailure(_ error: EtcdError) -> Bool {
        [
            .keyNotFound, .leaseNotFound, .leaseExist, .compacted, .futureRev, .tooManyRequests,
            .notSupportedForLearner,
        ].contains(error)
    }

    // MARK: No answers

    /// A client gives up, or its member is gone: what it asked for may be done.
    mutating func gaveUp(_ token: RequestToken) -> Pending? {
        guard let asked = removePending(token) else { return nil }
        judge.gaveUp(token.rawValue)
        unknownCount += 1
        return asked
    }
}

extension WorkloadRequest {
    /// As the history has it; nil for what it has not.
    fileprivate var operation: HistoryOperation.Request? {
        switch self {
        case .put(let request): .put(request)
        case .deleteRange(let request): .deleteRange(request)
        case .compareAndPut:
            (proposal?.payload).flatMap { try? TxnRequest(decoding: $0) }.map { .txn($0) }
        case .txn(let request): .txn(request)
        case .range(let request): .range(request)
        case .compact(let request): .compact(request)
        case .leaseRevoke(let request): .leaseRevoke(request)
        case .leaseGrant, .leaseExpiry, .leaseRenewal: nil
        }
    }
}

extension WorkloadRequest {
    /// Whether the history has it.
    fileprivate var isJudged: Bool {
        switch self {
        case .put, .deleteRange, .compareAndPut, .txn, .range, .compact, .leaseRevoke: true
        case .leaseGrant, .leaseExpiry, .leaseRenewal: false
        }
    }
}

/// A response that has a header.
private protocol AnswerMessage: EtcdMessage {
    var header: ResponseHeader? { get set }
}

extension PutResponse: AnswerMessage {}
extension DeleteRangeResponse: AnswerMessage {}
extension TxnResponse: AnswerMessage {}
extension RangeResponse: AnswerMessage {}
extension CompactionResponse: AnswerMessage {}
extension LeaseRevokeResponse: AnswerMessage {}

extension AnswerMessage {
    /// The message that a client gets: the body with its header in front.
    fileprivate init(_ reply: Reply) throws(MessageError) {
        try self.init(decoding: reply.body)
        var header = ResponseHeader()
        header.revision = reply.revision
        self.header = header
    }
}
