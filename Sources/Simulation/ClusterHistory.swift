internal import EtcdMessages
internal import Linearizability
internal import Node
internal import Primitives

/// What the clients of a cluster asked and were told: the history that is judged at the end, and the requests that are under way.
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
        /// Its place in the history; nil for what is not judged there.
        var place: Int?
    }

    private(set) var history = History()
    private var pending: [RequestToken: Pending] = [:]
    private(set) var acknowledgedWriteCount = 0
    private(set) var readCount = 0
    private(set) var unknownCount = 0

    var awaitedCount: Int { pending.count }

    /// Who waits, in the order of tokens.
    var waiting: [Pending] { pending.values.sorted { $0.token.rawValue < $1.token.rawValue } }

    /// When the next client gives up; nil if none waits.
    var nextDeadline: UInt64? { pending.values.map(\.deadline).min() }

    // MARK: Asking

    mutating func asked(_ asked: Pending) {
        var asked = asked
        if let request = asked.request.operation {
            asked.place = history.operations.count
            history.operations.append(
                HistoryOperation(client: asked.client, call: asked.call, request, .unknown))
        }
        if case .leaseGrant(let grant) = asked.request { mayExpire(grant.id, from: asked.call) }
        pending[asked.token] = asked
    }

    /// A lease that is granted may end by itself at any time, as far as the history goes (`LeaseLedger` knows more).
    private mutating func mayExpire(_ id: Int64, from time: UInt64) {
        var request = LeaseRevokeRequest()
        request.id = id
        history.operations.append(HistoryOperation(client: -1, call: time, .leaseRevoke(request), .unknown))
    }

    // MARK: Answers

    /// Takes an answer; nil if nobody waits for it any more.
    mutating func answered(
        _ token: RequestToken, _ result: Result<Reply, EtcdError>, now: UInt64
    ) throws(SimulationFailure) -> Pending? {
        guard let asked = pending.removeValue(forKey: token) else { return nil }
        switch result {
        case .success(let reply):
            guard let place = asked.place else { return asked }
            let response = try response(to: asked, reply)
            history.operations[place].outcome = .answered(response, at: now)
            if case .range = asked.request { readCount += 1 } else { acknowledgedWriteCount += 1 }
        case .failure(let error):
            guard Self.isExpected(error) else { throw SimulationFailure("\(asked.request) was refused: \(error)") }
            guard let place = asked.place else { return asked }
            if Self.provesFailure(error) {
                history.operations[place].outcome = .failed
            } else {
                unknownCount += 1
            }
        }
        return asked
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
        guard let asked = pending.removeValue(forKey: token) else { return nil }
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
