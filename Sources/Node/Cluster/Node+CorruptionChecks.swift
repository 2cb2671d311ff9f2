internal import Alarms
internal import Apply
internal import EtcdMessages
internal import MVCC
internal import Membership
internal import Primitives
internal import Raft

/// Comparison of members' hashes, and the alarm when one of them cannot be right (etcd v3.6
/// `server/etcdserver/corrupt.go`).
///
/// ```
/// own hash ─> others' at that revision ─> read index, own hash again ─> alarm
/// ```
/// The hashes are made beside the traffic, on the thread of long reads. The member asks itself as a client would, under a token
/// of its own.
extension Node {
    /// Begins the first check, after which the member takes part in the cluster (etcd v3.6 `server/embed/etcd.go`, `StartEtcd`).
    /// Answers whether there is one: not if it is off, or nobody is there to compare with.
    func beginInitialCheck() -> Bool {
        guard corruptionChecks.isInitialDue, !others.isEmpty, hasComparableKeys else { return false }
        corruptionChecks.run = CorruptionChecks.Run(kind: .initial, term: raft.term)
        hashOwnKeys()
        return true
    }

    /// Begins a check when one is due and none is under way: each ends by itself, since all that is asked is answered.
    func stepCorruptionChecks() {
        guard now >= corruptionChecks.nextDue, let kind = corruptionChecks.takeDue(now: now) else { return }
        guard corruptionChecks.run == nil, raft.role == .leader, !others.isEmpty else { return }
        switch kind {
        case .initial: break
        case .periodic:
            guard hasComparableKeys else { return }
            corruptionChecks.run = CorruptionChecks.Run(kind: .periodic, term: raft.term)
            hashOwnKeys()
        case .compaction:
            corruptionChecks.hashes = mvcc.compactionAnswers(after: corruptionChecks.checkedCompaction)
            checkNextCompaction()
        }
    }

    /// What the member asked itself is answered.
    func ownCheckAnswered(_ result: Result<Reply, EtcdError>) {
        guard let run = corruptionChecks.run else { return }
        let reply: Reply
        switch result {
        case .success(let answer) where run.kind == .initial || leads(in: run.term): reply = answer
        case .failure(let error) where run.kind == .initial:
            stop(.inconsistent("the keys cannot be compared with those of the others: \(error.message)"))
            return
        default:
            // What a read index or a hash was refused for will pass.
            endRun()
            return
        }
        switch run.step {
        case .ownHash:
            let hash = ownHash(reply)
            corruptionChecks.run?.own = hash
            askOthers(revision: hash.hashRevision)
        case .others: unreachable("the member asks itself or others")
        case .readIndex:
            // All that the others can have had is applied here.
            corruptionChecks.run?.step = .ownHashAgain
            hashOwnKeys()
        case .ownHashAgain:
            endRun()
            guard let before = run.own else { unreachable("the member has looked at itself before") }
            let others = run.answers.compactMap { answer in answer.hash.map { (id: answer.id, hash: $0) } }
            let suspect = CorruptionCheck.suspect(own: memberID, before: before, after: ownHash(reply), others: others)
            if let suspect { raiseCorruptAlarm(for: suspect) }
        }
    }

    private func ownHash(_ reply: Reply) -> CorruptionCheck.Hash {
        guard let response = try? HashKVResponse(decoding: reply.body) else { unreachable("an answer of our own") }
        return CorruptionCheck.Hash(
            hash: response.hash, compactRevision: response.compactRevision, hashRevision: response.hashRevision,
            headerRevision: reply.revision)
    }

    /// Another member has answered, or has not.
    func corruptionAnswered(_ number: UInt64, _ answer: Result<PeerAnswer, PeerQuestionError>) {
        guard var run = corruptionChecks.run, let place = run.asked.firstIndex(where: { $0.number == number }) else {
            return
        }
        var hash: CorruptionCheck.Hash?
        if case .success(.hashKV(let peer)) = answer {
            hash = CorruptionCheck.Hash(
                hash: peer.hash, compactRevision: peer.compactRevision, hashRevision: peer.hashRevision,
                headerRevision: peer.headerRevision)
        }
        run.answers.append((run.asked.remove(at: place).id, hash))
        corruptionChecks.run = run
        if run.asked.isEmpty { judge(run) }
    }

    // MARK: Steps

    /// Asks for the hash of what is here now. What a client is told after a compaction to revision 0 would be of another revision,
    /// and of members that have restarted since it would not be: etcd raises the alarm for nothing there.
    private func hashOwnKeys() { emit(.longRead(.ownCheck, .hashKV(mvcc.beginCurrentHashKV()))) }

    /// Whether members that hold the same make the same hash. Where no key lives, etcd's takes in what a compaction, if there was
    /// one, has not removed yet (`RecordHasher`), and how far that is differs from member to member: etcd raises the alarm for
    /// nothing there, too.
    private var hasComparableKeys: Bool { mvcc.keyCount > 0 || mvcc.compactedRevision <= 0 }

    private var others: [ClusterMember] { applier.cluster.members.filter { $0.id != memberID } }

    private func leads(in term: Term) -> Bool { raft.role == .leader && raft.term == term }

    private func askOthers(revision: Int64) {
        let numbers = others.map { (number: ask($0, .hashKV(revision: revision), for: .corruption), id: $0.id) }
        corruptionChecks.run?.asked = numbers
        corruptionChecks.run?.step = .others
        if numbers.isEmpty { endRun() }
    }

    /// All have answered.
    private func judge(_ run: CorruptionChecks.Run) {
        guard let own = run.own else { unreachable("others are asked for what the member knows of itself") }
        switch run.kind {
        case .initial:
            endRun()
            if CorruptionCheck.differs(own: own, others: run.answers.compactMap(\.hash)) {
                stop(.corrupt(memberID))
            } else {
                startRaft()
            }
        case .periodic:
            guard leads(in: run.term) else { return endRun() }
            corruptionChecks.run?.step = .readIndex
            enqueue(.ownCheck, .ownCheck)
        case .compaction:
            endRun()
            guard leads(in: run.term) else { return }
            switch CorruptionCheck.judge(own: memberID, own, others: run.answers) {
            case .consistent: corruptionChecks.checked(compaction: own.hashRevision)
            case .incomplete: checkNextCompaction()
            case .corrupt(let members): for member in members { raiseCorruptAlarm(for: member) }
            }
        }
    }

    private func checkNextCompaction() {
        guard !corruptionChecks.hashes.isEmpty else { return }
        let known = corruptionChecks.hashes.removeFirst()
        var run = CorruptionChecks.Run(kind: .compaction, term: raft.term)
        run.own = CorruptionCheck.Hash(
            hash: known.hash, compactRevision: known.compactRevision, hashRevision: known.hashRevision,
            headerRevision: known.headerRevision)
        corruptionChecks.run = run
        askOthers(revision: known.hashRevision)
    }

    private func endRun() { corruptionChecks.run = nil }

    private func raiseCorruptAlarm(for member: MemberID) {
        var alarm = AlarmMember()
        alarm.memberID = member.rawValue
        alarm.alarm = .corrupt
        guard !applier.alarms.alarms.contains(alarm) else { return }
        var request = AlarmRequest()
        request.action = .activate
        request.memberID = member.rawValue
        request.alarm = .corrupt
        proposeAsLeader(in: raft.term, Proposal(.alarm, request), .corruptAlarm)
    }
}

extension RequestToken {
    /// What a member asks itself. No shell gives this out.
    static let ownCheck = RequestToken(.member, 0)
}
