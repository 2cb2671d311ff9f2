internal import Primitives

/// A look of the leader at the versions of all members (etcd v3.6 `server/etcdserver/version/monitor.go`).
struct VersionLook {
    /// The term in which the leader looks. What comes of it is dropped in any other (ordering rule 8).
    let term: Term
    private var waitingCount: Int
    private(set) var oldest: EtcdVersion?
    private(set) var newest: EtcdVersion?
    private var isIncomplete = false

    /// - Parameter own: the version of this member, which need not be asked.
    init(term: Term, own: EtcdVersion, otherCount: Int) {
        self.term = term
        oldest = own
        newest = own
        waitingCount = otherCount
    }

    /// Whether all have answered, or will not.
    var isOver: Bool { waitingCount == 0 }

    /// A member answered; nil if it did not, or nothing that can be read. Of a cluster of which one member is not known
    /// neither the oldest nor the newest is.
    mutating func answered(_ version: EtcdVersion?) {
        waitingCount -= 1
        guard let version, !isIncomplete, let oldest, let newest else {
            isIncomplete = true
            oldest = nil
            newest = nil
            return
        }
        self.oldest = min(oldest, version)
        self.newest = max(newest, version)
    }
}
