internal import EtcdMessages
internal import Primitives

/// Proposals that wait for a leader to take them, as a client of etcd's then does (etcd v3.6 `server/etcdserver/v3_server.go`,
/// where Raft takes none as long as there is no leader). Nobody was sent any of them yet.
struct HeldProposals {
    struct Proposal {
        var requestID: UInt64
        var data: Bytes
    }

    private var proposals: [Proposal] = []
    private var byteCount = 0

    /// How many may wait, and bytes of them. More are refused.
    static let greatestCount = Int(Limits.maxApplyLag)
    static let greatestByteCount = 64 << 20

    var isEmpty: Bool { proposals.isEmpty }

    func hasRoom(byteCount: Int) -> Bool {
        proposals.count < Self.greatestCount && self.byteCount + byteCount <= Self.greatestByteCount
    }

    mutating func add(_ requestID: UInt64, _ data: Bytes) {
        proposals.append(Proposal(requestID: requestID, data: data))
        byteCount += data.count
    }

    /// All of them, in the order in which they came.
    mutating func takeAll() -> [Proposal] {
        byteCount = 0
        defer { proposals = [] }
        return proposals
    }

    /// Forgets a proposal, if it is there: nobody waits for it any more. Answers whether it was.
    mutating func remove(_ requestID: UInt64) -> Bool {
        // They are given up in the order in which they came.
        guard let place = proposals.firstIndex(where: { $0.requestID == requestID }) else { return false }
        byteCount -= proposals.remove(at: place).data.count
        return true
    }
}
