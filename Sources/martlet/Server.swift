internal import BoltStore
internal import ClientAPI
internal import Environment
internal import GRPCCore
internal import HTTPAPI
internal import Logging
internal import MVCC
internal import Node
internal import PeerProtocol
internal import PeerTransport
internal import Platform
internal import Primitives
internal import Raft

/// One member as a process: the core on this thread, and the threads that carry out its effects.
final class Server {
    private let configuration: ServerConfiguration
    private let arguments: [String]
    private let clock: RealClock
    private let shutdown: ShutdownRequest
    private let log = Logger(label: "martlet")

    /// - Parameter arguments: the command line, for the log.
    init(configuration: ServerConfiguration, arguments: [String], clock: RealClock, shutdown: ShutdownRequest) {
        self.configuration = configuration
        self.arguments = arguments
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
        let acceptor = try Acceptor(settings: configuration.acceptor, port: server.connectionPort)
        defer { acceptor.close() }
        let disk = RealDisk()
        let peers = PeerTransport(settings: PeerTransportSettings(configuration, disk: disk, clock: clock)) {
            mailbox.put(.peer($0))
        }
        defer { peers.stop() }
        // Before the data directory is touched: two servers with the same flags are told apart by their ports first.
        try peers.listen(
            on: try configuration.peerListeners.map { PeerListenAddress(try $0.listenAddress()) },
            sharesPorts: configuration.acceptor.sharesPorts)
        try listen(acceptor, http)
        let opened = try open(disk)
        defer { opened.node.close() }
        try UnservedDirectory.check(opened.node)
        peers.start(identity: identity(of: opened.node))
        let loop = NodeLoop(
            node: opened.node, peers: peers, writer: opened.writer, disk: disk, server: server, http: http,
            acceptor: acceptor, mailbox: mailbox, configuration: configuration, services: services, clock: clock)
        shutdown.attach(mailbox)
        return loop.run()
    }

    /// What this member says of itself to the others.
    private func identity(of node: Node) -> PeerIdentity {
        PeerIdentity(
            memberID: node.memberID, clusterID: node.clusterID, version: node.etcdVersion,
            peerURLs: node.settings.peerURLs.map { Bytes(text: $0) })
    }

    private func announce() {
        let settings = configuration.node
        log.info("Running: ", metadata: ["args": .array(arguments.map { .string($0) })])
        for note in configuration.notes {
            log.log(level: note.isWarning ? .warning : .info, "\(note.message)", metadata: note.metadata)
        }
        log.info(
            "starting a Martlet server",
            metadata: [
                "martlet-version": "\(MartletVersion.current)",
                "name": "\(settings.name)", "data-dir": "\(settings.dataDirectory)",
                "wal-dir": "\(settings.logDirectory)",
                "initial-advertise-peer-urls": .array(settings.peerURLs.map { .string($0) }),
                "listen-peer-urls": Self.list(configuration.peerListeners),
                "advertise-client-urls": .array(settings.clientURLs.map { .string($0) }),
                "listen-client-urls": Self.list(configuration.clientListeners),
                "listen-client-http-urls": Self.list(configuration.httpListeners),
                "listen-metrics-urls": Self.list(configuration.metricsListeners),
                "feature-gates": "\(configuration.features)",
            ])
    }

    private static func list(_ urls: [ServerURL]) -> Logger.Metadata.Value { .array(urls.map { .string($0.text) }) }

    /// The services' settings, with slow requests going to the log (etcd v3.6
    /// `server/etcdserver/api/v3rpc/interceptor.go`).
    private var services: EtcdServicesSettings {
        let log = log
        var services = configuration.services
        services.slowRequestNanoseconds = configuration.requestWarningNanoseconds
        services.reportSlowRequest = { request in
            log.warning(
                "request stats",
                metadata: [
                    "method": "\(request.method)", "remote": "\(request.remote)",
                    "time spent": "\(GoText.duration(Int64(clamping: request.nanoseconds)))",
                    "request size": .stringConvertible(request.requestByteCount),
                    "request content": "\(request.content)",
                    "response size": .stringConvertible(request.responseByteCount),
                ])
        }
        return services
    }

    /// Opens all listeners; nobody is served before the acceptor starts.
    private func listen(_ acceptor: Acceptor, _ http: HTTPServer) throws {
        let log = log
        var access = configuration.access
        access.reportRefusal = { host in
            log.warning("rejecting HTTP request to prevent DNS rebinding attacks", metadata: ["host": "\(host)"])
        }
        let everything = http.sink(access)
        let probes = http.sink(HTTPAccess(endpoints: .probes))
        let hasOwnHTTP = !configuration.httpListeners.isEmpty
        let plans: [([ServerURL], AcceptedProtocols)] = [
            (
                configuration.clientListeners,
                AcceptedProtocols(servesGRPC: true, sink: hasOwnHTTP ? nil : everything)
            ),
            (configuration.httpListeners, AcceptedProtocols(servesGRPC: false, sink: everything)),
            (configuration.metricsListeners, AcceptedProtocols(servesGRPC: false, sink: probes)),
        ]
        for (urls, serves) in plans {
            for url in urls {
                let address = try url.listenAddress()
                do throws(GRPCError) {
                    try acceptor.listen(on: address, serving: serves)
                } catch {
                    throw ListenError(address: address, cause: error)
                }
            }
        }
    }

    /// How the member starts: its own data says all, or it has yet to come to its cluster.
    private func nodeSettings(_ disk: RealDisk) throws -> NodeSettings {
        var settings = configuration.node
        if try Node.hasLog(disk: disk, settings: settings) {
            if case .registry = configuration.bootstrap.source {
                log.warning(
                    "discovery token is ignored since cluster already initialized; valid logs are found",
                    metadata: ["wal-dir": "\(settings.logDirectory)"])
            }
            return settings
        }
        let shutdown = shutdown
        let bootstrap = Bootstrap(
            settings: configuration.bootstrap,
            running: PeerCluster(settings: PeerTransportSettings(configuration, disk: disk, clock: clock)),
            openRegistry: { registry in try EtcdRegistryStore(registry) { shutdown.isMade } }, log: log)
        try bootstrap.prepare(&settings)
        return settings
    }

    private func open(_ disk: RealDisk) throws -> Node.Opened {
        let settings = try nodeSettings(disk)
        var progress = WorkProgress("opening", unit: "bytes", now: clock.monotonicNanoseconds())
        let opened = try Node.open(
            disk: disk, settings: settings, monotonicNanoseconds: clock.monotonicNanoseconds(),
            unixNanoseconds: clock.unixNanoseconds()
        ) { state in
            let now = clock.monotonicNanoseconds()
            if let fields = progress.fields(done: state.byteCount, of: state.totalByteCount, now: now) {
                log.info("work is under way", metadata: fields)
            }
        }
        let took = progress.took(now: clock.monotonicNanoseconds())
        for note in opened.notes { log.warning("\(note)") }
        let node = opened.node
        log.info(
            "opened the data directory",
            metadata: [
                "etcd-version": "\(node.etcdVersion)", "local-member-id": "\(node.memberID)",
                "cluster-id": "\(node.clusterID)",
                "applied-index": .stringConvertible(node.raft.log.appliedIndex.rawValue),
                "current-revision": .stringConvertible(node.mvcc.currentRevision), "took": "\(took)",
            ])
        return opened
    }
}

extension Note {
    /// The fields for the log.
    var metadata: Logger.Metadata { fields.mapValues { .string($0) } }
}
