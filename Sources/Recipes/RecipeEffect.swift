package import Node
package import Primitives

/// What the recipes want done for their callers.
package enum RecipeEffect: Equatable {
    /// Answer a call.
    case reply(RequestToken, Result<Reply, EtcdError>)
    /// The stream of one who observes an election has something: pull with `Recipes.nextLeader`.
    case streamReady(RequestToken)
}
