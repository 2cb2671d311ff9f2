internal import EtcdMessages
internal import NIOCore
internal import PeerProtocol
internal import Primitives

/// All that there is between this member and one other: two streams each way, the pipeline beside them, and the probe
/// (etcd v3.6 `server/etcdserver/api/rafthttp/peer.go`). Lives on the transport's event loop.
///
/// Of a sender that is in no configuration this member knows (a remote, in etcd's words) there is the pipeline only, so that
/// one that is behind can answer those who bring it up to date.
final class PeerLink {
    let id: MemberID
    let isRemote: Bool
    private let hub: PeerHub
    var endpoints: PeerEndpoints
    private var peerURLs: [Bytes]
    private(set) var isStopped = false
    /// Whether the peer is reached, as the last that was tried with it shows (etcd v3.6
    /// `server/etcdserver/api/rafthttp/peer_status.go`).
    private var isActive = false
    private var writers: [PeerStreamKind: StreamWriter] = [:]
    private var readers: [StreamReader] = []
    private var pipeline: Pipeline?
    private var prober: Prober?
    /// What the peer last refused streams for, which is logged once.
    private var lastRefusal: String?

    init(id: MemberID, peerURLs: [Bytes], hub: PeerHub, isRemote: Bool) {
        self.id = id
        self.isRemote = isRemote
        self.hub = hub
        self.peerURLs = peerURLs
        endpoints = PeerEndpoints(peerURLs)
    }

    func start() {
        pipeline = Pipeline(link: self, hub: hub)
        guard !isRemote else {
            hub.log(.info, "added new remote peer", fields())
            return
        }
        hub.log(.info, "starting remote peer", fields())
        for kind in PeerStreamKind.allCases { writers[kind] = StreamWriter(kind: kind, link: self, hub: hub) }
        readers = PeerStreamKind.allCases.map { StreamReader(kind: $0, link: self, hub: hub) }
        for reader in readers { reader.start() }
        let prober = Prober(link: self, hub: hub)
        self.prober = prober
        prober.start()
        hub.log(.info, "started remote peer", fields())
    }

    /// Closes everything. What was written stays on its way.
    func stop() {
        isStopped = true
        for reader in readers { reader.stop() }
        for writer in writers.values { writer.stop() }
        prober?.stop()
        pipeline?.stop()
        // They hold this link.
        readers = []
        writers = [:]
        prober = nil
        pipeline = nil
        if isActive {
            isActive = false
            hub.counts.count(id) { $0.isActive = false }
            hub.sink(.disconnected(id))
        }
        if !isRemote { hub.log(.info, "stopped remote peer", fields()) }
    }

    /// The peer is reached elsewhere from now on.
    func update(peerURLs: [Bytes]) {
        guard peerURLs != self.peerURLs else { return }
        self.peerURLs = peerURLs
        endpoints = PeerEndpoints(peerURLs)
        hub.log(.info, "updated remote peer", fields())
    }

    func attach(_ channel: any Channel, for kind: PeerStreamKind) {
        writers[kind]?.attach(channel)
    }

    func writerClosed(_ channel: any Channel, for kind: PeerStreamKind) {
        writers[kind]?.closed(channel)
    }

    func writerBecameWritable(for kind: PeerStreamKind) {
        writers[kind]?.becameWritable()
    }

    // MARK: Messages

    /// Takes a message on its way (etcd v3.6 `peer.go`, `pick`): MsgApps go through the stream that is theirs, all else
    /// through the other; what has no stream goes by itself.
    func send(_ message: RaftMessage) {
        let isTaken: Bool
        if message.type == .app, let writer = writers[.append], writer.isConnected {
            isTaken = writer.take(message)
        } else if let writer = writers[.message], writer.isConnected {
            isTaken = writer.take(message)
        } else {
            isTaken = pipeline?.take(message) ?? false
        }
        if !isTaken { dropped(message) }
    }

    /// Writes what was taken.
    func flush() {
        for kind in PeerStreamKind.allCases { writers[kind]?.flush() }
    }

    private func dropped(_ message: RaftMessage) {
        hub.log(
            .debug, "dropped internal Raft message since sending buffer is full",
            fields() + [("message-type", "\(message.type.rawValue)"), ("remote-peer-active", "\(isActive)")])
        sendFailed()
    }

    /// A message, or a connection with messages, was lost.
    func sendFailed() {
        hub.counts.count(id) { $0.sendFailureCount &+= 1 }
        hub.sink(.unreachable(id))
    }

    // MARK: Status

    /// The peer serves a stream.
    func readerConnected() {
        lastRefusal = nil
        succeeded()
    }

    /// Something went well between the two.
    func succeeded() {
        guard !isRemote, !isStopped, !isActive else { return }
        isActive = true
        hub.log(.info, "peer became active", [("peer-id", "\(id)")])
        hub.counts.count(id) {
            $0.isActive = true
            $0.wasActive = true
        }
        hub.sink(.connected(id))
    }

    /// Something did not.
    func failed(_ reason: String) {
        guard !isRemote, !isStopped else { return }
        guard isActive else {
            hub.log(.debug, "peer deactivated again", [("peer-id", "\(id)"), ("error", reason)])
            return
        }
        isActive = false
        hub.log(
            .warning, "peer became inactive (message send to peer failed)", [("peer-id", "\(id)"), ("error", reason)])
        hub.counts.count(id) {
            $0.isActive = false
            $0.disconnectionCount &+= 1
        }
        hub.sink(.disconnected(id))
    }

    /// The peer will not speak with this member, for reasons that only an operator can change.
    func refused(as text: String, _ told: [(name: String, text: String)]) {
        guard lastRefusal != text else { return }
        lastRefusal = text
        let message =
            switch text {
            case "cluster ID mismatch": "request sent was ignored by remote peer due to cluster ID mismatch"
            case "incompatible version": "request sent was ignored by remote peer due to server version incompatibility"
            default: "request sent was ignored by remote peer"
            }
        let cluster = hub.identity.map { "\($0.clusterID)" } ?? ""
        hub.log(.warning, message, fields() + told + [("local-member-cluster-id", cluster), ("error", text)])
    }

    // MARK: Log

    func fields() -> [(name: String, text: String)] {
        [("local-member-id", hub.identity.map { "\($0.memberID)" } ?? ""), ("remote-peer-id", "\(id)")]
    }

    /// - Parameter end: which of the two ends of the stream this member has.
    func fields(
        of end: StreamEnd, _ kind: PeerStreamKind, _ error: String? = nil
    ) -> [(name: String, text: String)] {
        [(end.rawValue, kind.logName)] + fields() + (error.map { [("error", $0)] } ?? [])
    }

    /// The ends of a stream, by etcd's names of their fields in the log.
    enum StreamEnd: String {
        case reader = "stream-reader-type"
        case writer = "stream-writer-type"
    }
}
