internal import EtcdMessages
internal import GRPCCore
internal import Node
internal import Primitives
internal import Recipes

/// `v3electionpb.Election/Observe`: a stream of who leads, for as long as the client listens.
final class ObserveService: StreamService {
    private let recipes: Recipes
    private let responder: Responder
    private let decoder = MessageDecoder()

    init(recipes: Recipes, responder: Responder) {
        self.recipes = recipes
        self.responder = responder
    }

    func opened(_ call: CallID) {}

    func received(_ message: RawSpan, _ call: CallID) throws(EtcdError) {
        recipes.observe(try decode(decoder, LeaderRequest.self, message), RequestToken(call))
    }

    func halfClosed(_ call: CallID) {}

    func ready(_ call: CallID) {
        guard responder.server.canSend(call), let leader = recipes.nextLeader(RequestToken(call)) else { return }
        responder.send(call, revision: leader.revision, body: leader.body)
    }

    func answered(_ call: CallID, _ result: Result<Reply, EtcdError>) throws(EtcdError) {
        guard case .failure(let error) = result else { unreachable("leaders are not answers but pulled") }
        throw error
    }

    func ended(_ call: CallID) {
        recipes.abandon(RequestToken(call))
    }
}
