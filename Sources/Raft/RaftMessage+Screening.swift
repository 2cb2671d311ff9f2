internal import EtcdMessages
internal import Primitives

/// What a peer may send. A message that no honest member sends is ignored, so that none can trap, or do worse.
extension RaftMessage {
    /// Terms and indexes above this cannot come about, and are left no room to overflow.
    static let greatestNumber: UInt64 = 1 << 62

    /// How many bytes may tell a read from others; etcd's members give 8.
    private static let maxReadContextByteCount = 1024

    /// Whether the message can come from another member, as far as it alone tells.
    func isPlausible(to member: MemberID) -> Bool {
        guard to == member.rawValue, from != 0, from != to else { return false }
        guard max(term, logTerm, index, commit, rejectHint) <= Self.greatestNumber else { return false }
        switch type {
        case .prop: return !entries.isEmpty && entries.allSatisfy(\.hasKnownType)
        case .readIndex: return entries.count == 1 && entries[0].encodedByteCount <= Self.maxReadContextByteCount
        case .readIndexResp: return term > 0 && entries.count == 1
        case .app: return term > 0 && logTerm <= term && hasEntriesInOrder
        case .snap: return term > 0 && (snapshot?.metadata.isPlausible(in: term) ?? false)
        case .appResp, .vote, .voteResp, .heartbeat, .heartbeatResp, .preVote, .preVoteResp, .transferLeader,
            .timeoutNow:
            return term > 0
        default: return false
        }
    }

    /// Whether the entries follow on `index` and on one another, as those of a leader of this term's log do.
    private var hasEntriesInOrder: Bool {
        var last = (index: index, term: logTerm)
        for entry in entries {
            guard entry.hasKnownType, entry.index == last.index + 1, entry.term >= last.term, entry.term <= term else {
                return false
            }
            last = (entry.index, entry.term)
        }
        return last.index <= Self.greatestNumber
    }
}

extension RaftEntry {
    fileprivate var hasKnownType: Bool {
        type == .normal || type == .confChange || type == .confChangeV2
    }
}

extension RaftSnapshotMetadata {
    fileprivate func isPlausible(in term: UInt64) -> Bool {
        index > 0 && index <= RaftMessage.greatestNumber && self.term > 0 && self.term <= term && confState.isWellFormed
    }
}
