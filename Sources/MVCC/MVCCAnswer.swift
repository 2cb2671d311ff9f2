package import Primitives

/// An answer to a client, encoded.
package struct MVCCAnswer: Equatable, Sendable {
    /// What the response's header says is the store's revision.
    package var revision: Int64
    /// The response message without its header, which is field 1 and goes in front.
    package var body: Bytes

    package init(revision: Int64, body: Bytes) {
        self.revision = revision
        self.body = body
    }
}
