internal import Apply
internal import EtcdMessages
internal import Membership
package import Primitives
internal import Raft

/// Who leads the cluster: what follows when that changes, and how it is handed over (etcd v3.6
/// `server/etcdserver/server.go`, `updateLeadership`, `MoveLeader`, `TryTransferLeadershipOnShutdown`).
extension Node {
    /// Takes note of who leads. To be called before anything that rests on it.
    @inline(__always)
    func noteLeadership() {
        if raft.leader == leadership.leader && raft.term == leadership.term { return }
        leadershipChanged()
    }

    private func leadershipChanged() {
        measurements.saw(leader: raft.leader)
        leadership.leader = raft.leader
        leadership.term = raft.term
        guard raft.leader != .none else { return }
        if raft.role == .leader {
            leadership.electedAt = now
            heartbeats = HeartbeatTimes()
        }
        failAskedReads()
        proposeHeld()
        endTransfers()
    }

    // MARK: Handing over

    /// Makes another member the leader, and answers once it is.
    package func moveLeader(to id: MemberID, _ token: RequestToken) {
        guard raft.role == .leader else {
            reply(token, .failure(.notLeader))
            return
        }
        guard let member = applier.cluster.member(id), !member.isLearner else {
            reply(token, .failure(.badLeaderTransferee))
            return
        }
        guard id != memberID else {
            reply(token, .success(.withoutHeader))
            return
        }
        transfer(to: id, token)
    }

    /// The process is about to end: if this member leads, the voter that has been connected longest shall lead instead, so that
    /// nobody has to wait for an election. `isTransferringLeadership` says how long to wait.
    package func transferLeadershipBeforeStop() {
        guard raft.role == .leader else { return }
        let voters = peers.filter { !$0.isLearner }.map(\.id)
        guard let id = peerConnections.longestConnected(of: voters) else { return }
        transfer(to: id, nil)
    }

    /// Whether a leadership is being handed over. It ends, well or not, within the time of a request.
    package var isTransferringLeadership: Bool { !transfers.isEmpty }

    private func transfer(to id: MemberID, _ token: RequestToken?) {
        transfers.append(
            LeaderTransfer(target: id, token: token, deadline: now + settings.requestTimeoutNanoseconds))
        raft.transferLeadership(to: id)
    }

    /// Answers those whose member leads now.
    private func endTransfers() {
        for transfer in transfers where transfer.target == raft.leader {
            if let token = transfer.token { reply(token, .success(.withoutHeader)) }
        }
        transfers.removeAll { $0.target == raft.leader }
    }

    func expireTransfers() {
        guard transfers.contains(where: { $0.deadline <= now }) else { return }
        for transfer in transfers where transfer.deadline <= now {
            if let token = transfer.token { reply(token, .failure(.timeoutLeaderTransfer)) }
        }
        transfers.removeAll { $0.deadline <= now }
    }

    // MARK: Time

    /// Why a request that was made at `start` got no answer in time, as far as one can tell (etcd v3.6
    /// `server/etcdserver/server.go`, `parseProposeCtxErr`).
    func timeoutError(since start: UInt64) -> EtcdError {
        if let elected = leadership.electedAt, start < elected,
            elected - start < 2 * settings.electionTimeoutNanoseconds
        {
            return .timeoutDueToLeaderFail
        }
        switch raft.leader {
        case .none: return .timeoutDueToLeaderFail
        case memberID: return isConnectedToQuorum(since: start) ? .timeout : .timeoutDueToConnectionLost
        case let leader:
            return peerConnections.isConnected(leader, since: start) ? .timeout : .timeoutDueToConnectionLost
        }
    }

    private func isConnectedToQuorum(since time: UInt64) -> Bool {
        let peers = peers
        let count = 1 + peers.filter { peerConnections.isConnected($0.id, since: time) }.count
        return count >= (peers.count + 1) / 2 + 1
    }
}
