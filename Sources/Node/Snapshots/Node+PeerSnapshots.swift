internal import EtcdMessages
package import Primitives
internal import Raft
internal import Snapshots
internal import Store

/// Snapshots for other members: freeze, commit, pin, send (ordering rule 11). Serving and commits go on meanwhile.
extension Node {
    /// A file was sent, or could not be: its pages are given back, and Raft hears of it.
    package func snapshotSent(_ token: RequestToken, to member: MemberID, succeeded: Bool) {
        guard let (transfer, unread) = peerSnapshots.end(token, now: now) else { return }
        assertAlways(transfer.member == member, "a snapshot is sent to one member")
        if let unread { store.release(unread) }
        // What an earlier term sent says nothing of what this one waits for.
        if raft.role == .leader, raft.term == transfer.term { raft.reportSnapshot(to: member, succeeded: succeeded) }
    }

    /// How many snapshots are being sent to other members.
    package var sentSnapshotCount: Int { peerSnapshots.transferCount }

    /// Members lack what Raft's log no longer has.
    func requestSnapshots(for members: [MemberID]) {
        guard !members.isEmpty else { return }
        freezeStore()
        for member in members {
            peerSnapshots.wait(member, freezeCount: store.freezeCount, index: store.appliedIndex)
        }
    }

    /// Sends the snapshots that have all they must hold in the file.
    func sendPeerSnapshots() {
        while peerSnapshots.isWaiting, let member = peerSnapshots.takeReady(freezeCount: store.committedFreezeCount) {
            guard raft.role == .leader, raft.progress(of: member)?.state == .snapshot else {
                reached(.nodeSnapshotNoLongerWanted)
                continue
            }
            do throws(StoreError) {
                try sendSnapshot(to: member)
            } catch {
                stop(.store(error))
                return
            }
        }
    }

    private func sendSnapshot(to member: MemberID) throws(StoreError) {
        let file: PeerSnapshots.Pinned
        if let shared = peerSnapshots.pinned(from: raft.log.compactedIndex) {
            reached(.nodeSnapshotFileShared)
            file = shared
        } else {
            guard store.committedIndex >= raft.log.compactedIndex else {
                // Of the log only so much is kept, and commits may be slow: the receiver could not go on from there.
                requestSnapshots(for: [member])
                return
            }
            let snapshot = try store.openSnapshot()
            do throws(StoreError) {
                file = PeerSnapshots.Pinned(
                    snapshot: snapshot, contents: try SnapshotContents(snapshot.view).raftSnapshot)
            } catch {
                store.release(snapshot)
                throw error
            }
        }
        assertAlways(file.index >= raft.log.compactedIndex, "the receiver goes on with the log")
        let transfer = peerSnapshots.begin(file, to: member, term: raft.term)
        var message = RaftMessage()
        message.type = .snap
        message.from = memberID.rawValue
        message.to = member.rawValue
        message.term = raft.term.rawValue
        message.snapshot = file.contents
        emit(.sendSnapshot(to: member, message, file.snapshot, transfer.token))
    }
}
