internal import EtcdMessages
internal import GRPCCore
internal import Node
internal import Primitives
internal import Recipes

/// `v3lockpb.Lock` and `v3electionpb.Election`, whose calls the recipes carry out.
extension EtcdServices {
    func lock(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        recipes.lock(try decode(LockRequest.self, message), token)
    }

    func unlock(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        recipes.unlock(try decode(UnlockRequest.self, message), token)
    }

    func campaign(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        recipes.campaign(try decode(CampaignRequest.self, message), token)
    }

    func proclaim(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        recipes.proclaim(try decode(ProclaimRequest.self, message), token)
    }

    func leader(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        recipes.leader(try decode(LeaderRequest.self, message), token)
    }

    func resign(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        recipes.resign(try decode(ResignRequest.self, message), token)
    }

    /// Does what the recipes want done for their callers.
    func carryOutRecipes() {
        while case let effects = recipes.takeEffects(), !effects.isEmpty {
            for effect in effects {
                switch effect {
                case .reply(let caller, let result): answer(caller, result)
                // Pulling may have effects of its own.
                case .streamReady(let caller): streamReady(caller)
                }
            }
        }
    }
}
