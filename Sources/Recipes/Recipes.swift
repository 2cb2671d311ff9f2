internal import Alarms
internal import EtcdMessages
internal import MVCC
package import Node
package import Primitives

/// Locks and elections as calls of the server (etcd v3.6 `server/etcdserver/api/v3lock`, `v3election`): recipes over
/// transactions, reads, watches and leases of the node, which knows nothing of them.
///
/// All who want a lock put a key under its name, bound to a lease. The oldest key holds it; each other watches the one just
/// before it, so that a release wakes one. An election is the same, with values.
///
/// Errors of the real services have no code of their own: they come as `Unknown` with their text.
package final class Recipes {
    let node: Node
    /// Calls under way, by the token with which they ask the node.
    private var recipes: [RequestToken: Recipe] = [:]
    /// The token of each caller's call.
    private var tokens: [RequestToken: RequestToken] = [:]
    private var effects: [RecipeEffect] = []
    private var nextSerial: UInt64 = 1

    package init(node: Node) {
        self.node = node
    }

    /// How many calls are under way.
    package var count: Int { recipes.count }

    // MARK: Events

    /// The node's answer.
    package func answered(_ token: RequestToken, _ result: Result<Reply, EtcdError>) {
        // One whose caller is gone, and which only had its key to delete.
        guard let recipe = recipes[token] else { return }
        do throws(EtcdError) {
            try advance(recipe, token, try result.get())
        } catch {
            fail(token, error)
        }
    }

    /// The node has something for a watch.
    package func streamReady(_ token: RequestToken) {
        guard let recipe = recipes[token] else { return }
        do throws(EtcdError) {
            switch recipe.progress {
            case .waiting(let turn): try watched(turn, recipe, token)
            case .observing(let observation): watchReady(observation, recipe, token)
            default: break
            }
        } catch {
            fail(token, error)
        }
    }

    /// The caller went away, or gave up: it waits no longer, and its key goes with it.
    package func abandon(_ caller: RequestToken) {
        guard let token = tokens[caller], let recipe = recipes[token] else { return }
        switch recipe.progress {
        case .waiting(let turn): leave(turn, recipe, token)
        case .observing: node.closeWatchStream(token)
        default: break
        }
        if case .waiting(let turn)? = recipes[token]?.progress, turn.isAbandoned { return }
        finish(recipe, token)
    }

    /// Ends all calls with an error, as the member is about to end.
    package func endAll(_ error: EtcdError) {
        for caller in tokens.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
            abandon(caller)
            emit(.reply(caller, .failure(error)))
        }
    }

    /// What there is to do for callers since the last call, in order.
    package func takeEffects() -> [RecipeEffect] {
        defer { effects = [] }
        return effects
    }

    // MARK: Calls under way

    /// Begins a call. Answers the token with which it asks the node.
    func begin(_ caller: RequestToken, _ progress: Recipe.Progress) -> RequestToken {
        let token = RequestToken(.recipe, nextSerial)
        nextSerial = (nextSerial + 1) & RequestToken.greatestNumber
        recipes[token] = Recipe(caller: caller, progress: progress)
        tokens[caller] = token
        return token
    }

    func update(_ token: RequestToken, _ progress: Recipe.Progress) {
        recipes[token]?.progress = progress
    }

    func caller(of token: RequestToken) -> RequestToken? { recipes[token]?.caller }

    func recipe(of caller: RequestToken) -> (token: RequestToken, recipe: Recipe)? {
        guard let token = tokens[caller], let recipe = recipes[token] else { return nil }
        return (token, recipe)
    }

    func answer(_ recipe: Recipe, _ token: RequestToken, revision: Int64, body: Bytes = []) {
        finish(recipe, token)
        emit(.reply(recipe.caller, .success(Reply(revision: revision, body: body))))
    }

    /// Ends a call with an error, and deletes the key it may have left.
    private func fail(_ token: RequestToken, _ error: EtcdError) {
        guard let recipe = recipes[token] else { return }
        var isAbandoned = false
        switch recipe.progress {
        case .waiting(let turn):
            isAbandoned = turn.isAbandoned
            deleteKey(of: turn)
            node.closeWatchStream(token)
        case .observing:
            node.closeWatchStream(token)
        default: break
        }
        finish(recipe, token)
        if !isAbandoned { emit(.reply(recipe.caller, .failure(EtcdError(.unknown, error.message)))) }
    }

    private func finish(_ recipe: Recipe, _ token: RequestToken) {
        recipes[token] = nil
        if tokens[recipe.caller] == token { tokens[recipe.caller] = nil }
    }

    func forget(_ caller: RequestToken) {
        tokens[caller] = nil
    }

    func emit(_ effect: RecipeEffect) {
        effects.append(effect)
    }

    /// A token for a request whose answer nobody waits for.
    func idleToken() -> RequestToken {
        defer { nextSerial = (nextSerial + 1) & RequestToken.greatestNumber }
        return RequestToken(.recipe, nextSerial)
    }

    // MARK: Requests

    /// Checks a transaction as that of any client is, and puts it to the node.
    func propose(_ txn: TxnRequest, _ token: RequestToken) throws(EtcdError) {
        try RequestChecks.check(txn, maxTxnOperations: Limits.maxTxnOperations)
        guard node.admits(quotaCost: QuotaCost.of(txn), token) else { return }
        node.propose(Proposal(.txn, txn), token)
    }

    /// Grants a lease for a caller that brought none. It is never kept alive.
    func grantLease(_ token: RequestToken) {
        var request = LeaseGrantRequest()
        request.id = node.nextLeaseID().rawValue
        request.ttl = RecipeRequests.leaseTTLSeconds
        guard node.admits(quotaCost: QuotaCost.of(request), token) else { return }
        node.propose(Proposal(.leaseGrant, request), token)
    }

    func read<Response: EtcdMessage>(_ type: Response.Type, _ body: Bytes) -> Response {
        guard let response = try? Response(decoding: body) else { unreachable("the node's answers are messages") }
        return response
    }

    private func advance(_ recipe: Recipe, _ token: RequestToken, _ reply: Reply) throws(EtcdError) {
        switch recipe.progress {
        case .unlocking, .resigning: answer(recipe, token, revision: reply.revision)
        case .findingLeader: try foundLeader(recipe, token, reply)
        case .proclaiming(let proclamation): try proclaimed(proclamation, recipe, token, reply)
        case .waiting(let turn): try advance(turn, recipe, token, reply)
        case .observing(let observation): looked(observation, token, reply)
        }
    }
}
