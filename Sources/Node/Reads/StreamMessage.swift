package import Primitives

/// A message of a stream of answers, encoded without its header, which is field 1 and goes in front.
package struct StreamMessage: Equatable, Sendable {
    /// The revision for the header; 0 is a header without one.
    package var revision: Int64
    package var body: Bytes

    package init(revision: Int64, body: Bytes) {
        self.revision = revision
        self.body = body
    }
}
