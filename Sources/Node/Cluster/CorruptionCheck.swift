internal import MVCC
internal import Primitives

/// What members' hashes of the keys say of them (etcd v3.6 `server/etcdserver/corrupt.go`).
///
/// All members make the same of the same log. So two that hashed the same revisions, with the same history forgotten, must
/// have the same hash, and a follower is never ahead of a leader that has asked it before it looked at itself.
enum CorruptionCheck {
    /// A member's hash.
    struct Hash: Equatable {
        var hash: UInt32
        var compactRevision: Int64
        /// The revision up to which it goes.
        var hashRevision: Int64
        /// The member's revision when it made it.
        var headerRevision: Int64
    }

    /// Compares a leader's own hashes from before and after it asked the others, and theirs, which were asked for at the
    /// revision of the first. Answers the first member that cannot be right; nil if nothing speaks against any.
    static func suspect(own id: MemberID, before: Hash, after: Hash, others: [(id: MemberID, hash: Hash)]) -> MemberID?
    {
        if after.hash != before.hash, after.hashRevision == before.hashRevision,
            after.compactRevision == before.compactRevision
        {
            return id
        }
        for (other, hash) in others {
            if hash.headerRevision > after.headerRevision { return other }
            if hash.compactRevision > after.compactRevision { return other }
            if hash.compactRevision == before.compactRevision, hash.hash != before.hash { return other }
        }
        return nil
    }

    /// Whether a member that starts differs from one of the others.
    static func differs(own: Hash, others: [Hash]) -> Bool {
        others.contains { $0.compactRevision == own.compactRevision && $0.hash != own.hash }
    }

    /// What the hashes of a compaction say.
    enum Verdict: Equatable {
        /// All members have it.
        case consistent
        /// Those that could be compared have; an older compaction may say more.
        case incomplete
        /// These members differ from most. `.none` stands for the whole cluster: there is no majority to differ from.
        case corrupt([MemberID])
    }

    /// Compares the hashes that all members made of one compaction.
    ///
    /// - Parameter others: nil for a member that did not answer.
    static func judge(own id: MemberID, _ own: Hash, others: [(id: MemberID, hash: Hash?)]) -> Verdict {
        var comparable = [(id: id, hash: own.hash)]
        for (other, hash) in others {
            if let hash, hash.compactRevision == own.compactRevision { comparable.append((other, hash.hash)) }
        }
        if comparable.allSatisfy({ $0.hash == own.hash }) {
            return comparable.count == others.count + 1 ? .consistent : .incomplete
        }
        let quorum = (others.count + 1) / 2 + 1
        let majority = comparable.first { candidate in
            comparable.count { $0.hash == candidate.hash } >= quorum
        }
        guard let majority else { return .corrupt([.none]) }
        return .corrupt(comparable.filter { $0.hash != majority.hash }.map(\.id).sorted())
    }
}
