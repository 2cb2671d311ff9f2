internal import BoltStore
internal import ClientAPI
internal import Environment
internal import GRPCCore
internal import HTTPAPI
internal import Logging
internal import MVCC
internal import Node
internal import Platform
internal import Primitives
internal import Raft

/// One member as a process: the core on this thread, and the threads that carry out its effects.
final class Server {
    private let configuration: ServerConfiguration
    private let clock: RealClock
    private let shutdown: ShutdownRequest
    private let log = Logger(label: "martlet")

    init(configuration: ServerConfiguration, clock: RealClock, shutdown: ShutdownRequest) {
        self.configuration = configuration
        self.clock = clock
        self.shutdown = shutdown
    }

    /// Serves until told to end. Answers the process's exit code.
    func run() -> Int32 {
        do {
            return try serve()
        } catch {
            log.critical("discovery failed", metadata: ["error": "\(error)"])
            return 1
        }
    }

    private func serve() throws -> Int32 {
        announce()
        // The core's own lines would stand between ours, in a form that no tool reads.
        GRPCLog.redirect { severity, text in
            Logger(label: "grpc").log(level: severity == .error ? .error : .debug, "\(text)")
        }
        let server = try GRPCServer(methods: EtcdMethod.registrations, settings: configuration.grpc)
        defer { server.close() }
        let mailbox = LoopMailbox(waker: server.waker)
        let http = HTTPServer { mailbox.put(.http($0)) }
        defer { http.close() }
        let acceptor = try Acceptor(settings: AcceptorSettings(), port: server.connectionPort, sink: http)
        defer { acceptor.close() }
        // Before the data directory is touched: two servers with the same flags are told apart by their ports first.
        for address in configuration.clientAddresses { try listen(acceptor, on: address) }
        let disk = RealDisk()
        let opened = try open(disk)
        defer { opened.node.close() }
        let loop = NodeLoop(
            node: opened.node, writer: opened.writer, disk: disk, server: server, http: http, acceptor: acceptor,
            mailbox: mailbox, services: configuration.services, clock: clock)
        shutdown.attach(mailbox)
        return loop.run()
    }

    private func announce() {
        let settings = configuration.node
        for note in configuration.notes { log.warning("\(note)") }
        log.info(
            "starting a Martlet server",
            metadata: [
                "etcd-version": "\(EtcdVersion.presented)", "martlet-version": "\(MartletVersion.current)",
                "name": "\(settings.name)", "data-dir": "\(settings.dataDirectory)",
                "wal-dir": "\(settings.logDirectory)",
                "advertise-client-urls": .array(settings.clientURLs.map { .string($0) }),
            ])
    }

    private func listen(_ acceptor: Acceptor, on address: ListenAddress) throws(ListenError) {
        do throws(GRPCError) {
            try acceptor.listen(on: address)
        } catch {
            throw ListenError(address: address, cause: error)
        }
    }

    private func open(_ disk: RealDisk) throws(NodeError) -> Node.Opened {
        let opened = try Node.open(
            disk: disk, settings: configuration.node, monotonicNanoseconds: clock.monotonicNanoseconds(),
            unixNanoseconds: clock.unixNanoseconds())
        for note in opened.notes { log.warning("\(note)") }
        let node = opened.node
        log.info(
            "opened the data directory",
            metadata: [
                "local-member-id": "\(node.memberID)", "cluster-id": "\(node.clusterID)",
                "applied-index": .stringConvertible(node.raft.log.appliedIndex.rawValue),
                "current-revision": .stringConvertible(node.mvcc.currentRevision),
            ])
        return opened
    }
}
