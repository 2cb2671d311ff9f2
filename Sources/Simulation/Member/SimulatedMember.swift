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
    enum Actor: Int, CaseIterable {
        case log, store, reader, installer
    }

    private enum LogJob {
        /// Whether it is still to be reported when it is done.
        case write(LogBatch, isReported: Bool)
        case save(SnapshotJob)
    }

    private enum InstallerJob {
        case prepare(SnapshotPreparation)
        case dispose(StoreDisposal)
    }

    /// What is to go to other members.
    struct Outgoing {
        var messages: [RaftMessage] = []
        var snapshots: [(to: MemberID, message: RaftMessage, snapshot: StoreSnapshot, token: RequestToken)] = []
        var questions: [PeerQuestion] = []
    }

    let disk: SimulatedDisk
    let clock: SimulatedClock
    private let settings: NodeSettings
    private(set) var node: Node
    private let writer: WALWriter
    private var logJobs: [LogJob] = []
    private var committer: BoltCommitter?
    /// Whether there is one: to ask that of itself would copy it, after every event.
    private var isCommitting = false
    private var reads: [(token: RequestToken, read: LongRead)] = []
    private var installerJobs: [InstallerJob] = []
    /// Snapshots opened and not yet read.
    private var snapshots: [(token: RequestToken, snapshot: StoreSnapshot, bytes: Bytes)] = []
    private var openedSnapshots: [RequestToken] = []
    private var readSnapshots: [(token: RequestToken, bytes: Bytes)] = []
    /// Answers to clients since they were last taken, in the order in which they were given.
    private var replies: [(token: RequestToken, result: Result<Reply, EtcdError>)] = []
    /// Watch streams that have a message.
    private var readyStreams: [RequestToken] = []
    /// A revocation that the member itself put into the log.
    struct Revocation {
        var id: LeaseID
        var index: UInt64
        var term: UInt64
    }

    /// Those since they were last taken.
    private var revocations: [Revocation] = []
    /// Entries applied since they were last taken, in order.
    private var appliedEntries: [RaftEntry] = []
    private var outgoing = Outgoing()
    private(set) var isReady = false
    /// Why the member stopped; nil while it runs.
    private(set) var stopError: NodeError?

    /// A start takes time: no two processes of a member begin at the same moment of both clocks.
    private static let startNanoseconds: UInt64 = 1000

    /// Starts a member on a disk, as a process does.
    init(disk: SimulatedDisk, clock: SimulatedClock, settings: NodeSettings) throws(NodeError) {
        self.disk = disk
        self.clock = clock
        self.settings = settings
        clock.advance(nanoseconds: Self.startNanoseconds)
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
        // What it applied as it was opened counts as well.
        let log = node.raft.log
        appliedEntries = Array(log.entries(after: log.compactedIndex, through: log.appliedIndex))
        node.start()
        takeEffects()
    }

    // MARK: Events

    /// Actors that have something to do.
    var runnableActors: [Actor] {
        Actor.allCases.filter { isRunnable($0) }
    }

    /// Whether an actor has something to do.
    func isRunnable(_ actor: Actor) -> Bool {
        guard stopError == nil else { return false }
        return switch actor {
        case .log: !logJobs.isEmpty
        case .store: isCommitting
        case .reader: !reads.isEmpty || !snapshots.isEmpty
        case .installer: !installerJobs.isEmpty
        }
    }

    /// The batch that is written to the log next; nil if that is something else, or nothing.
    var nextBatch: LogBatch? {
        if case .write(let batch, _)? = logJobs.first { batch } else { nil }
    }

    /// Whether the log's next job is to record a snapshot that the member made.
    var savesSnapshotNext: Bool {
        if case .save? = logJobs.first { true } else { false }
    }

    /// Lets an actor do one thing: write a batch, take a step of a commit, do a long read.
    ///
    /// - Returns: the batch that is now on the disk, if one is.
    @discardableResult
    func run(_ actor: Actor) -> LogBatch? {
        var written: LogBatch?
        switch actor {
        case .log: written = runLog()
        case .store: runStore()
        case .reader:
            if reads.isEmpty {
                readSnapshot()
            } else {
                let (token, read) = reads.removeFirst()
                node.longReadFinished(read, token, read.run())
            }
        case .installer:
            switch installerJobs.removeFirst() {
            case .prepare(let preparation): node.snapshotPrepared(preparation.run(disk: disk))
            case .dispose(let disposal): disposal.run(disk: disk)
            }
        }
        takeEffects()
        return written
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

    private func runLog() -> LogBatch? {
        do throws(NodeError) {
            switch logJobs.removeFirst() {
            case .write(let batch, let isReported):
                do throws(NodeError) {
                    try batch.write(to: writer)
                } catch {
                    #if Simulation
                    guard Canary.syncErrorsAreIgnored.isChosen else { throw error }
                    #else
                    throw error
                    #endif
                }
                if isReported { node.logSynced(batch.lastIndex) }
                return batch
            case .save(let job):
                try job.run(disk: disk, writer: writer)
                node.snapshotSaved()
            }
        } catch {
            node.failed(error)
        }
        return nil
    }

    /// Has a batch written.
    private func write(_ batch: LogBatch) {
        #if Simulation
        if node.raft.role == .leader ? Canary.leadersCountEarly.isChosen : Canary.followersAnswerEarly.isChosen {
            logJobs.append(.write(batch, isReported: false))
            node.logSynced(batch.lastIndex)
            return
        }
        #endif
        logJobs.append(.write(batch, isReported: true))
    }

    private func runStore() {
        if let end = stepStore() { storeEnded(end) }
    }

    /// Takes a step of the commit that is running: one operation on the disk.
    ///
    /// - Returns: what the core is to be told, once there is something.
    func stepStore() -> Result<BoltCommitter.Outcome, BoltError>? {
        guard var running = committer.take() else { return nil }
        isCommitting = false
        do throws(BoltError) {
            if let outcome = try running.step() { return .success(outcome) }
            committer = running
            isCommitting = true
            return nil
        } catch {
            return .failure(error)
        }
    }

    /// Tells the core how a commit ended.
    func storeEnded(_ end: Result<BoltCommitter.Outcome, BoltError>) {
        switch end {
        case .success(let outcome): node.storeCommitted(outcome)
        case .failure(let error): node.failed(NodeError(error))
        }
    }

    func advance(nanoseconds: UInt64) {
        // As a loop does after each round: what happened until now did not happen later.
        node.tick(now: clock.monotonicNanoseconds())
        clock.advance(nanoseconds: nanoseconds)
        node.tick(now: clock.monotonicNanoseconds())
        takeEffects()
    }

    /// Has the member see what time its clock shows.
    func tick() {
        noteTime()
        takeEffects()
    }

    /// The same of a member to which something happens next, with which what follows is taken: `act`.
    func noteTime() {
        guard stopError == nil else { return }
        node.tick(now: clock.monotonicNanoseconds())
    }

    /// Does something to the core, and takes what follows from it.
    func act(_ action: (Node) -> Void) {
        guard stopError == nil else { return }
        action(node)
        takeEffects()
    }

    /// What is to go to other members since the last call.
    func takeOutgoing() -> Outgoing {
        defer { outgoing = Outgoing() }
        return outgoing
    }

    /// The entries applied since the last call, in order.
    func takeAppliedEntries() -> [RaftEntry] {
        if appliedEntries.isEmpty { return [] }
        defer { appliedEntries = [] }
        return appliedEntries
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
    func takeRevocations() -> [Revocation] {
        if revocations.isEmpty { return [] }
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
        if openedSnapshots.isEmpty { return [] }
        defer { openedSnapshots = [] }
        return openedSnapshots
    }

    /// The snapshots read to their ends since the last call.
    func takeReadSnapshots() -> [(token: RequestToken, bytes: Bytes)] {
        if readSnapshots.isEmpty { return [] }
        defer { readSnapshots = [] }
        return readSnapshots
    }

    /// The answers given since the last call.
    func takeReplies() -> [(token: RequestToken, result: Result<Reply, EtcdError>)] {
        if replies.isEmpty { return [] }
        defer { replies = [] }
        return replies
    }

    /// The streams that were said to have a message since the last call.
    func takeReadyStreams() -> [RequestToken] {
        if readyStreams.isEmpty { return [] }
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

    private func save(_ job: SnapshotJob) {
        #if Simulation
        if Canary.segmentsGoEarly.isChosen {
            // As if power were lost between the two.
            loseSegments()
            return
        }
        #endif
        logJobs.append(.save(job))
    }

    #if Simulation
    /// Removes the log's segments but the last.
    private func loseSegments() {
        let directory = settings.logDirectory
        let names = ((try? disk.list(directory)) ?? []).filter { $0.hasSuffix(".wal") }
        for name in names.dropLast() { try? disk.remove("\(directory)/\(name)") }
        try? disk.syncDirectory(directory)
    }
    #endif

    /// Notes what the member itself put into the log to end a lease: only who leads may.
    private func noteRevocations(after index: LogIndex) {
        guard node.raft.role == .leader else { return }
        guard index >= node.raft.log.compactedIndex, index < node.raft.log.lastIndex else { return }
        let log = node.raft.log
        for entry in log.entries(after: index, through: log.lastIndex) {
            guard let request = try? InternalRaftRequest(decoding: entry.data ?? []),
                case .leaseRevoke(let revoke)? = request.operation
            else { continue }
            revocations.append(Revocation(id: LeaseID(revoke.id), index: entry.index, term: entry.term))
        }
    }

    /// Keeps the entries that a round applied. They were in the log before, or still are.
    private func noteApplied(after index: LogIndex, waiting: [RaftEntry]) {
        let last = node.raft.log.appliedIndex.rawValue
        guard last > index.rawValue else { return }
        appliedEntries += waiting.prefix { $0.index <= last }
        let log = node.raft.log
        let noted = max(index.rawValue + UInt64(waiting.count), log.compactedIndex.rawValue)
        guard noted < last else { return }
        appliedEntries += log.entries(after: LogIndex(noted), through: LogIndex(last))
    }

    private func takeEffects() {
        guard stopError == nil else { return }
        // While a snapshot is installed the log begins behind it.
        let (applied, last) = (max(node.raft.log.appliedIndex, node.raft.log.compactedIndex), node.raft.log.lastIndex)
        // A copy: a slice of the log would have it copied as a whole by the next entry that comes.
        let waiting = applied < last ? Array(node.raft.log.entries(after: applied, through: last)) : []
        let effects = node.takeEffects()
        noteRevocations(after: last)
        noteApplied(after: applied, waiting: waiting)
        for effect in effects {
            switch effect {
            case .writeLog(let batch): write(batch)
            case .saveSnapshot(let job): save(job)
            case .commitStore(let started):
                committer = started
                isCommitting = true
            case .longRead(let token, let read): reads.append((token, read))
            case .streamReady(let token): readyStreams.append(token)
            case .snapshotOpened(let token, let snapshot):
                snapshots.append((token, snapshot, []))
                openedSnapshots.append(token)
            case .prepareSnapshot(let preparation): installerJobs.append(.prepare(preparation))
            case .dispose(let disposal): installerJobs.append(.dispose(disposal))
            case .send(let messages): outgoing.messages += messages
            case .sendSnapshot(let to, let message, let snapshot, let token):
                outgoing.snapshots.append((to, message, snapshot, token))
            case .askPeer(let question): outgoing.questions.append(question)
            case .peersChanged, .progress, .snapshotRefused, .snapshotInstalled: break
            case .reply(let token, let result): replies.append((token, result))
            case .ready: isReady = true
            case .stop(let error): stopError = error
            }
        }
    }
}
