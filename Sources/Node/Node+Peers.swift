internal import Apply
package import EtcdMessages
internal import Membership
package import Primitives

/// The other members: what comes from them, and how they can be reached.
extension Node {
    /// A message of Raft's from another member. It may say anything.
    package func receive(_ message: RaftMessage) {
        // A snapshot comes with the file it is about (`receivedSnapshot`), or is none.
        guard message.to == memberID.rawValue, message.type != .snap, !awaitsSnapshot(instead: message) else { return }
    }

    /// A message could not be sent to a member.
    package func peerUnreachable(_ id: MemberID) {
    }

    /// There are connections to a member for all kinds of messages.
    package func peerConnected(_ id: MemberID) {
        peerConnections.connected(id, now: now)
    }

    /// A connection to a member ended.
    package func peerDisconnected(_ id: MemberID) {
        peerConnections.disconnected(id)
    }

    /// A member refuses this one because it was removed from the cluster.
    package func peerSaysRemoved() {
        stop(.removed)
    }

    /// Hands the leadership to the voter that has been connected longest, if this member leads: the process is about to end.
    /// `isTransferringLeadership` says how long to wait.
    package func transferLeadershipBeforeStop() {}

    /// Whether a leadership is being handed over. It ends, well or not, within the time of a request.
    package var isTransferringLeadership: Bool { false }

    /// Since when a member has been connected, in nanoseconds of the monotonic clock; nil if it is not.
    func connectedSince(_ id: MemberID) -> UInt64? { peerConnections.start(of: id) }

    /// The other members, as far as this one knows them.
    var peers: [Peer] {
        applier.cluster.members.compactMap { $0.id == memberID ? nil : Peer($0) }
    }

    /// The members are others than before, or are reached elsewhere: whoever speaks with them is told.
    func membersChanged() {
        isLearner = applier.cluster.member(memberID)?.isLearner ?? false
        let peers = peers
        peerConnections.keep { id in peers.contains { $0.id == id } }
        emit(.peersChanged(peers))
    }
}
