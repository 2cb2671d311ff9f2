internal import EtcdMessages
internal import NIOCore
internal import Node
internal import PeerProtocol
internal import Platform
internal import Primitives
internal import Synchronization

/// The transport's state. It lives on one event loop, and everything in it does.
final class PeerHub {
    let settings: PeerTransportSettings
    let loop: any EventLoop
    let sink: @Sendable (PeerEvent) -> Void
    let counts: PeerCounts
    let dialler: Dialler
    let client: PeerClient
    let untaken: UntakenBytes
    /// Reads and writes snapshots' files.
    let diskWorker: Worker<@Sendable () -> Void>
    let decoder = MessageDecoder()

    /// Who this member is; nil until it is known.
    private(set) var identity: PeerIdentity?
    private(set) var directory = PeerDirectory()
    private var links: [MemberID: PeerLink] = [:]
    private var remotes: [MemberID: PeerLink] = [:]
    private var sendings: [ObjectIdentifier: SnapshotSending] = [:]
    private var connections: [ObjectIdentifier: PeerConnection] = [:]
    private var heldReaders: [(StreamReaderHandler, ChannelHandlerContext)] = []
    private var isStopped = false
    private var isRemovalTold = false
    private var nextFileNumber = 0
    /// How much of bodies is here that are not whole yet, in bytes.
    private var gatheredByteCount = 0

    /// Where streams are encoded before they are given to their sockets.
    var output: Bytes = []
    var sections = EntrySections()
    /// How much memory is kept for that, in bytes.
    private static let retainedOutputByteCount = 1 << 20

    init(
        settings: PeerTransportSettings, loop: any EventLoop, counts: PeerCounts, untaken: UntakenBytes,
        sink: @escaping @Sendable (PeerEvent) -> Void
    ) {
        self.settings = settings
        self.loop = loop
        self.counts = counts
        self.untaken = untaken
        self.sink = sink
        dialler = Dialler(loop: loop, settings: settings)
        client = PeerClient(dialler, loop: loop)
        diskWorker = Worker(name: "peer-disk") { { job, _ in job() } }
    }

    func log(
        _ level: PeerLogLine.Level, _ message: String, _ fields: @autoclosure () -> [(name: String, text: String)] = []
    ) {
        settings.log(PeerLogLine(level, message, fields()))
    }

    // MARK: Life

    func start(_ identity: PeerIdentity) {
        self.identity = identity
    }

    func stop() {
        isStopped = true
        for link in links.values { link.stop() }
        for link in remotes.values { link.stop() }
        links = [:]
        remotes = [:]
        for connection in connections.values { connection.closeNow() }
        for sending in sendings.values { sending.stop() }
        sendings = [:]
        client.stop()
    }

    // MARK: Members

    func setPeers(_ peers: [Peer], removed: [MemberID]) {
        guard !isStopped, let identity else { return }
        let others = peers.filter { $0.id != identity.memberID }
        directory = PeerDirectory(members: Set(others.map(\.id)), removed: Set(removed))
        for (id, link) in links where !directory.members.contains(id) {
            links[id] = nil
            link.stop()
            log(.info, "removed remote peer", link.fields())
        }
        for (id, remote) in remotes where directory.removed.contains(id) {
            remotes[id] = nil
            remote.stop()
        }
        for peer in others {
            if let remote = remotes.removeValue(forKey: peer.id) { remote.stop() }
            if let link = links[peer.id] {
                link.update(peerURLs: peer.peerURLs)
            } else {
                let link = PeerLink(id: peer.id, peerURLs: peer.peerURLs, hub: self, isRemote: false)
                links[peer.id] = link
                link.start()
            }
        }
    }

    /// A sender that may not be in the configuration yet.
    private func addRemote(_ sender: PeerRouter.Sender) {
        guard let identity, sender.id != identity.memberID, sender.id != .none, links[sender.id] == nil,
            remotes[sender.id] == nil, !directory.removed.contains(sender.id),
            remotes.count < settings.maxRemoteCount
        else { return }
        let link = PeerLink(id: sender.id, peerURLs: sender.peerURLs, hub: self, isRemote: true)
        remotes[sender.id] = link
        link.start()
    }

    func link(_ id: MemberID) -> PeerLink? { links[id] ?? remotes[id] }

    /// A peer says that this member was removed.
    func saysRemoved(_ id: MemberID) {
        guard !isRemovalTold else { return }
        isRemovalTold = true
        log(
            .error, "the member has been permanently removed from the cluster",
            [("local-member-id", identity.map { "\($0.memberID)" } ?? ""), ("remote-peer-id", "\(id)")])
        sink(.removed)
    }

    // MARK: Messages

    func send(_ messages: [RaftMessage]) {
        guard !isStopped else { return }
        for message in messages { link(MemberID(message.to))?.send(message) }
        if let first = messages.first, messages.allSatisfy({ $0.to == first.to }) {
            link(MemberID(first.to))?.flush()
        } else {
            for link in links.values { link.flush() }
        }
    }

    /// Lets go of memory that a long message took.
    func trimOutput() {
        if output.capacity > Self.retainedOutputByteCount { output = [] }
    }

    /// Takes what came from a member to the core. What is not for this one, or comes from one that was removed, is dropped;
    /// so is a snapshot without its file.
    ///
    /// - Parameter byteCount: how many bytes it was.
    func deliver(_ messages: [RaftMessage], byteCount: Int, from id: MemberID) {
        counts.count(known(id)) { $0.receivedByteCount &+= UInt64(byteCount) }
        guard !messages.isEmpty else { return }
        var good = messages
        if !messages.allSatisfy({ isWanted($0) }) {
            log(.warning, "failed to process Raft message", [("remote-peer-id", "\(id)")])
            good = messages.filter { isWanted($0) }
        }
        guard !good.isEmpty else { return }
        untaken.add(byteCount)
        sink(.messages(good, byteCount: byteCount))
    }

    /// Whether a message is one for this member's Raft.
    func isWanted(_ message: RaftMessage) -> Bool {
        message.to == identity?.memberID.rawValue && message.type != .snap
            && !directory.removed.contains(MemberID(message.from))
    }

    /// The id under which something is counted: those that are not known are one.
    func known(_ id: MemberID) -> MemberID { directory.members.contains(id) ? id : .none }

    // MARK: Reading

    /// Whether the core has so much to take that reading stops.
    var isReadingHeld: Bool { untaken.count > settings.maxUntakenByteCount }

    func held(_ reader: StreamReaderHandler, _ context: ChannelHandlerContext) {
        heldReaders.append((reader, context))
        // The core may have taken it meanwhile.
        if !isReadingHeld { resumeReading() }
    }

    func resumeReading() {
        guard !isReadingHeld else { return }
        let held = heldReaders
        heldReaders = []
        for (reader, context) in held { reader.resume(context) }
    }

    /// A place for a piece of a body; false if all bodies together are too long.
    func gather(byteCount: Int) -> Bool {
        guard gatheredByteCount + byteCount <= settings.maxBodyByteCount else { return false }
        gatheredByteCount += byteCount
        return true
    }

    func letGo(byteCount: Int) { gatheredByteCount -= byteCount }

    // MARK: Connections

    /// A place for a connection that others opened; false if there is none.
    func opened(_ connection: PeerConnection) -> Bool {
        guard !isStopped, connections.count < settings.maxConnectionCount else { return false }
        connections[ObjectIdentifier(connection)] = connection
        return true
    }

    func closed(_ connection: PeerConnection) {
        connections[ObjectIdentifier(connection)] = nil
    }

    /// What to do about a request.
    func decide(_ request: PeerRequest) -> PeerRoute {
        guard let identity else { return .answer(.error(503, "not ready")) }
        let decision = PeerRouter.route(request, identity, directory)
        if let notice = decision.notice { log(notice, request, identity) }
        if let sender = decision.sender { addRemote(sender) }
        if request.path == "/raft/snapshot", case .answer = decision.route { counts.countUnknownSnapshotFailure() }
        return decision.route
    }

    private func log(_ notice: PeerRouter.Notice, _ request: PeerRequest, _ identity: PeerIdentity) {
        let local = [("local-member-id", "\(identity.memberID)"), ("local-member-cluster-id", "\(identity.clusterID)")]
        switch notice {
        case .mismatch(.version(let version)):
            log(
                .warning, "failed version compatibility check",
                local + [
                    ("local-member-server-version", "\(identity.version)"),
                    ("remote-peer-server-name", request.value(PeerField.from)), ("remote-peer-server-version", version),
                ])
        case .mismatch(.cluster(let cluster)):
            log(
                .warning, "request cluster ID mismatch",
                local + [
                    ("remote-peer-server-name", request.value(PeerField.from)), ("remote-peer-cluster-id", cluster),
                ])
        case .removed(let id):
            log(
                .warning, "rejected stream from remote peer because it was removed",
                local + [("remote-peer-id-from", "\(id)")])
        case .unknownSender(let id):
            log(.warning, "failed to find remote peer in cluster", local + [("remote-peer-id-from", "\(id)")])
        case .otherReceiver(let header):
            log(.warning, "ignored streaming request; ID mismatch", local + [("remote-peer-id-header", header)])
        }
    }

    // MARK: Snapshots

    func sendSnapshot(_ sending: SnapshotSending) {
        guard !isStopped else { return }
        sendings[ObjectIdentifier(sending)] = sending
        sending.begin()
    }

    func sendingEnded(_ sending: SnapshotSending) {
        sendings[ObjectIdentifier(sending)] = nil
    }

    /// A name that no other file being written has.
    func nextTemporaryPath() -> String {
        nextFileNumber += 1
        return "\(settings.snapshotDirectory)/tmp\(nextFileNumber).snap.db"
    }
}

/// How much of what came the core has not taken yet. Added to on the transport's thread, taken from on the core's.
final class UntakenBytes: Sendable {
    private let bytes = Atomic<Int>(0)

    var count: Int { bytes.load(ordering: .relaxed) }

    func add(_ count: Int) { bytes.wrappingAdd(count, ordering: .relaxed) }

    /// Answers how much is left.
    func take(_ count: Int) -> Int { bytes.wrappingSubtract(count, ordering: .relaxed).newValue }
}
