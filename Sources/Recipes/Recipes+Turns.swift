package import EtcdMessages
package import Node
internal import Primitives

/// Lock and Campaign: to enter, and to wait for one's turn (etcd v3.6 `client/v3/concurrency/mutex.go`, `election.go`,
/// `key.go`).
extension Recipes {
    package func lock(_ request: LockRequest, _ caller: RequestToken) {
        begin(
            Turn(purpose: .lock, prefix: RecipeRequests.prefix(request.name), lease: LeaseID(request.lease)), caller)
    }

    package func campaign(_ request: CampaignRequest, _ caller: RequestToken) {
        begin(
            Turn(
                purpose: .campaign(name: request.name, value: request.value),
                prefix: RecipeRequests.prefix(request.name), lease: LeaseID(request.lease)), caller)
    }

    private func begin(_ turn: Turn, _ caller: RequestToken) {
        let token = begin(caller, .waiting(turn))
        guard turn.lease != .none else {
            grantLease(token)
            return
        }
        enter(turn, token)
    }

    private func enter(_ turn: Turn, _ token: RequestToken) {
        var turn = turn
        turn.step = .entering
        update(token, .waiting(turn))
        let value: Bytes = if case .campaign(_, let value) = turn.purpose { value } else { [] }
        do throws(EtcdError) {
            try propose(RecipeRequests.enter(turn.key, value, turn.lease), token)
        } catch {
            answered(token, .failure(error))
        }
    }

    /// The node's answer to the step under way.
    func advance(_ turn: Turn, _ recipe: Recipe, _ token: RequestToken, _ reply: Reply) throws(EtcdError) {
        var turn = turn
        switch turn.step {
        case .granting:
            turn.lease = LeaseID(read(LeaseGrantResponse.self, reply.body).id)
            if turn.isAbandoned { throw .canceled }
            enter(turn, token)
        case .entering:
            try entered(&turn, token, read(TxnResponse.self, reply.body), revision: reply.revision)
        case .proclaiming:
            guard read(TxnResponse.self, reply.body).succeeded else { throw .notLeaderOfElection }
            if turn.isAbandoned { throw .canceled }
            look(&turn, token)
        case .looking:
            try looked(&turn, recipe, token, read(TxnResponse.self, reply.body), revision: reply.revision)
        case .watching:
            unreachable("a watch is not answered")
        }
    }

    private func entered(
        _ turn: inout Turn, _ token: RequestToken, _ response: TxnResponse, revision: Int64
    ) throws(EtcdError) {
        turn.entryRevision = revision
        turn.createRevision = revision
        var isOther = false
        if !response.succeeded {
            guard case .range(let range)? = response.responses.first?.response, let own = range.kvs.first else {
                unreachable("a key that was made once is read")
            }
            turn.createRevision = own.createRevision
            if case .campaign(_, let value) = turn.purpose { isOther = own.value != value }
        }
        if turn.isAbandoned {
            // A key that was there before is another call's.
            if !response.succeeded { turn.createRevision = 0 }
            update(token, .waiting(turn))
            throw .canceled
        }
        update(token, .waiting(turn))
        if isOther, case .campaign(_, let value) = turn.purpose {
            turn.step = .proclaiming
            update(token, .waiting(turn))
            try propose(
                RecipeRequests.proclaim(turn.key, createRevision: turn.createRevision, value, turn.lease), token)
        } else {
            look(&turn, token)
        }
    }

    private func look(_ turn: inout Turn, _ token: RequestToken) {
        turn.step = .looking
        update(token, .waiting(turn))
        node.readOnlyTxn(
            RecipeRequests.look(turn.prefix, before: turn.createRevision, own: turn.key), isSerializable: false, token)
    }

    private func looked(
        _ turn: inout Turn, _ recipe: Recipe, _ token: RequestToken, _ response: TxnResponse, revision: Int64
    ) throws(EtcdError) {
        let ranges = response.responses.map { operation -> KeyValue? in
            guard case .range(let range)? = operation.response else { return nil }
            return range.kvs.first
        }
        guard ranges.count == 2 else { unreachable("two reads have two answers") }
        guard ranges[1]?.createRevision == turn.createRevision else {
            throw turn.purpose == .lock ? .sessionExpired : .notLeaderOfElection
        }
        if let before = ranges[0] {
            turn.hasWaited = true
            turn.step = .watching
            update(token, .waiting(turn))
            node.openWatchStream(token)
            node.createWatch(RecipeRequests.watch(before.key, after: revision, without: [.noPut]), on: token)
            return
        }
        answer(turn, recipe, token, lookRevision: revision)
    }

    private func answer(_ turn: Turn, _ recipe: Recipe, _ token: RequestToken, lookRevision: Int64) {
        switch turn.purpose {
        case .lock:
            var response = LockResponse()
            response.key = turn.key
            let revision = turn.hasWaited ? lookRevision : turn.entryRevision
            answer(recipe, token, revision: revision, body: response.encoded())
        case .campaign(let name, _):
            var leader = LeaderKey()
            leader.name = name
            leader.key = turn.key
            leader.rev = turn.createRevision
            leader.lease = turn.lease.rawValue
            var response = CampaignResponse()
            response.leader = leader
            answer(recipe, token, revision: turn.entryRevision, body: response.encoded())
        }
    }

    /// The watch of the key before ours has something.
    func watched(_ turn: Turn, _ recipe: Recipe, _ token: RequestToken) throws(EtcdError) {
        guard turn.step == .watching else { return }
        while let message = node.nextWatchMessage(token) {
            let response = read(WatchResponse.self, message.body)
            // One that was compacted away is to be read again, too.
            guard response.events.contains(where: { $0.type == .delete }) || response.compactRevision != 0 else {
                guard !response.canceled else { throw EtcdError(.unknown, "lost watcher waiting for delete") }
                continue
            }
            node.closeWatchStream(token)
            var turn = turn
            look(&turn, token)
            return
        }
    }

    // MARK: Going away

    /// The caller is gone. If its key is on its way, it is deleted when it has come.
    func leave(_ turn: Turn, _ recipe: Recipe, _ token: RequestToken) {
        switch turn.step {
        case .granting, .entering, .proclaiming:
            var turn = turn
            turn.isAbandoned = true
            update(token, .waiting(turn))
            forget(recipe.caller)
        case .looking:
            deleteKey(of: turn)
        case .watching:
            node.closeWatchStream(token)
            deleteKey(of: turn)
        }
    }

    /// Deletes the key of one who waits no longer. That nobody hears of it is all right: the lease ends as well.
    func deleteKey(of turn: Turn) {
        guard turn.createRevision > 0 else { return }
        node.propose(
            Proposal(.txn, RecipeRequests.leave(turn.key, createRevision: turn.createRevision)), idleToken())
    }
}

extension EtcdError {
    /// The lease of one who waited for a lock ended meanwhile.
    static let sessionExpired = EtcdError(.unknown, "mutex: session is expired")
    static let notLeaderOfElection = EtcdError(.unknown, "election: not leader")
    static let noLeaderOfElection = EtcdError(.unknown, "election: no leader")
    static let missingLeader = EtcdError(.unknown, "\"leader\" field must be provided")
}
