internal import Apply
internal import BoltStore
internal import ClientAPI
internal import Environment
internal import GRPCCore
internal import HTTPAPI
internal import Logging
internal import Membership
internal import Node
internal import PeerTransport
internal import Platform
internal import Primitives
internal import Raft
internal import WriteAheadLog

/// The loop that owns the core: it takes clients' calls and other threads' events to the node, and carries out its
/// effects.
///
/// It runs on the thread of gRPC's completion queue, so that a read is answered where it arrived.
final class NodeLoop {
    let node: Node
    let peers: PeerTransport
    let peerServices: PeerServices
    private let server: GRPCServer
    private let acceptor: Acceptor
    private let services: EtcdServices
    private let http: HTTPServer
    private let httpServices: HTTPServices
    private let metrics: ServerMetrics
    private let mailbox: LoopMailbox
    private let clock: RealClock
    private let logger = Logger(label: "martlet")
    private let logThread: LogThread
    private let storeThread: Worker<BoltCommitter>
    private let readThread: Worker<ReadJob>
    private let installThread: Worker<InstallJob>
    /// Why the process must end although nobody asked for it; nil while all is well.
    private var failure: String?
    private var isTerminating = false
    /// Whether the cluster goes on without this member.
    private var isRemoved = false
    /// `--warning-apply-duration`, in nanoseconds.
    private let applyWarningNanoseconds: UInt64
    private var compactionLog = CompactionLog()
    private var clusterLog = ClusterLog()
    private var defragmentationLog = DefragmentationLog()

    private enum ReadJob: Sendable {
        case long(RequestToken, LongRead)
        case snapshot(SnapshotRead)
    }

    /// What a snapshot that a leader sends takes beside the log's part.
    private enum InstallJob: Sendable {
        case prepare(SnapshotPreparation)
        case dispose(StoreDisposal)
    }

    /// Longest time in nanoseconds that the loop sleeps with nothing to do.
    private static let idleTimeout: UInt64 = 100_000_000
    /// How long in nanoseconds calls under way may take to end once the process was asked to.
    private static let drainTimeout: UInt64 = 5_000_000_000

    init(
        node: Node, peers: PeerTransport, writer: WALWriter, disk: any Disk, server: GRPCServer, http: HTTPServer,
        acceptor: Acceptor, mailbox: LoopMailbox, configuration: ServerConfiguration,
        services serviceSettings: EtcdServicesSettings, clock: RealClock
    ) {
        self.node = node
        self.peers = peers
        peerServices = PeerServices(member: node)
        self.server = server
        self.acceptor = acceptor
        self.clock = clock
        services = EtcdServices(node: node, server: server, settings: serviceSettings)
        let metrics = ServerMetrics(
            node: node, server: server, services: services, peerCounts: peers.counts, clock: clock,
            features: configuration.features, isExtensive: configuration.grpc.measuresHandling)
        self.metrics = metrics
        applyWarningNanoseconds = configuration.applyWarningNanoseconds
        node.measurements.slowApplyNanoseconds = applyWarningNanoseconds
        self.http = http
        httpServices = HTTPServices(member: node) { metrics.scrape($0) }
        self.mailbox = mailbox
        logThread = LogThread(writer: writer, disk: disk, mailbox: mailbox, clock: clock)
        storeThread = Worker(name: "store") {
            { committer, _ in
                do throws(BoltError) {
                    mailbox.put(try Self.commit(committer, clock))
                } catch {
                    mailbox.put(.failed(NodeError(error)))
                }
            }
        }
        readThread = Worker(name: "reader") {
            { job, _ in
                switch job {
                case .long(let token, let read):
                    let start = clock.monotonicNanoseconds()
                    let result = read.run()
                    let time = clock.monotonicNanoseconds() - start
                    mailbox.put(.longReadFinished(read, token, result, nanoseconds: time))
                case .snapshot(let read): mailbox.put(.snapshotRead(read, read.run()))
                }
            }
        }
        installThread = Worker(name: "install") {
            { job, _ in
                switch job {
                case .prepare(let preparation): mailbox.put(.snapshotPrepared(preparation.run(disk: disk)))
                case .dispose(let disposal): disposal.run(disk: disk)
                }
            }
        }
    }

    /// Runs a committer to its end, on the thread that writes the store's file.
    private static func commit(_ committer: BoltCommitter, _ clock: RealClock) throws(BoltError) -> LoopEvent {
        var committer = committer
        let start = clock.monotonicNanoseconds()
        // The first step makes the pages, the others write them.
        if try committer.step() != nil { unreachable("a transaction without a write") }
        let planned = clock.monotonicNanoseconds()
        let outcome = try committer.run()
        let timing = CommitTiming(
            planNanoseconds: planned - start, writeNanoseconds: clock.monotonicNanoseconds() - planned)
        return .storeCommitted(outcome, timing)
    }

    /// Serves until the process is asked to end or the node stops. Answers the exit code. No thread of its own is left,
    /// but servers, acceptor and node are for the caller to close.
    func run() -> Int32 {
        node.start()
        while !isTerminating && !isRemoved && failure == nil { turn() }
        while node.isTransferringLeadership && failure == nil { turn() }
        acceptor.close()
        drain()
        logThread.stop()
        storeThread.stop()
        readThread.stop()
        installThread.stop()
        if let failure {
            logger.critical("the member had to stop", metadata: ["error": "\(failure)"])
            return 1
        }
        if isRemoved {
            // etcd ends with success as well: nothing went wrong, and it must not be started again.
            logger.warning("server error", metadata: ["error": "\(NodeError.removed)"])
            logger.warning("data-dir used by this member must be removed")
        }
        logger.info("stopped")
        return 0
    }

    /// One round: what is due, then what comes.
    private func turn() {
        for effect in takeEffects() { perform(effect) }
        for read in services.takeSnapshotReads() { readThread.submit(.snapshot(read)) }
        _ = server.poll(services, timeoutNanoseconds: node.nanosecondsToNextWork(max: Self.idleTimeout))
        for event in mailbox.takeAll() { deliver(event) }
        node.tick(now: clock.monotonicNanoseconds())
        services.tick(now: node.now)
        compactionLog.look(at: node)
        clusterLog.look(at: node)
    }

    /// Lets the calls under way end while the node works, and cuts off those that do not; then has the store's file take
    /// what it does not have yet. What time does not suffice for is in the log.
    private func drain() {
        services.endStreams()
        server.beginDrain()
        http.beginDrain()
        let end = clock.monotonicNanoseconds() + Self.drainTimeout
        while !server.isDrained || !http.isDrained, failure == nil, clock.monotonicNanoseconds() < end { turn() }
        // One that has stopped does nothing any more.
        if node.isStopped { return server.drain(services, timeoutNanoseconds: 0) }
        let freezeCount = node.commitAtOnce()
        while !node.isCommitted(freezeCount: freezeCount), failure == nil, clock.monotonicNanoseconds() < end { turn() }
        server.drain(services, timeoutNanoseconds: 0)
    }

    /// Opens the doors.
    private func serveClients() {
        do throws(GRPCError) {
            try acceptor.start()
            logger.info("ready to serve client requests")
            notifySupervisor()
        } catch {
            failure = "\(error)"
        }
    }

    /// Tells systemd, if it waits for that, that clients are served.
    private func notifySupervisor() {
        switch SystemdNotification.ready(socket: ProcessEnvironment.variables["NOTIFY_SOCKET"]) {
        case .notWanted: break
        case .sent: logger.info("successfully notified init daemon")
        case .failed(let number):
            logger.error("failed to notify systemd for readiness", metadata: ["errno": .stringConvertible(number)])
        }
    }

    /// What the node wants done. Entries are applied on the way, of which a warning is logged if that takes long (etcd v3.6
    /// `server/etcdserver/txn/util.go`).
    private func takeEffects() -> [NodeEffect] {
        let first = node.raft.log.appliedIndex
        let start = clock.monotonicNanoseconds()
        let effects = node.takeEffects()
        let last = node.raft.log.appliedIndex
        guard last > first else { return effects }
        let time = clock.monotonicNanoseconds() - start
        if time > applyWarningNanoseconds {
            logger.warning(
                "apply request took too long",
                metadata: [
                    "took": "\(GoText.duration(Int64(clamping: time)))",
                    "expected-duration": "\(GoText.duration(Int64(clamping: applyWarningNanoseconds)))",
                    "prefix": "", "first-index": .stringConvertible(first.rawValue + 1),
                    "last-index": .stringConvertible(last.rawValue),
                ])
        }
        return effects
    }

    private func perform(_ effect: NodeEffect) {
        switch effect {
        case .writeLog(let batch): logThread.write(batch)
        case .saveSnapshot(let job): logThread.save(job)
        case .commitStore(let committer): storeThread.submit(committer)
        case .longRead(let token, let read): readThread.submit(.long(token, read))
        case .prepareSnapshot(let preparation): installThread.submit(.prepare(preparation))
        case .dispose(let disposal): installThread.submit(.dispose(disposal))
        case .snapshotRefused(let reason):
            logger.warning("refused a snapshot that was sent", metadata: ["reason": "\(reason)"])
        case .snapshotInstalled(let index):
            logger.info("applied snapshot", metadata: ["snapshot-index": .stringConvertible(index.rawValue)])
        case .snapshotOpened(let token, let snapshot): services.snapshotOpened(token, snapshot)
        case .send(let messages): peers.send(messages)
        case .sendSnapshot(let id, let message, let snapshot, let token):
            peers.sendSnapshot(to: id, message, snapshot, token)
        case .peersChanged(let others): peers.setPeers(others, removed: node.applier.cluster.removedMembers)
        case .askPeer(let question): peers.ask(question)
        case .progress(let progress): defragmentationLog.note(progress, of: node)
        case .reply(let token, let result):
            switch token.asker {
            case .call, .recipe: services.answer(token, result)
            case .http: httpServices.answer(token, result)
            case .peer: peerServices.answer(token, result)
            case .member: unreachable("the member keeps what it asked itself")
            }
        case .streamReady(let token): services.streamReady(token)
        case .ready: serveClients()
        case .stop(.removed): isRemoved = true
        case .stop(let error): failure = "\(error)"
        }
    }

    private func deliver(_ event: LoopEvent) {
        switch event {
        case .logSynced(let index, let timing):
            metrics.timings.logWritten(timing)
            node.logSynced(index)
        case .snapshotSaved(let timing):
            metrics.timings.snapshotSaved(timing)
            node.snapshotSaved()
        case .storeCommitted(let outcome, let timing):
            metrics.timings.committed(timing)
            node.storeCommitted(outcome)
        case .longReadFinished(let read, let token, let result, let time):
            metrics.timings.readFinished(read, nanoseconds: time)
            node.longReadFinished(read, token, result)
        case .snapshotPrepared(let prepared): node.snapshotPrepared(prepared)
        case .snapshotRead(let read, let result): services.snapshotRead(read, result)
        case .http(let call): httpServices.ask(call)
        case .peer(let event): deliver(event)
        case .failed(let error): node.failed(error)
        case .terminate(let signal):
            logger.info("received signal; shutting down", metadata: ["signal": "\(signal)"])
            isTerminating = true
            node.transferLeadershipBeforeStop()
        }
    }
}
