import Apply
import Environment
import EtcdMessages
import Membership
import Node
import Primitives
import Raft
import SimulatedPlatform
import Testing
import WriteAheadLog

/// Several members on simulated disks, whose messages, writes and clocks move when a test lets them.
final class TestCluster {
    /// One direction between two members.
    struct Link: Hashable {
        var from: UInt64
        var to: UInt64
    }

    private struct AskedQuestion {
        var asker: MemberID
        var question: PeerQuestion
        var answerer: MemberID
        var token: RequestToken
    }

    let clock = SimulatedClock(unixNanoseconds: 1_700_000_000_000_000_000)
    private(set) var ids: [MemberID]
    let settings: NodeSettings
    private(set) var members: [MemberID: TestMember] = [:]
    /// Disks of members that are down.
    private var disks: [MemberID: SimulatedDisk] = [:]
    /// Messages on their way, in the order in which they were sent.
    var messages: [RaftMessage] = []
    private var cuts: Set<Link> = []
    private var asked: [AskedQuestion] = []
    /// Members whose logs write nothing for now, and those whose stores do not.
    var stalledLogs: Set<MemberID> = []
    var stalledStores: Set<MemberID> = []
    /// Members whose installers open nothing for now.
    var stalledInstallers: Set<MemberID> = []
    /// Whether snapshots stay with their senders for now.
    var holdsSnapshots = false
    /// How many snapshots were begun to be sent.
    private(set) var snapshotCount = 0
    /// Snapshots that are being sent.
    var snapshotsUnderWay: [(sender: MemberID, transfer: TestMember.Transfer)] = []
    /// Members to which no time passes and no message comes.
    var paused: Set<MemberID> = []
    /// Settings of members that were not there from the start.
    private var ownSettings: [MemberID: NodeSettings] = [:]
    /// Versions that members claim to have, where it is not their own.
    var versions: [MemberID: String] = [:]
    /// Questions for versions that are not answered, if a test wants to answer them itself; nil if it does not.
    var heldVersions: [(asker: MemberID, number: UInt64)]?
    /// Called with each message as it is sent.
    var onSend: ((RaftMessage) -> Void)?

    static var settings: NodeSettings {
        var settings = TestMember.settings
        settings.checkpointsLeases = false
        return settings
    }

    /// Members of a new cluster, started and connected.
    init(count: Int, settings: NodeSettings = TestCluster.settings, holdsVersions: Bool = false) throws {
        if holdsVersions { heldVersions = [] }
        self.settings = settings
        let bootstrap = ClusterBootstrap(
            members: (0..<count).map { number in
                ClusterMember(
                    bootstrapName: Bytes(text: "m\(number)"),
                    peerURLs: [Bytes(text: "http://10.0.0.\(number + 1):2380")],
                    clusterToken: Bytes(text: "test"))
            })
        ids = bootstrap.members.map(\.id)
        for id in ids { disks[id] = try Self.disk(of: id, bootstrap, settings) }
        for id in ids { try start(id) }
    }

    /// A cluster that serves.
    static func ready(count: Int = 3, settings: NodeSettings = TestCluster.settings) throws -> TestCluster {
        let cluster = try TestCluster(count: count, settings: settings)
        try cluster.advance(until: "all are ready") { $0.members.values.allSatisfy { $0.readyCount == 1 } }
        return cluster
    }

    /// What a member finds at its first start.
    private static func disk(
        of id: MemberID, _ bootstrap: ClusterBootstrap, _ settings: NodeSettings
    ) throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        try disk.makeDirectory("/data/member")
        for directory in ["/", "/data"] { try disk.syncDirectory(directory) }
        var metadata = WALMetadata()
        metadata.nodeID = id.rawValue
        metadata.clusterID = bootstrap.clusterID.rawValue
        let writer = try WALWriter.create(
            disk: disk, directory: "/data/member/wal", metadata: metadata, settings: settings.logSettings)
        var state = HardState()
        state.term = ClusterBootstrap.term.rawValue
        state.commit = UInt64(bootstrap.entries.count)
        try writer.append(state: state, entries: bootstrap.entries)
        try writer.sync()
        writer.close()
        try disk.syncDirectory("/data/member")
        return disk
    }

    // MARK: Members

    func member(_ id: MemberID) -> TestMember {
        guard let member = members[id] else { preconditionFailure("a member that is down") }
        return member
    }

    /// The members that are up, in the order of their ids.
    var up: [TestMember] { ids.compactMap { members[$0] } }

    /// The one that leads; of several, that of the latest term.
    var leader: TestMember? {
        up.filter { $0.node.raft.role == .leader }.max { $0.node.raft.term < $1.node.raft.term }
    }

    func theLeader() throws -> TestMember { try #require(leader) }

    /// Those that do not lead, in the order of their ids.
    func followers() throws -> [TestMember] {
        let leader = try theLeader()
        return up.filter { $0 !== leader }
    }

    func start(_ id: MemberID) throws {
        guard let disk = disks.removeValue(forKey: id) else { throw TestProblem("it is not down") }
        let member = try TestMember(disk: disk, clock: clock, settings: ownSettings[id] ?? settings)
        #expect(member.node.memberID == id)
        members[id] = member
        for other in ids where other != id { connect(id, other) }
    }

    /// Starts a member that the cluster was told of, with nothing but the knowledge of who the others are.
    @discardableResult
    func join(_ id: MemberID, name: String) throws -> TestMember {
        let cluster = try theLeader().node.applier.cluster
        var settings = settings
        settings.name = name
        settings.clusterStart = .join(
            try theLeader().node.clusterID,
            cluster.members.map { member in
                var member = member
                if member.id == id { member.name = Bytes(text: name) }
                return member
            })
        ownSettings[id] = settings
        ids.append(id)
        disks[id] = SimulatedDisk()
        try start(id)
        return member(id)
    }

    /// Ends a member as a loss of power does.
    func crash(_ id: MemberID, _ policy: CrashPolicy = .loseAllUnsynced) {
        crash(id, replacedBy: member(id).crashed(policy))
    }

    /// Ends a member; its next start finds this disk.
    func crash(_ id: MemberID, replacedBy disk: SimulatedDisk) {
        disks[id] = disk
        snapshotsUnderWay.removeAll { $0.sender == id }
        stalledInstallers.remove(id)
        members[id] = nil
        stalledLogs.remove(id)
        stalledStores.remove(id)
        messages.removeAll { $0.from == id.rawValue || $0.to == id.rawValue }
        for other in up { other.node.peerDisconnected(id) }
    }

    // MARK: The network

    private func isCut(_ from: MemberID, _ to: MemberID) -> Bool {
        cuts.contains(Link(from: from.rawValue, to: to.rawValue))
    }

    private func connect(_ one: MemberID, _ other: MemberID) {
        guard let first = members[one], let second = members[other], !isCut(one, other), !isCut(other, one) else {
            return
        }
        first.node.peerConnected(other)
        second.node.peerConnected(one)
        for member in [first, second] { member.pump() }
    }

    /// No message between a member and these others arrives any more.
    func cut(_ id: MemberID, from others: [MemberID]) {
        for other in others where other != id {
            cuts.formUnion([Link(from: id.rawValue, to: other.rawValue), Link(from: other.rawValue, to: id.rawValue)])
            members[id]?.node.peerDisconnected(other)
            members[other]?.node.peerDisconnected(id)
        }
    }

    func isolate(_ member: TestMember) { cut(member.node.memberID, from: ids) }

    func heal() {
        cuts = []
        for (place, id) in ids.enumerated() {
            for other in ids[(place + 1)...] { connect(id, other) }
        }
    }

    /// Takes what members have sent since the last time.
    func collect() {
        for member in up {
            for message in member.sent {
                onSend?(message)
                messages.append(message)
            }
            member.sent = []
            for question in member.questions { ask(question, of: member) }
            member.questions = []
        }
    }

    /// Brings the oldest message to its receiver. Answers whether there was one.
    @discardableResult
    func deliver() -> Bool {
        guard !messages.isEmpty else { return false }
        let message = messages.removeFirst()
        let (from, to) = (MemberID(message.from), MemberID(message.to))
        guard let receiver = members[to], !isCut(from, to), !paused.contains(to) else {
            members[from]?.node.peerUnreachable(to)
            return true
        }
        receiver.node.receive(message)
        receiver.pump()
        return true
    }

    // MARK: Snapshots

    /// Brings the oldest snapshot to its receiver. Answers whether there was one.
    private func carrySnapshot() -> Bool {
        for member in up {
            for transfer in member.takeTransfers() {
                snapshotCount += 1
                snapshotsUnderWay.append((member.node.memberID, transfer))
            }
        }
        guard !holdsSnapshots, !snapshotsUnderWay.isEmpty else { return false }
        let (sender, transfer) = snapshotsUnderWay.removeFirst()
        let receiver = members[transfer.to]
        let succeeded = receiver != nil && !isCut(sender, transfer.to)
        if succeeded, let receiver, let bytes = try? transfer.bytes() {
            let index = transfer.message.snapshot?.metadata.index ?? 0
            let path = "/data/member/snap/\(index.fixedHexadecimal).snap.db"
            if receiver.disk.contents(of: path) == nil { receiver.disk.place(bytes, at: path) }
            receiver.node.receivedSnapshot(transfer.message, databasePath: path)
            receiver.pump()
        }
        members[sender]?.node.snapshotSent(transfer.token, to: transfer.to, succeeded: succeeded)
        members[sender]?.pump()
        return true
    }

    // MARK: Questions

    private func ask(_ question: PeerQuestion, of member: TestMember) {
        let asker = member.node.memberID
        guard let answerer = members[question.to], !isCut(asker, question.to), !paused.contains(question.to) else {
            member.node.peerAnswered(question.number, .failure(.unreachable("connection refused")))
            return
        }
        let token = answerer.token()
        switch question.kind {
        case .renewLease(let id): answerer.node.keepLeaseAliveForPeer(id, token)
        case .leaseTimeToLive(let request): answerer.node.leaseTimeToLiveForPeer(request, token)
        case .promote(let id): answerer.node.promoteMember(id, token)
        case .version where heldVersions != nil:
            heldVersions?.append((asker, question.number))
            return
        case .version:
            let version = versions[question.to] ?? answerer.node.etcdVersion.description
            member.node.peerAnswered(question.number, .success(.version(server: version, cluster: "3.0.0")))
            return
        case .hashKV(let revision): answerer.node.hashKV(revision: revision, token)
        }
        asked.append(AskedQuestion(asker: asker, question: question, answerer: question.to, token: token))
        answerer.pump()
    }

    private func answerQuestions() {
        for place in asked.indices.reversed() {
            let asked = asked[place]
            guard let answerer = members[asked.answerer], let result = answerer.reply(to: asked.token) else { continue }
            self.asked.remove(at: place)
            guard let asker = members[asked.asker] else { continue }
            asker.node.peerAnswered(asked.question.number, Self.answer(to: asked.question.kind, result))
            asker.pump()
        }
    }

    private static func answer(
        to kind: PeerQuestion.Kind, _ result: Result<Reply, EtcdError>
    ) -> Result<PeerAnswer, PeerQuestionError> {
        switch (kind, result) {
        case (.renewLease, .success(let reply)):
            guard let response = try? LeaseKeepAliveResponse(decoding: reply.body) else { break }
            return .success(.leaseRenewed(ttlSeconds: response.ttl))
        case (.leaseTimeToLive, .success(let reply)):
            guard let response = try? LeaseTimeToLiveResponse(decoding: reply.body) else { break }
            return .success(.leaseTimeToLive(response))
        case (.promote, .success(let reply)):
            guard let response = try? MemberPromoteResponse(decoding: reply.body) else { break }
            return .success(
                .promoted(
                    response.members.map { ClusterMember(id: MemberID($0.id), name: $0.name, peerURLs: $0.peerURLs) }))
        case (.promote, .failure(.memberNotFound)):
            return .failure(.refused(status: 404, text: "membership: ID not found"))
        case (.promote, .failure(.memberNotLearner)):
            return .failure(.refused(status: 412, text: "membership: can only promote a learner member"))
        case (.promote, .failure(.learnerNotReady)):
            return .failure(.refused(status: 412, text: EtcdError.learnerNotReady.message))
        case (.hashKV, .success(let reply)):
            guard let response = try? HashKVResponse(decoding: reply.body) else { break }
            return .success(
                .hashKV(
                    PeerHashKV(
                        hash: response.hash, compactRevision: response.compactRevision,
                        hashRevision: response.hashRevision, headerRevision: reply.revision)))
        case (_, .failure(.leaseNotFound)): return .failure(.refused(status: 404, text: "lease not found"))
        case (_, .failure(let error)): return .failure(.refused(status: 400, text: error.message))
        default: break
        }
        return .failure(.unreachable("not an answer"))
    }

    // MARK: Time

    /// Lets everything happen that needs no time to pass, but for what a test holds back.
    func settle() {
        for _ in 0..<100_000 {
            collect()
            answerQuestions()
            if deliver() { continue }
            if let member = up.first(where: { !$0.logJobs.isEmpty && !stalledLogs.contains($0.node.memberID) }) {
                member.runLog()
            } else if let member = up.first(where: {
                $0.committer != nil && !stalledStores.contains($0.node.memberID)
            }) {
                member.runStore()
            } else if let member = up.first(where: { !$0.longReads.isEmpty }) {
                member.runReader()
            } else if let member = up.first(where: {
                $0.hasInstallerJobs && !stalledInstallers.contains($0.node.memberID)
            }) {
                member.runInstaller()
            } else if carrySnapshot() {
                continue
            } else if up.allSatisfy({ $0.sent.isEmpty && $0.questions.isEmpty }) {
                return
            }
        }
        Issue.record("the cluster does not come to rest")
    }

    /// Lets time pass in small steps, and everything happen in between.
    func advance(milliseconds: Int) {
        for _ in 0..<(milliseconds / 10) {
            clock.advance(nanoseconds: 10_000_000)
            for member in up where !paused.contains(member.node.memberID) {
                member.node.tick(now: clock.monotonicNanoseconds())
                member.pump()
            }
            settle()
        }
    }

    /// Lets time pass until something is so.
    func advance(until what: String, limit milliseconds: Int = 20_000, _ condition: (TestCluster) -> Bool) throws {
        settle()
        for _ in 0..<(milliseconds / 10) {
            if condition(self) { return }
            advance(milliseconds: 10)
        }
        if !condition(self) { throw TestProblem("it never came to it that \(what)") }
    }

    func elect() throws -> TestMember {
        try advance(until: "there is a leader that all know") { cluster in
            guard let leader = cluster.leader else { return false }
            return cluster.up.allSatisfy { $0.node.raft.leader == leader.node.memberID }
        }
        return try theLeader()
    }

    /// Has the keys of all members that are up hash alike.
    func expectSameKeys() throws {
        settle()
        let indexes = Set(up.map(\.node.raft.log.appliedIndex))
        #expect(indexes.count == 1)
        let hashes = try up.map { member in
            let token = member.hashKV()
            settle()
            return try #require(member.reply(to: token)).get()
        }
        #expect(hashes.allSatisfy { $0 == hashes[0] })
    }

    func close() {
        for member in up { member.close() }
    }
}
