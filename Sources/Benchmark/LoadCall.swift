package import EtcdMessages
package import Primitives

/// A unary call that a workload wants made.
package struct LoadCall: Sendable {
    /// What the report calls it.
    package let kind: String
    package let path: String
    package let message: Bytes

    package init(kind: String, path: String, message: some EtcdMessage) {
        self.kind = kind
        self.path = path
        self.message = message.encoded()
    }
}

/// The calls of one connection: what each of its clients asks next, and what it learns from the answers.
///
/// A client asks one thing at a time. What it asks follows from the seed alone, or from that and the answers before.
package protocol LoadScript: SendableMetatype {
    /// What a client asks next.
    mutating func next(client: Int) -> LoadCall

    /// The answer to what a client asked last. Only answers without error are told.
    mutating func answered(client: Int, message: Bytes)
}

extension LoadScript {
    package mutating func answered(client: Int, message: Bytes) {}
}
