package import EtcdMessages
package import Node
internal import Primitives

/// Observe: a stream of who leads, and each of its values (etcd v3.6 `client/v3/concurrency/election.go`, `observe`).
///
/// Nothing is read ahead: the watch is pulled when the stream has taken what came before.
extension Recipes {
    package func observe(_ request: LeaderRequest, _ caller: RequestToken) {
        let observation = Observation(prefix: RecipeRequests.prefix(request.name))
        look(observation, begin(caller, .observing(observation)))
    }

    private func look(_ observation: Observation, _ token: RequestToken) {
        var observation = observation
        observation.step = .looking
        observation.isWatchReady = false
        update(token, .observing(observation))
        node.range(RecipeRequests.leader(observation.prefix), token)
    }

    /// Who leads is known, if anybody does.
    func looked(_ observation: Observation, _ token: RequestToken, _ reply: Reply) {
        var observation = observation
        if let kv = read(RangeResponse.self, reply.body).kvs.first {
            follow(kv, revision: reply.revision, &observation, token)
        } else {
            observation.step = .waitingForFirst
            update(token, .observing(observation))
            node.openWatchStream(token)
            node.createWatch(RecipeRequests.watchPuts(observation.prefix, after: reply.revision), on: token)
        }
    }

    private func follow(_ kv: KeyValue, revision: Int64, _ observation: inout Observation, _ token: RequestToken) {
        observation.step = .following
        observation.isWatchReady = false
        observation.pending.append(message(kv, revision: revision))
        update(token, .observing(observation))
        node.openWatchStream(token)
        node.createWatch(RecipeRequests.watch(kv.key, after: revision), on: token)
        tellStream(token)
    }

    private func message(_ kv: KeyValue, revision: Int64) -> StreamMessage {
        var response = LeaderResponse()
        response.kv = kv
        return StreamMessage(revision: revision, body: response.encoded())
    }

    private func tellStream(_ token: RequestToken) {
        if let caller = caller(of: token) { emit(.streamReady(caller)) }
    }

    func watchReady(_ observation: Observation, _ recipe: Recipe, _ token: RequestToken) {
        var observation = observation
        observation.isWatchReady = true
        update(token, .observing(observation))
        emit(.streamReady(recipe.caller))
    }

    /// The next answer for a stream that can take one; nil when there is none now. Then `streamReady` tells when there may
    /// be one again.
    package func nextLeader(_ caller: RequestToken) -> StreamMessage? {
        guard let (token, recipe) = recipe(of: caller), case .observing(var observation) = recipe.progress else {
            return nil
        }
        while observation.pending.isEmpty, observation.isWatchReady {
            guard let message = node.nextWatchMessage(token) else {
                observation.isWatchReady = false
                update(token, .observing(observation))
                return nil
            }
            guard take(read(WatchResponse.self, message.body), &observation, token) else { return nil }
        }
        guard !observation.pending.isEmpty else { return nil }
        defer { update(token, .observing(observation)) }
        return observation.pending.removeFirst()
    }

    /// Takes in what a watch says. Answers whether the observation is still at this watch.
    private func take(_ response: WatchResponse, _ observation: inout Observation, _ token: RequestToken) -> Bool {
        if response.canceled && response.compactRevision == 0 {
            answered(token, .failure(EtcdError(.unknown, "election: observe closed early")))
            return false
        }
        for event in response.events {
            guard let kv = event.kv else { continue }
            switch (observation.step, event.type) {
            case (.waitingForFirst, .put):
                node.closeWatchStream(token)
                follow(kv, revision: kv.modRevision, &observation, token)
                return true
            case (.following, .put):
                observation.pending.append(message(kv, revision: kv.modRevision))
            case (.following, .delete):
                return lookAgain(&observation, token)
            default: break
            }
        }
        return response.compactRevision == 0 || lookAgain(&observation, token)
    }

    /// The leader is gone, or the watch has lost it. What is pending is still sent.
    private func lookAgain(_ observation: inout Observation, _ token: RequestToken) -> Bool {
        node.closeWatchStream(token)
        look(observation, token)
        observation.isWatchReady = false
        observation.step = .looking
        return !observation.pending.isEmpty
    }
}
