package import EtcdMessages
package import Primitives

/// Who asks, and at which revision of the users and roles that was found out.
package struct Credentials: Equatable, Sendable {
    /// Empty if nobody is named.
    package var username: Bytes
    /// 0 if nobody is named.
    package var authRevision: UInt64

    package init(username: Bytes, authRevision: UInt64) {
        self.username = username
        self.authRevision = authRevision
    }

    package static let none = Credentials(username: [], authRevision: 0)

    /// Those in a log entry's header. Entries of etcd before 3.0 have none.
    package init(_ header: RequestHeader?) {
        self.init(username: header?.username ?? [], authRevision: header?.authRevision ?? 0)
    }
}
