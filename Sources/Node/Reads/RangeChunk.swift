package import Primitives

/// A piece of a range that is answered in pieces.
package struct RangeChunk: Equatable, Sendable {
    /// The revision for the header, which stands in the last message only.
    package var revision: Int64
    /// Fields of a `RangeResponse`: records, and in the last piece what follows them.
    package var body: Bytes
    package var isLast: Bool

    package init(revision: Int64, body: Bytes, isLast: Bool) {
        self.revision = revision
        self.body = body
        self.isLast = isLast
    }
}
