internal import BoltStore
internal import ClientAPI
internal import Environment
internal import GRPCCore
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
        let settings = configuration.node
        log.info(
            "starting a Martlet server",
            metadata: [
                "etcd-version": "\(EtcdVersion.presented)", "martlet-version": "\(MartletVersion.current)",
                "name": "\(settings.name)", "data-dir": "\(settings.dataDirectory)",
                "wal-dir": "\(settings.logDirectory)",
                "advertise-client-urls": .array(settings.clientURLs.map { .string($0) }),
            ])
        let disk = RealDisk()
        let opened = try Node.open(
            disk: disk, settings: settings, monotonicNanoseconds: clock.monotonicNanoseconds(),
            unixNanoseconds: clock.unixNanoseconds())
        for note in opened.notes { log.warning("\(note)") }
        let node = opened.node
        log.info(
            "opened the data directory",
            metadata: [
                "local-member-id": "\(node.memberID)", "cluster-id": "\(node.clusterID)",
                "applied-index": "\(node.raft.log.appliedIndex)", "current-revision": "\(node.mvcc.currentRevision)",
            ])
        return try serve(opened, on: disk)
    }

    private func serve(_ opened: Node.Opened, on disk: RealDisk) throws(GRPCError) -> Int32 {
        let server: GRPCServer
        let acceptor: Acceptor
        do throws(GRPCError) {
            server = try GRPCServer(methods: EtcdMethod.registrations, settings: configuration.grpc)
        } catch {
            opened.node.close()
            throw error
        }
        do throws(GRPCError) {
            acceptor = try Acceptor(settings: AcceptorSettings(), port: server.connectionPort)
        } catch {
            server.close()
            opened.node.close()
            throw error
        }
        do throws(GRPCError) {
            for address in configuration.clientAddresses { try acceptor.listen(on: address) }
        } catch {
            acceptor.close()
            server.close()
            opened.node.close()
            throw error
        }
        let loop = NodeLoop(
            node: opened.node, writer: opened.writer, disk: disk, server: server, acceptor: acceptor,
            services: configuration.services, clock: clock)
        shutdown.attach(loop.mailbox)
        return loop.run()
    }
}
