package import EtcdMessages
internal import MVCC
package import Node
internal import Primitives

/// The calls that do not wait: Unlock, Proclaim, Leader, Resign. What the caller says of a key is believed.
extension Recipes {
    package func unlock(_ request: UnlockRequest, _ caller: RequestToken) {
        var delete = DeleteRangeRequest()
        delete.key = request.key
        do throws(EtcdError) {
            try RequestChecks.check(delete)
            node.propose(Proposal(.deleteRange, delete), begin(caller, .unlocking))
        } catch {
            refuse(caller, error)
        }
    }

    package func leader(_ request: LeaderRequest, _ caller: RequestToken) {
        node.range(RecipeRequests.leader(RecipeRequests.prefix(request.name)), begin(caller, .findingLeader))
    }

    func foundLeader(_ recipe: Recipe, _ token: RequestToken, _ reply: Reply) throws(EtcdError) {
        guard let kv = read(RangeResponse.self, reply.body).kvs.first else { throw .noLeaderOfElection }
        var response = LeaderResponse()
        response.kv = kv
        answer(recipe, token, revision: reply.revision, body: response.encoded())
    }

    package func proclaim(_ request: ProclaimRequest, _ caller: RequestToken) {
        guard let leader = request.leader else {
            refuse(caller, .missingLeader)
            return
        }
        let proclamation = Proclamation(request: request, isGranting: leader.lease == 0)
        do throws(EtcdError) {
            try RequestChecks.check(txn(request, leader), maxTxnOperations: Limits.maxTxnOperations)
            let token = begin(caller, .proclaiming(proclamation))
            if proclamation.isGranting { grantLease(token) } else { try propose(txn(request, leader), token) }
        } catch {
            refuse(caller, error)
        }
    }

    private func txn(_ request: ProclaimRequest, _ leader: LeaderKey) -> TxnRequest {
        RecipeRequests.proclaim(leader.key, createRevision: leader.rev, request.value, LeaseID(leader.lease))
    }

    func proclaimed(
        _ proclamation: Proclamation, _ recipe: Recipe, _ token: RequestToken, _ reply: Reply
    ) throws(EtcdError) {
        if proclamation.isGranting, var leader = proclamation.request.leader {
            leader.lease = read(LeaseGrantResponse.self, reply.body).id
            var next = proclamation
            next.request.leader = leader
            next.isGranting = false
            update(token, .proclaiming(next))
            try propose(txn(next.request, leader), token)
            return
        }
        guard read(TxnResponse.self, reply.body).succeeded else { throw .notLeaderOfElection }
        answer(recipe, token, revision: reply.revision)
    }

    /// One who does not lead any more is not told so.
    package func resign(_ request: ResignRequest, _ caller: RequestToken) {
        guard let leader = request.leader else {
            refuse(caller, .missingLeader)
            return
        }
        let txn = RecipeRequests.leave(leader.key, createRevision: leader.rev)
        do throws(EtcdError) {
            try RequestChecks.check(txn, maxTxnOperations: Limits.maxTxnOperations)
            try propose(txn, begin(caller, .resigning))
        } catch {
            refuse(caller, error)
        }
    }

    private func refuse(_ caller: RequestToken, _ error: EtcdError) {
        emit(.reply(caller, .failure(EtcdError(.unknown, error.message))))
    }
}
