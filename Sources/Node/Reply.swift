internal import MVCC
package import Primitives

/// A successful answer: an encoded response message without its header, which is field 1 of every response of etcd's.
package struct Reply: Equatable, Sendable {
    /// The revision for the header.
    package var revision: Int64
    package var body: Bytes
    /// Whether the answer has a header. Those to Defragment and MoveLeader have none (etcd v3.6
    /// `server/etcdserver/api/v3rpc/maintenance.go`).
    package var hasHeader = true

    package init(revision: Int64, body: Bytes) {
        self.revision = revision
        self.body = body
    }

    /// An answer that says nothing, and not even that in a header.
    package static var withoutHeader: Reply {
        var reply = Reply(revision: 0, body: [])
        reply.hasHeader = false
        return reply
    }

    init(_ answer: MVCCAnswer) {
        revision = answer.revision
        body = answer.body
    }
}
