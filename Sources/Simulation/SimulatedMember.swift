internal import BoltStore
internal import Environment
internal import EtcdMessages
internal import Node
internal import Primitives
internal import Raft
internal import SimulatedPlatform
internal import Store
internal import WriteAheadLog

/// One member on a simulated machine: the core, and its effects as events that the simulation lets happen when it
/// likes.
///
/// The shell of a real member has a thread for the log, one for the store's file and one for long reads. Here each is a
/// queue, and the simulation picks which of them goes a step further.
final class SimulatedMember {
    /// The queues that can go on.
    enum Actor: CaseIterable {
        case log, store, reader, installer
    }

    private enum LogJob {
        case write(LogBatch)
        case save(SnapshotJob)
    }

    let disk: SimulatedDisk
    let clock: SimulatedClock
    private let settings: NodeSettings
    private(set) var node: Node
    private let writer: WALWriter
    private var logJobs: [LogJob] = []
    private var committer: BoltCommitter?
    private var reads: [(token: RequestToken, read: LongRead)] = []
    private var preparations: [SnapshotPreparation] = []
    private var disposals: [StoreDisposal] = []
    /// Snapshots opened and not yet read.
    private var snapshots: [(token: RequestToken, snapshot: StoreSnapshot, bytes: Bytes)] = []
    private var openedSnapshots: [RequestToken] = []
    private var readSnapshots: [(token: RequestToken, bytes: Bytes)] = []
    /// Answers to clients since they were last taken, in the order in which they were given.
    private var replies: [(token: RequestToken, result: Result<Reply, EtcdError>)] = []
    /// Watch streams that have a message.
    private var readyStreams: [RequestToken] = []
    /// Leases whose end the member itself put into the log since they were last taken.
    private var revocations: [LeaseID] = []
    private(set) var isReady = false
    /// Why the member stopped; nil while it runs.
    private(set) var stopError: NodeError?

    /// Starts a member on a disk, as a process does.
    init(disk: SimulatedDisk, clock: SimulatedClock, settings: NodeSettings) throws(NodeError) {
        self.disk = disk
        self.clock = clock
        self.settings = settings
        let opened = try Node.open(
            disk: disk, settings: settings, monotonicNanoseconds: clock.monotonicNanoseconds(),
            unixNanoseconds: clock.unixNanoseconds())
        node = opened.node
        writer = opened.writer
        // Whatever happened before, the file must be whole at every start.
        do throws(StoreError) {
            try node.store.check()
        } catch {
            throw .store(error)
        }
        node.start()
        takeEffects()
    }

    // MARK: Events

    /// Actors that have something to do.
    var runnableActors: [Actor] {
        guard stopError == nil else { return [] }
        return Actor.allCases.filter { actor in
            switch actor {
            case .log: !logJobs.isEmpty
            case .store: committer != nil
            case .reader: !reads.isEmpty || !snapshots.isEmpty
            case .installer: !preparations.isEmpty || !disposals.isEmpty
            }
        }
    }

    /// Lets an actor do one thing: write a batch, take a step of a commit, do a long read.
    func run(_ actor: Actor) {
        switch actor {
        case .log: runLog()
        case .store: runStore()
        case .reader:
            if reads.isEmpty {
                readSnapshot()
            } else {
                let (token, read) = reads.removeFirst()
                node.longReadFinished(read, token, read.run())
            }
        case .installer:
            if preparations.isEmpty {
                disposals.removeFirst().run(disk: disk)
            } else {
                node.snapshotPrepared(preparations.removeFirst().run(disk: disk))
            }
        }
        takeEffects()
    }

    /// Reads a piece of the oldest snapshot.
    private func readSnapshot() {
        var (token, snapshot, bytes) = snapshots.removeFirst()
        do throws(StoreError) {
            bytes += try snapshot.read(offset: bytes.count, count: 16 << 10)
        } catch {
            node.failed(.store(error))
            return
        }
        guard bytes.count == snapshot.byteCount else {
            snapshots.append((token, snapshot, bytes))
            return
        }
        node.closeSnapshot(token)
        readSnapshots.append((token, bytes))
    }

    private func runLog() {
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
    }

    private func runStore() {
        guard var running = committer else { return }
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
    }

    func advance(nanoseconds: UInt64) {
        // As a loop does after each round: what happened until now did not happen later.
        node.tick(now: clock.monotonicNanoseconds())
        clock.advance(nanoseconds: nanoseconds)
        node.tick(now: clock.monotonicNanoseconds())
        takeEffects()
    }

    func propose(_ proposal: Proposal, _ token: RequestToken) {
        node.propose(proposal, token)
        takeEffects()
    }

    func range(_ request: RangeRequest, _ token: RequestToken) {
        node.range(request, token)
        takeEffects()
    }

    func hashKV(revision: Int64, _ token: RequestToken) {
        node.hashKV(revision: revision, token)
        takeEffects()
    }

    func keepLeaseAlive(_ id: LeaseID, _ token: RequestToken) {
        node.keepLeaseAlive(id, token)
        takeEffects()
    }

    /// Leases whose end the member itself put into the log since the last call, behind all that clients proposed.
    func takeRevocations() -> [LeaseID] {
        defer { revocations = [] }
        return revocations
    }

    func defragment(_ token: RequestToken) {
        node.defragment(token)
        takeEffects()
    }

    func openSnapshot(_ token: RequestToken) {
        node.openSnapshot(token)
        takeEffects()
    }

    /// The snapshots opened since the last call.
    func takeOpenedSnapshots() -> [RequestToken] {
        defer { openedSnapshots = [] }
        return openedSnapshots
    }

    /// The snapshots read to their ends since the last call.
    func takeReadSnapshots() -> [(token: RequestToken, bytes: Bytes)] {
        defer { readSnapshots = [] }
        return readSnapshots
    }

    /// The answers given since the last call.
    func takeReplies() -> [(token: RequestToken, result: Result<Reply, EtcdError>)] {
        defer { replies = [] }
        return replies
    }

    /// The streams that were said to have a message since the last call.
    func takeReadyStreams() -> [RequestToken] {
        defer { readyStreams = [] }
        return readyStreams
    }

    /// Goes on until clients can be served, and all that the log holds is applied.
    func settle() {
        for _ in 0..<10_000 where !isReady && stopError == nil {
            if let actor = runnableActors.first { run(actor) } else { advance(nanoseconds: 1_000_000) }
        }
    }

    /// The hash at a revision, at once.
    func hashNow(revision: Int64) throws(SimulationFailure) -> HashKVResponse {
        let token = RequestToken(rawValue: .max)
        node.hashKV(revision: revision, token)
        takeEffects()
        while runnableActors.contains(.reader) { run(.reader) }
        guard let position = replies.firstIndex(where: { $0.token == token }) else {
            throw SimulationFailure("a hash was not answered")
        }
        guard case .success(let reply) = replies.remove(at: position).result,
            let response = try? HashKVResponse(decoding: reply.body)
        else { throw SimulationFailure("the hash at \(revision) was refused") }
        return response
    }

    /// Ends the member as a process that is told to: what is not written is lost, as with any end.
    func close() {
        node.close()
        writer.close()
    }

    private func noteRevocations(after index: LogIndex) {
        for entry in node.raft.log.entries(after: index, through: node.raft.log.lastIndex) {
            guard let request = try? InternalRaftRequest(decoding: entry.data ?? []),
                case .leaseRevoke(let revoke)? = request.operation
            else { continue }
            revocations.append(LeaseID(revoke.id))
        }
    }

    private func takeEffects() {
        guard stopError == nil else { return }
        let lastIndex = node.raft.log.lastIndex
        let effects = node.takeEffects()
        noteRevocations(after: lastIndex)
        for effect in effects {
            switch effect {
            case .writeLog(let batch): logJobs.append(.write(batch))
            case .saveSnapshot(let job): logJobs.append(.save(job))
            case .commitStore(let started): committer = started
            case .longRead(let token, let read): reads.append((token, read))
            case .streamReady(let token): readyStreams.append(token)
            case .snapshotOpened(let token, let snapshot):
                snapshots.append((token, snapshot, []))
                openedSnapshots.append(token)
            case .prepareSnapshot(let preparation): preparations.append(preparation)
            case .dispose(let disposal): disposals.append(disposal)
            case .progress, .snapshotRefused, .snapshotInstalled, .send, .sendSnapshot, .peersChanged, .askPeer: break
            case .reply(let token, let result): replies.append((token, result))
            case .ready: isReady = true
            case .stop(let error): stopError = error
            }
        }
    }
}
