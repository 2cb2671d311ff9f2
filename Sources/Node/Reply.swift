internal import MVCC
package import Primitives

/// A successful answer: an encoded response message without its header, which is field 1 of every response of etcd's.
package struct Reply: Equatable, Sendable {
    /// The revision for the header.
    package var revision: Int64
    package var body: Bytes

    package init(revision: Int64, body: Bytes) {
        self.revision = revision
        self.body = body
    }

    init(_ answer: MVCCAnswer) {
        revision = answer.revision
        body = answer.body
    }
}
