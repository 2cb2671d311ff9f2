import BoltStore
import Environment
import EtcdMessages
import Node
import Primitives
import SimulatedPlatform
import Store
import Testing
import WriteAheadLog

/// A member whose effects wait until a test lets them happen.
final class TestMember {
    enum LogJob {
        case write(LogBatch)
        case save(SnapshotJob)
    }

    struct Transfer {
        let to: MemberID
        let message: RaftMessage
        let snapshot: StoreSnapshot
        let token: RequestToken

        /// The file that is sent.
        func bytes() throws -> Bytes { try snapshot.read(offset: 0, count: snapshot.byteCount) }
    }

    let disk: SimulatedDisk
    let clock: SimulatedClock
    let node: Node
    let writer: WALWriter
    var logJobs: [LogJob] = []
    var committer: BoltCommitter?
    var longReads: [(token: RequestToken, read: LongRead)] = []
    /// All snapshots opened, in the order in which they were.
    private(set) var snapshots: [(token: RequestToken, snapshot: StoreSnapshot)] = []
    private(set) var progresses: [NodeProgress] = []
    /// All messages to other members, in the order in which they were sent, until they are taken.
    var sent: [RaftMessage] = []
    var questions: [PeerQuestion] = []
    /// The other members, as they were last made known.
    private(set) var peers: [Peer] = []
    /// All answers, in the order in which they were given.
    private(set) var replies: [(token: RequestToken, result: Result<Reply, EtcdError>)] = []
    var readyStreams: [RequestToken] = []
    /// Snapshots that leaders sent and that are yet to be opened.
    var preparations: [SnapshotPreparation] = []
    var disposals: [StoreDisposal] = []
    private(set) var refusals: [String] = []
    private(set) var installed: [LogIndex] = []
    /// Snapshots for other members, in the order in which they were given out.
    private var transfers: [Transfer] = []
    private(set) var readyCount = 0
    private(set) var stops: [NodeError] = []
    /// Called with each effect as it is given out.
    var onEffect: ((NodeEffect) -> Void)?
    private var nextToken: UInt64 = 1

    static var settings: NodeSettings {
        var settings = NodeSettings(dataDirectory: "/data")
        settings.logSettings.segmentByteCount = 16_000
        return settings
    }

    /// Opens a data directory and starts; nothing is carried out yet.
    init(
        disk: SimulatedDisk = SimulatedDisk(),
        clock: SimulatedClock = SimulatedClock(unixNanoseconds: 1_700_000_000_000_000_000),
        settings: NodeSettings = TestMember.settings, isStarted: Bool = true
    ) throws {
        self.disk = disk
        self.clock = clock
        let opened = try Node.open(
            disk: disk, settings: settings, monotonicNanoseconds: clock.monotonicNanoseconds(),
            unixNanoseconds: clock.unixNanoseconds())
        node = opened.node
        writer = opened.writer
        if isStarted {
            node.start()
            pump()
        }
    }

    /// A member that serves.
    static func ready(
        disk: SimulatedDisk = SimulatedDisk(), settings: NodeSettings = TestMember.settings
    ) throws -> TestMember {
        let member = try TestMember(disk: disk, settings: settings)
        member.settle()
        #expect(member.readyCount == 1)
        return member
    }

    // MARK: Effects

    /// Takes the effects, to be carried out when the test says so.
    func pump() {
        for effect in node.takeEffects() {
            onEffect?(effect)
            switch effect {
            case .writeLog(let batch): logJobs.append(.write(batch))
            case .saveSnapshot(let job): logJobs.append(.save(job))
            case .commitStore(let started):
                #expect(committer == nil, "one commit at a time")
                committer = started
            case .longRead(let token, let read): longReads.append((token, read))
            case .streamReady(let token): readyStreams.append(token)
            case .snapshotOpened(let token, let snapshot): snapshots.append((token, snapshot))
            case .progress(let progress): progresses.append(progress)
            case .send(let messages): sent += messages
            case .sendSnapshot(let member, let message, let snapshot, let token):
                transfers.append(Transfer(to: member, message: message, snapshot: snapshot, token: token))
            case .prepareSnapshot(let preparation): preparations.append(preparation)
            case .dispose(let disposal): disposals.append(disposal)
            case .snapshotRefused(let reason): refusals.append(reason)
            case .snapshotInstalled(let index): installed.append(index)
            case .peersChanged(let peers): self.peers = peers
            case .askPeer(let question): questions.append(question)
            case .reply(let token, let result): replies.append((token, result))
            case .ready: readyCount += 1
            case .stop(let error): stops.append(error)
            }
        }
    }

    /// Does the log thread's next job.
    func runLog() {
        do throws(NodeError) {
            switch logJobs.removeFirst() {
            case .write(let batch):
                try batch.write(to: writer)
                node.logSynced(batch.lastIndex)
            case .save(let job):
                try job.run(disk: disk, writer: writer)
                node.snapshotSaved()
            }
        } catch {
            node.failed(error)
        }
        pump()
    }

    /// Takes one step of the running commit. Answers whether it is done.
    @discardableResult
    func stepStore() -> Bool {
        guard var running = committer else { return true }
        committer = nil
        do throws(BoltError) {
            if let outcome = try running.step() {
                node.storeCommitted(outcome)
            } else {
                committer = running
            }
        } catch {
            node.failed(NodeError(error))
        }
        pump()
        return committer == nil
    }

    func runStore() {
        guard var running = committer else { return }
        committer = nil
        do throws(BoltError) {
            node.storeCommitted(try running.run())
        } catch {
            node.failed(NodeError(error))
        }
        pump()
    }

    func runReader() {
        let (token, read) = longReads.removeFirst()
        node.longReadFinished(read, token, read.run())
        pump()
    }

    /// Snapshots for other members since the last call.
    func takeTransfers() -> [Transfer] {
        defer { transfers = [] }
        return transfers
    }

    var hasInstallerJobs: Bool { !preparations.isEmpty || !disposals.isEmpty }

    /// Opens the next snapshot that a leader sent, or lets go of something.
    func runInstaller() {
        if !preparations.isEmpty {
            node.snapshotPrepared(preparations.removeFirst().run(disk: disk))
        } else if !disposals.isEmpty {
            disposals.removeFirst().run(disk: disk)
        }
        pump()
    }

    func advance(milliseconds: UInt64) {
        // As a loop does after each round: what happened until now did not happen later.
        node.tick(now: clock.monotonicNanoseconds())
        clock.advance(nanoseconds: milliseconds * 1_000_000)
        node.tick(now: clock.monotonicNanoseconds())
        pump()
    }

    /// Carries everything out until nothing is left to do at this time.
    func settle() {
        while stops.isEmpty {
            if !logJobs.isEmpty {
                runLog()
            } else if committer != nil {
                runStore()
            } else if !longReads.isEmpty {
                runReader()
            } else if hasInstallerJobs {
                runInstaller()
            } else {
                return
            }
        }
    }

    /// Brings all that is applied into the store's file.
    func commit() {
        settle()
        advance(milliseconds: 100)
        settle()
        #expect(node.store.committedIndex == node.store.appliedIndex)
    }

    // MARK: Clients

    func token() -> RequestToken {
        defer { nextToken += 1 }
        return RequestToken(rawValue: nextToken)
    }

    func propose(_ proposal: Proposal) -> RequestToken {
        let token = token()
        node.propose(proposal, token)
        pump()
        return token
    }

    @discardableResult
    func put(_ key: String, _ value: Bytes = [], lease: Int64 = 0) -> RequestToken {
        var request = PutRequest()
        request.key = Bytes(text: key)
        request.value = value
        request.lease = lease
        return propose(Proposal(.put, request))
    }

    func compact(_ revision: Int64, physical: Bool = false) -> RequestToken {
        var request = CompactionRequest()
        request.revision = revision
        request.physical = physical
        return propose(Proposal(.compaction, request))
    }

    func range(_ key: String, serializable: Bool = false) -> RequestToken {
        var request = RangeRequest()
        request.key = Bytes(text: key)
        request.serializable = serializable
        let token = token()
        node.range(request, token)
        pump()
        return token
    }

    func hashKV(_ revision: Int64 = 0) -> RequestToken {
        let token = token()
        node.hashKV(revision: revision, token)
        pump()
        return token
    }

    /// The answer to a request; nil if there is none yet.
    func reply(to token: RequestToken) -> Result<Reply, EtcdError>? {
        let found = replies.filter { $0.token == token }
        #expect(found.count <= 1, "a request is answered once")
        return found.first?.result
    }

    func isAnswered(_ token: RequestToken) -> Bool { reply(to: token) != nil }

    func rangeResponse(to token: RequestToken) throws -> RangeResponse {
        try RangeResponse(decoding: #require(try reply(to: token)?.get()).body)
    }

    // MARK: Disk

    /// What a loss of power would leave now.
    func crashed(_ policy: CrashPolicy = .loseAllUnsynced) -> SimulatedDisk {
        var entropy = SeededEntropy(seed: UInt64(disk.operationCount))
        return disk.crashClone(policy, entropy: &entropy)
    }

    /// The last entry that the log on a disk holds.
    static func lastLogIndex(on disk: SimulatedDisk) throws -> UInt64 {
        let contents = try WALReader.readToAppend(
            disk: disk, directory: "/data/member/wal",
            from: WALReader.validSnapshots(disk: disk, directory: "/data/member/wal").last)
        return contents.lastIndex.rawValue
    }

    /// The last state that the log on a disk holds.
    static func hardState(on disk: SimulatedDisk) throws -> HardState {
        try WALReader.readToAppend(
            disk: disk, directory: "/data/member/wal",
            from: WALReader.validSnapshots(disk: disk, directory: "/data/member/wal").last
        ).hardState
    }

    /// Opens the store's file on a disk, as it is.
    static func withStore<Result>(on disk: SimulatedDisk, _ body: (Store) throws -> Result) throws -> Result {
        let store = try Store.open(disk: disk, path: "/data/member/snap/db")
        defer { store.close() }
        return try body(store)
    }

    func close() {
        node.close()
        writer.close()
    }
}

extension Store {
    /// How many records a bucket has.
    func recordCount(_ bucket: Bucket) throws -> Int {
        var count = 0
        try scan(bucket, from: [], to: nil) { _, _ in
            count += 1
            return true
        }
        return count
    }
}
