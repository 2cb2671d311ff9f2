internal import EtcdMessages
package import Primitives

/// Time, and what the host reports of the world.
extension Raft {
    /// One heartbeat interval has passed.
    package mutating func tick() {
        electionElapsedTicks += 1
        guard role == .leader else {
            guard electionElapsedTicks >= electionTimeoutTicks, tracker.isVoter(id) else { return }
            electionElapsedTicks = 0
            drawElectionTimeout()
            stand()
            return
        }
        heartbeatElapsedTicks += 1
        if electionElapsedTicks >= settings.electionTicks {
            electionElapsedTicks = 0
            checkQuorum()
        }
        if role == .leader, heartbeatElapsedTicks >= settings.heartbeatTicks {
            heartbeatElapsedTicks = 0
            sendHeartbeats()
        }
    }

    /// A leader that hears no quorum must not go on: others may lead, and reads would be stale (thesis, section 6.2).
    private mutating func checkQuorum() {
        guard tracker.checkQuorum(of: id) else {
            reached(.raftQuorumLost)
            becomeFollower(in: term, of: .none)
            return
        }
        // Whoever was to lead next has had its time (thesis, section 3.10).
        abortTransfer()
    }

    /// Messages to a peer were lost.
    package mutating func reportUnreachable(_ id: MemberID) {
        guard role == .leader, let position = tracker.position(of: id) else { return }
        tracker.members[position].progress.becameUnreachable()
    }

    /// The snapshot asked for is sent, or could not be.
    package mutating func reportSnapshot(to id: MemberID, succeeded: Bool) {
        guard role == .leader, let position = tracker.position(of: id) else { return }
        tracker.members[position].progress.snapshotEnded(succeeded: succeeded)
    }

    /// Jitter, so that not all members stand for election at once (thesis, section 3.4).
    mutating func drawElectionTimeout() {
        electionTimeoutTicks = settings.electionTicks + Int(entropy.next() % UInt64(settings.electionTicks))
    }
}
