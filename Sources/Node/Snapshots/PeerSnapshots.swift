internal import EtcdMessages
internal import Primitives
internal import Store

/// Snapshots of the store's file for members that need more than Raft's log still has: those that wait for a commit, and
/// those being sent. At most one for each member at a time; several members may read the same.
struct PeerSnapshots {
    private struct Waiting {
        var member: MemberID
        /// How many freezes of the store must have reached its file.
        var freezeCount: Int
        /// The last entry that will be in it.
        var index: LogIndex
    }

    /// A file that is pinned, and what is sent with it.
    struct Pinned {
        var snapshot: StoreSnapshot
        var contents: RaftSnapshot
        fileprivate var readerCount = 0

        var index: LogIndex { LogIndex(contents.metadata.index) }

        init(snapshot: StoreSnapshot, contents: RaftSnapshot) {
            self.snapshot = snapshot
            self.contents = contents
        }
    }

    struct Transfer {
        var token: RequestToken
        var member: MemberID
        /// The term of the leader that began it.
        var term: Term
        var index: LogIndex
    }

    /// How long after a transfer the log keeps what its receiver asks for next, in nanoseconds (etcd v3.6
    /// `server/etcdserver/server.go`, `releaseDelayAfterSnapshot`).
    static let graceNanoseconds: UInt64 = 30_000_000_000

    private var waiting: [Waiting] = []
    private var transfers: [Transfer] = []
    private var pinned: [Pinned] = []
    /// What receivers may still ask for, and until when.
    private var grace: [(index: LogIndex, end: UInt64)] = []
    private var lastToken: UInt64 = 0

    /// How many are being sent.
    var transferCount: Int { transfers.count }
    var isWaiting: Bool { !waiting.isEmpty }

    mutating func wait(_ member: MemberID, freezeCount: Int, index: LogIndex) {
        waiting.removeAll { $0.member == member }
        waiting.append(Waiting(member: member, freezeCount: freezeCount, index: index))
    }

    /// The next member whose snapshot has all it must hold in the file, which has so many freezes, and to whom none is being
    /// sent.
    mutating func takeReady(freezeCount: Int) -> MemberID? {
        let place = waiting.firstIndex { candidate in
            candidate.freezeCount <= freezeCount && !transfers.contains { $0.member == candidate.member }
        }
        return place.map { waiting.remove(at: $0).member }
    }

    /// A file that is being sent already, from which a receiver can go on with the log: that begins behind `first`.
    func pinned(from first: LogIndex) -> Pinned? { pinned.last { $0.index >= first } }

    /// Begins to send a file.
    mutating func begin(_ file: Pinned, to member: MemberID, term: Term) -> Transfer {
        lastToken += 1
        let transfer = Transfer(
            token: RequestToken(.member, lastToken), member: member, term: term, index: file.index)
        transfers.append(transfer)
        if let place = pinned.firstIndex(where: { $0.index == file.index }) {
            pinned[place].readerCount += 1
        } else {
            var file = file
            file.readerCount = 1
            pinned.append(file)
        }
        return transfer
    }

    /// Ends a transfer; nil if there is no such one. Answers the snapshot that is to be given back, if nobody else reads it.
    mutating func end(_ token: RequestToken, now: UInt64) -> (transfer: Transfer, unread: StoreSnapshot?)? {
        guard let place = transfers.firstIndex(where: { $0.token == token }) else { return nil }
        let transfer = transfers.remove(at: place)
        grace.append((transfer.index, now + Self.graceNanoseconds))
        guard let file = pinned.firstIndex(where: { $0.index == transfer.index }) else {
            unreachable("what is being sent is pinned")
        }
        pinned[file].readerCount -= 1
        guard pinned[file].readerCount == 0 else { return (transfer, nil) }
        return (transfer, pinned.remove(at: file).snapshot)
    }

    /// The last entry that the log may forget for the sake of receivers; nil if there are none.
    mutating func neededIndex(now: UInt64) -> LogIndex? {
        if waiting.isEmpty && transfers.isEmpty && grace.isEmpty { return nil }
        grace.removeAll { $0.end <= now }
        return (waiting.map(\.index) + transfers.map(\.index) + grace.map(\.index)).min()
    }
}
