package import EtcdMessages
internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
package import Node
package import PeerProtocol
internal import Platform
package import Primitives
package import Store

/// Speaks with the other members over etcd's peer protocol (docs/internals/peer-protocol.md), on a thread of its own.
///
/// It never makes its caller wait. What a peer cannot take is dropped and told as unreachable, as Raft expects of a network.
package final class PeerTransport: Sendable {
    package let counts = PeerCounts()
    private let settings: PeerTransportSettings
    private let group: MultiThreadedEventLoopGroup
    private let loop: any EventLoop
    private let hub: NIOLoopBound<PeerHub>
    private let listeners: NIOLoopBoundBox<[any Channel]>
    private let untaken = UntakenBytes()

    /// - Parameter sink: takes what happens; called on the transport's thread, must not block.
    package init(settings: PeerTransportSettings, sink: @escaping @Sendable (PeerEvent) -> Void) {
        self.settings = settings
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        self.loop = loop
        listeners = NIOLoopBoundBox.makeBoxSendingValue([], eventLoop: loop)
        let (counts, untaken) = (counts, untaken)
        let made = loop.submit {
            NIOLoopBound(
                PeerHub(settings: settings, loop: loop, counts: counts, untaken: untaken, sink: sink), eventLoop: loop)
        }
        do {
            hub = try made.wait()
        } catch {
            unreachable("an event loop that was just started does as it is told: \(error)")
        }
    }

    // MARK: Life

    /// Opens the listeners. Nobody is served before `start`.
    package func listen(
        on addresses: [PeerListenAddress], sharesPorts: Bool = false
    ) throws(PeerListenError) {
        for address in addresses {
            do {
                let channel = try bind(address, sharesPorts: sharesPorts).wait()
                let listeners = listeners
                loop.execute { listeners.value.append(channel) }
            } catch {
                throw PeerListenError(address: address, reason: Dialler.describe(error))
            }
        }
    }

    private func bind(_ address: PeerListenAddress, sharesPorts: Bool) -> EventLoopFuture<any Channel> {
        let (hub, settings) = (hub, settings)
        var bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 128)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.autoRead, value: false)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(
                .writeBufferWaterMark,
                value: .init(low: settings.maxUnsentByteCount / 4, high: settings.maxUnsentByteCount)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    var limits = NIOHTTPDecoderLimitConfiguration()
                    limits.maxHeaderListSize = settings.maxHeaderByteCount
                    limits.maxHeaderFieldSize = settings.maxHeaderByteCount
                    let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits)
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(ByteToMessageHandler(decoder))
                    try pipeline.addHandler(PeerConnection(hub: hub.value))
                }
            }
        switch address {
        case .tcp(let host, let port):
            bootstrap = bootstrap.childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            if sharesPorts {
                bootstrap = bootstrap.serverChannelOption(
                    .socketOption(NIOBSDSocket.Option(rawValue: SO_REUSEPORT)), value: 1)
            }
            return bootstrap.bind(host: host.isEmpty ? "::" : host, port: port)
        case .socketFile(let path):
            return bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true)
        }
    }

    /// The ports that are listened at, in the order of `listen`; 0 for a socket's file.
    package var ports: [Int] {
        let listeners = listeners
        return (try? loop.submit { listeners.value.map { $0.localAddress?.port ?? 0 } }.wait()) ?? []
    }

    /// Begins to serve: this member is known.
    package func start(identity: PeerIdentity) {
        let (hub, listeners) = (hub, listeners)
        loop.execute {
            hub.value.start(identity)
            for listener in listeners.value {
                listener.setOption(.autoRead, value: true).whenSuccess { listener.read() }
            }
        }
    }

    /// Closes all connections, and waits for the end of the transport's threads.
    package func stop() {
        let (hub, listeners) = (hub, listeners)
        let stopped = loop.submit {
            for listener in listeners.value { listener.close(promise: nil) }
            hub.value.stop()
            return hub.value.diskWorker
        }
        if let worker = try? stopped.wait() { worker.stop() }
        do {
            try group.syncShutdownGracefully()
        } catch {
            unreachable("an event loop that was not shut down can be: \(error)")
        }
    }

    // MARK: What the core wants

    /// All other members, and the ids that were removed. One that is no longer among them is closed.
    package func setPeers(_ peers: [Peer], removed: [MemberID]) {
        let hub = hub
        loop.execute { hub.value.setPeers(peers, removed: removed) }
    }

    /// Sends messages to the peers that they are for, in this order for each.
    package func send(_ messages: [RaftMessage]) {
        let hub = hub
        loop.execute { hub.value.send(messages) }
    }

    /// Sends a snapshot: its message and the store's file, which must stay as it is until `PeerEvent.snapshotSent`.
    package func sendSnapshot(
        to peer: MemberID, _ message: RaftMessage, _ snapshot: StoreSnapshot, _ token: RequestToken
    ) {
        let hub = hub
        loop.execute {
            hub.value.sendSnapshot(SnapshotSending(to: peer, message, snapshot, token, hub: hub.value))
        }
    }

    /// Asks a member something. Answer: `PeerEvent.answered`.
    package func ask(_ question: PeerQuestion) {
        let hub = hub
        loop.execute { PeerAsking.ask(question, hub.value) }
    }

    /// The core has taken messages of so many bytes (`PeerEvent.messages`).
    package func taken(byteCount: Int) {
        let limit = settings.maxUntakenByteCount
        let left = untaken.take(byteCount)
        guard left <= limit, left + byteCount > limit else { return }
        let hub = hub
        loop.execute { hub.value.resumeReading() }
    }
}
