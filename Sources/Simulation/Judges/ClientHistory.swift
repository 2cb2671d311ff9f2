internal import EtcdMessages
internal import Node
internal import Primitives

/// What clients asked and were told, held against the model.
///
/// There is one member, and its log takes writes in the order in which they were proposed. So an answer to a write says
/// that all proposed before it are applied, and a recovered member must hold the effects of some beginning of the
/// proposals: at least of all that were acknowledged.
struct ClientHistory {
    private struct Write {
        var token: RequestToken
        var request: WorkloadRequest
        /// Whether its client still waits.
        var isAwaited = true
        /// What its answer must be, once it is known to be applied.
        var expected: Expected?
    }

    private struct Expected {
        var revision: Int64
        var body: Result<Bytes, EtcdError>
    }

    private struct Read {
        var request: RangeRequest
        /// An answer from before this revision would be stale.
        var leastRevision: Int64
    }

    /// The state after the last write that is known to be applied.
    private(set) var model = KeyValueModel()
    /// The states that a read which took its time may have seen, by their revision.
    private var pastModels: [Int64: KeyValueModel] = [:]
    /// Writes that are not applied as far as is known, or whose clients wait, in the order of the log.
    private var writes: [Write] = []
    private var reads: [RequestToken: Read] = [:]
    private(set) var acknowledgedWriteCount = 0
    private(set) var readCount = 0

    /// How many requests wait for their answers.
    var awaitedCount: Int { writes.count { $0.isAwaited } + reads.count }

    mutating func proposed(_ request: WorkloadRequest, _ token: RequestToken) {
        writes.append(Write(token: token, request: request))
    }

    /// The member itself put the end of a lease into the log.
    mutating func memberRevokes(_ id: LeaseID) {
        var write = Write(token: RequestToken(rawValue: 0), request: .leaseExpiry(id))
        write.isAwaited = false
        writes.append(write)
    }

    /// What a client asked for; nil once it is answered.
    func request(of token: RequestToken) -> WorkloadRequest? {
        writes.first { $0.token == token && $0.isAwaited }?.request
    }

    mutating func asked(_ request: RangeRequest, _ token: RequestToken) {
        reads[token] = Read(request: request, leastRevision: request.serializable ? 1 : model.revision)
    }

    /// Takes an answer. Throws the rule that it breaks.
    mutating func answered(_ token: RequestToken, _ result: Result<Reply, EtcdError>) throws(SimulationFailure) {
        if let read = reads.removeValue(forKey: token) {
            try check(read, result)
            readCount += 1
        } else if let position = writes.firstIndex(where: { $0.token == token && $0.isAwaited }) {
            try acknowledge(position, result)
        } else {
            throw SimulationFailure("an answer to a request that nobody made, or a second one")
        }
    }

    // MARK: Writes

    private mutating func acknowledge(_ position: Int, _ result: Result<Reply, EtcdError>) throws(SimulationFailure) {
        switch result {
        case .failure(.tooManyRequests):
            writes.remove(at: position)
            return
        case .failure(.timeout):
            writes[position].isAwaited = false
            return
        default: break
        }
        applyWrites(through: position)
        for write in writes[..<position] where write.isAwaited && !write.request.isAnsweredLate {
            throw SimulationFailure("\(write.request) was passed over: answers come in the order of the log")
        }
        try compare(writes[position], result)
        acknowledgedWriteCount += 1
        writes.remove(at: position)
        writes.removeAll { $0.expected != nil && !$0.isAwaited }
    }

    private mutating func applyWrites(through position: Int) {
        for index in 0...position where writes[index].expected == nil {
            let (next, body) = writes[index].request.expected(of: model)
            advance(to: next)
            writes[index].expected = Expected(revision: model.revision, body: body)
        }
    }

    private mutating func advance(to next: KeyValueModel) {
        pastModels[model.revision] = model
        pastModels[model.revision - 100] = nil
        model = next
    }

    private func compare(_ write: Write, _ result: Result<Reply, EtcdError>) throws(SimulationFailure) {
        guard let expected = write.expected else { unreachable("an acknowledged write is applied") }
        switch (expected.body, result) {
        case (.success(let body), .success(let reply)) where body == reply.body && expected.revision == reply.revision:
            break
        case (.failure(let expected), .failure(let error)) where expected == error: break
        default: throw SimulationFailure("\(write.request): expected \(expected), got \(result)")
        }
    }

    // MARK: Reads

    private mutating func check(_ read: Read, _ result: Result<Reply, EtcdError>) throws(SimulationFailure) {
        guard case .success(let reply) = result else {
            try checkRefusal(read, result)
            return
        }
        while model.revision < reply.revision, applySilentWrite() {}
        guard reply.revision >= read.leastRevision else {
            throw SimulationFailure("\(read.request) was answered at \(reply.revision), which was stale")
        }
        let seen = reply.revision == model.revision ? model : pastModels[reply.revision]
        guard let seen else {
            throw SimulationFailure("\(read.request) saw revision \(reply.revision), which never was")
        }
        guard case .success(let response) = seen.range(read.request), response.encoded() == reply.body else {
            throw SimulationFailure(
                "\(read.request) at \(reply.revision): got \(reply), expected \(seen.range(read.request))")
        }
    }

    /// Holds the contents of a snapshot against the states there were.
    mutating func check(_ state: RecoveredState, leastRevision: Int64) throws(SimulationFailure) {
        while model.revision < state.revision, applySilentWrite() {}
        guard state.revision >= leastRevision else {
            throw SimulationFailure("a snapshot at \(state.revision) lacks what \(leastRevision) was told of")
        }
        let seen = state.revision == model.revision ? model : pastModels[state.revision]
        guard let seen, state.holdsRecords(of: seen) else {
            throw SimulationFailure("a snapshot at \(state.revision) holds what never was")
        }
    }

    /// Takes the next write for applied if it may be without an answer yet: its client gave up, or its answer comes
    /// later. Such a write may show in a read before anything else tells.
    private mutating func applySilentWrite() -> Bool {
        guard let next = writes.firstIndex(where: { $0.expected == nil }),
            !writes[next].isAwaited || writes[next].request.isAnsweredLate
        else { return false }
        applyWrites(through: next)
        return true
    }

    private mutating func checkRefusal(_ read: Read, _ result: Result<Reply, EtcdError>) throws(SimulationFailure) {
        guard case .failure(let error) = result, error != .timeout else { return }
        while refusal(of: read.request) != error, applySilentWrite() {}
        guard refusal(of: read.request) == error else {
            throw SimulationFailure("\(read.request): got \(error), expected \(model.range(read.request))")
        }
    }

    private func refusal(of request: RangeRequest) -> EtcdError? {
        if case .failure(let error) = model.range(request) { error } else { nil }
    }

    // MARK: Leases

    /// A renewal was answered: the lease must be there, or be gone.
    mutating func renewed(_ id: LeaseID, ttlSeconds: Int64) throws(SimulationFailure) {
        let expected = ttlSeconds > 0 ? ttlSeconds : nil
        while model.leases[id] != expected, applySilentWrite() {}
        guard model.leases[id] == expected else {
            throw SimulationFailure(
                "lease \(id) was renewed with \(ttlSeconds), but is granted \(model.leases[id] ?? 0)")
        }
    }

    // MARK: Crashes

    /// The member crashed and came back with `recovered`: the history goes on with the beginning of the proposals that
    /// this is the effect of. Throws if there is none, so that something acknowledged is lost or something else was
    /// made up.
    mutating func crashed(_ recovered: RecoveredState) throws(SimulationFailure) {
        reads = [:]
        var candidates = writes[...]
        writes = []
        var candidate = model
        while !recovered.matches(candidate) {
            guard let write = candidates.popFirst() else {
                throw SimulationFailure(
                    "recovered revision \(recovered.revision) (compacted \(recovered.compactedRevision)), "
                        + "which no beginning of the proposals after \(model.revision) leads to")
            }
            if write.expected == nil { candidate = write.request.expected(of: candidate).next }
        }
        model = candidate.compacted(to: recovered.compactedRevision)
        pastModels = [:]
    }
}
