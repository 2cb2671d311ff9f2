internal import Checksums
internal import EtcdMessages
internal import Metrics
internal import NIOCore
internal import NIOHTTP1
internal import Node
internal import PeerProtocol
internal import Platform
internal import Primitives
internal import Store

/// A snapshot on its way to a peer: its message, then the store's file, read piece by piece by the disk's worker as the
/// socket takes them (etcd v3.6 `server/etcdserver/api/rafthttp/snapshot_sender.go`). Lives on the transport's event loop.
///
/// ```
/// worker   | read 0 | read 1 |        | read 2 |
/// socket            | take 0 | take 1 |        | take 2 | ... end, 204
/// ```
/// At most one piece is being read and one being taken.
final class SnapshotSending {
    let peer: MemberID
    private let hub: PeerHub
    private let message: RaftMessage
    private let snapshot: StoreSnapshot
    private let token: RequestToken
    private var channel: (any Channel)?
    private var endpoint: PeerEndpoint?
    private var offset = 0
    /// Of what was read until now.
    private var checksum = CRC32C()
    private var piecesUnderWay = 0
    private var isReading = false
    private var isOver = false
    private var lastProgress = NIODeadline.now()
    private let start = NIODeadline.now()
    private var timer: Scheduled<Void>?

    private static let maxPiecesUnderWay = 2

    init(to peer: MemberID, _ message: RaftMessage, _ snapshot: StoreSnapshot, _ token: RequestToken, hub: PeerHub) {
        self.peer = peer
        self.hub = hub
        self.message = message
        self.snapshot = snapshot
        self.token = token
    }

    func begin() {
        guard let link = hub.link(peer), let endpoint = link.endpoints.current else {
            end("the peer is not known")
            return
        }
        self.endpoint = endpoint
        hub.counts.count(peer) { $0.sentSnapshots.underWayCount += 1 }
        hub.log(
            .info, "sending database snapshot",
            link.fields() + [
                ("snapshot-index", "\(message.snapshot?.metadata.index ?? 0)"), ("bytes", "\(snapshot.byteCount)"),
            ])
        watch()
        let handler = NIOLoopBound(SnapshotSendingHandler(sending: self), eventLoop: hub.loop)
        hub.dialler.dial(endpoint) { channel in
            try channel.pipeline.syncOperations.addHandler(handler.value)
        }.assumeIsolated().whenFailure { [self] in end(Dialler.describe($0)) }
    }

    func stop() {
        isOver = true
        timer?.cancel()
        channel?.close(promise: nil)
    }

    // MARK: Sending

    func connected(_ channel: any Channel) {
        guard !isOver, let identity = hub.identity, let endpoint else {
            channel.close(promise: nil)
            return
        }
        self.channel = channel
        let front = SnapshotBodyDecoder.head(message)
        // In chunks, as etcd sends it: only behind them can be said what the file was.
        let fields =
            [
                PeerField("Content-Type", "application/octet-stream"), PeerField("Transfer-Encoding", "chunked"),
                PeerField("Trailer", PeerField.snapshotChecksum),
            ] + identity.fields()
        let head = Dialler.head(.POST, "/raft/snapshot", endpoint, fields)
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        let body = channel.allocator.buffer(bytes: front)
        channel.writeAndFlush(HTTPClientRequestPart.body(.byteBuffer(body)), promise: nil)
        readNext()
    }

    private func readNext() {
        guard !isOver, !isReading, piecesUnderWay < Self.maxPiecesUnderWay else { return }
        guard offset < snapshot.byteCount else {
            if piecesUnderWay == 0, offset == snapshot.byteCount {
                offset += 1  // Only once.
                let trailers = HTTPHeaders([(PeerField.snapshotChecksum, String(checksum.value, radix: 16))])
                channel?.writeAndFlush(HTTPClientRequestPart.end(trailers), promise: nil)
            }
            return
        }
        isReading = true
        let bound = NIOLoopBound(self, eventLoop: hub.loop)
        let (loop, snapshot, offset, count) = (hub.loop, snapshot, offset, hub.settings.snapshotPieceByteCount)
        hub.diskWorker.submit {
            let result: Result<Bytes, StoreError>
            do throws(StoreError) {
                result = .success(try snapshot.read(offset: offset, count: count))
            } catch {
                result = .failure(error)
            }
            loop.execute { bound.value.read(result) }
        }
    }

    private func read(_ result: Result<Bytes, StoreError>) {
        isReading = false
        guard !isOver, let channel else { return }
        switch result {
        case .failure(let error): end("\(error)")
        case .success(let bytes):
            guard !bytes.isEmpty else { return end("unexpected EOF") }
            offset += bytes.count
            checksum.update(bytes)
            piecesUnderWay += 1
            let piece = HTTPClientRequestPart.body(.byteBuffer(channel.allocator.buffer(bytes: bytes)))
            channel.writeAndFlush(piece).assumeIsolated().whenSuccess { [self] in
                piecesUnderWay -= 1
                lastProgress = .now()
                hub.counts.count(peer) { $0.sentByteCount &+= UInt64(bytes.count) }
                readNext()
            }
            readNext()
        }
    }

    // MARK: The end

    func answered(_ status: Int, _ text: String) {
        switch status {
        case 204: end(nil)
        case 403:
            hub.saysRemoved(peer)
            end("the member has been permanently removed from the cluster")
        default: end(text.isEmpty ? "unexpected http status \(status) while posting" : text)
        }
    }

    /// - Parameter reason: why it failed; nil if it did not.
    func end(_ reason: String?) {
        guard !isOver else { return }
        stop()
        let time = UInt64(max(0, (NIODeadline.now() - start).nanoseconds))
        hub.counts.count(peer) {
            if endpoint != nil { $0.sentSnapshots.underWayCount -= 1 }
            if reason == nil {
                $0.sentSnapshots.successCount &+= 1
                $0.sentSnapshots.durations.observe(nanoseconds: time)
            } else {
                $0.sentSnapshots.failureCount &+= 1
            }
        }
        let link = hub.link(peer)
        var fields = link?.fields() ?? [("remote-peer-id", "\(peer)")]
        fields.append(("snapshot-index", "\(message.snapshot?.metadata.index ?? 0)"))
        if let reason {
            hub.log(.warning, "failed to send database snapshot", fields + [("error", reason)])
            if let endpoint { link?.endpoints.failed(endpoint) }
            link?.failed("failed to post \(peer) on sendMsgSnap (\(reason))")
            link?.sendFailed()
        } else {
            hub.log(.info, "sent database snapshot", fields + [("bytes", "\(snapshot.byteCount)")])
            link?.succeeded()
        }
        hub.sink(.snapshotSent(token, peer, succeeded: reason == nil))
        hub.sendingEnded(self)
    }

    private func watch() {
        let limit = TimeAmount.milliseconds(hub.settings.snapshotStallMilliseconds)
        timer = hub.loop.assumeIsolated().scheduleTask(deadline: lastProgress + limit) { [weak self] in
            guard let self else { return }
            if NIODeadline.now() - lastProgress < limit { watch() } else { end("i/o timeout") }
        }
    }
}

/// The connection that a snapshot goes through.
private final class SnapshotSendingHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let sending: SnapshotSending
    private var status: Int?
    private var body: Bytes = []
    private static let maxBodyByteCount = 1024

    init(sending: SnapshotSending) {
        self.sending = sending
    }

    func channelActive(context: ChannelHandlerContext) {
        sending.connected(context.channel)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): status = Int(head.status.code)
        case .body(let piece): body += piece.readableBytesView.prefix(Self.maxBodyByteCount - body.count)
        case .end:
            guard let status else { return }
            sending.answered(status, Bytes(body.prefix { $0 != UInt8(ascii: "\n") }).text)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        sending.end("EOF")
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        sending.end(Dialler.describe(error))
        context.close(promise: nil)
    }
}
