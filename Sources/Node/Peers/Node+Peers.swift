internal import Apply
package import EtcdMessages
internal import Membership
package import Primitives
internal import Raft

/// The other members: what comes from them, and how they can be reached.
extension Node {
    /// A message of Raft's from another member. It may say anything.
    package func receive(_ message: RaftMessage) {
        // A snapshot comes with the file it is about (`receivedSnapshot`), or is none.
        guard hasStartedRaft, message.to == memberID.rawValue, message.type != .snap, !awaitsSnapshot(instead: message),
            !applier.cluster.isRemoved(MemberID(message.from))
        else { return }
        raft.step(message)
    }

    /// A message could not be sent to a member.
    package func peerUnreachable(_ id: MemberID) {
        raft.reportUnreachable(id)
    }

    /// A member is reached: there is a connection to it, or it took a message.
    package func peerConnected(_ id: MemberID) {
        peerConnections.connected(id, now: now)
        advanceElectionIfStarting()
    }

    /// A connection to a member was lost, or could not be made.
    package func peerDisconnected(_ id: MemberID) {
        peerConnections.disconnected(id)
    }

    /// A member refuses this one because it was removed from the cluster.
    package func peerSaysRemoved() {
        stop(.removed)
    }

    /// Since when a member has been connected, in nanoseconds of the monotonic clock; nil if it is not.
    func connectedSince(_ id: MemberID) -> UInt64? { peerConnections.start(of: id) }

    /// The other members, as far as this one knows them.
    var peers: [Peer] { knownMembers.compactMap { $0.id == memberID ? nil : Peer($0) } }

    /// One that joins has it from the others until it comes to its own joining in the log: what stands before that is how the
    /// cluster once was.
    private var knownMembers: [ClusterMember] {
        let cluster = applier.cluster
        guard case .join(_, let joined) = settings.clusterStart, cluster.member(memberID) == nil,
            !cluster.isRemoved(memberID)
        else { return cluster.members }
        return joined
    }

    /// The members are others than before, or are reached elsewhere: whoever speaks with them is told.
    func membersChanged() {
        isLearner = applier.cluster.member(memberID)?.isLearner ?? false
        let peers = peers
        peerConnections.keep { id in peers.contains { $0.id == id } }
        emit(.peersChanged(peers))
        if removedAt == nil, applier.cluster.isRemoved(memberID) { removedAt = now }
    }

    /// Ends a member that was removed: a while later, so that the others hear from it that their entries arrived (etcd v3.6
    /// `server/etcdserver/server.go`, `stopWithDelay`).
    func stopIfRemoved() {
        if let removedAt, now >= removedAt + Self.removalDelay { stop(.removed) }
    }

    /// In nanoseconds.
    private static let removalDelay: UInt64 = 1_000_000_000

    // MARK: Sending

    /// Sends what rests on nothing that is not synced.
    func send(_ messages: [RaftMessage]) {
        for message in messages where message.type == .heartbeat {
            let limit = 2 * settings.heartbeatIntervalNanoseconds
            if heartbeats.isLate(to: MemberID(message.to), now: now, limit: limit) {
                measurements.lateHeartbeatCount &+= 1
            }
        }
        emit(.send(messages))
    }

    /// Sends what rests on this member's own state and entries, which are synced (ordering rule 1).
    func sendSynced(_ messages: [RaftMessage]) {
        for message in messages where message.term == raft.term.rawValue {
            assertAlways(
                raft.term <= pipeline.syncedTerm, "no word of a term that the log would not know after a crash")
            assertAlways(
                message.type != .appResp || message.reject || message.index <= raft.log.syncedIndex.rawValue,
                "no word of an entry that the log would not hold after a crash")
        }
        emit(.send(messages))
    }
}
