internal import EtcdMessages
internal import NIOCore
internal import PeerProtocol
internal import Primitives

/// One of the two streams to a peer: writes messages to the connection that the peer opened for it, the newest if there are
/// several. Lives on the transport's event loop.
///
/// Messages are encoded when the socket takes them, all that wait as one chunk of HTTP's chunked coding. What it does not
/// take waits here as messages, whose entries are in the log's memory anyway; beyond a bound they are dropped.
final class StreamWriter {
    private let kind: PeerStreamKind
    private let link: PeerLink
    private let hub: PeerHub
    private var channel: (any Channel)?
    private var encoder = AppendStreamEncoder()
    private var queue = CircularBuffer<RaftMessage>()
    private var queuedByteCount = 0
    private var heartbeat: Scheduled<Void>?
    /// How many heartbeats were due since the socket last took something.
    private var stalledBeatCount = 0

    /// How long without a taken byte is too long, in heartbeats: 5 s, etcd's write timeout.
    private static let maxStalledBeatCount = 3
    /// How much is encoded at a time at most, in bytes, but for one long message.
    private static let pieceByteCount = 512 << 10

    init(kind: PeerStreamKind, link: PeerLink, hub: PeerHub) {
        self.kind = kind
        self.link = link
        self.hub = hub
    }

    /// Whether there is a connection.
    var isConnected: Bool { channel != nil }

    // MARK: Connections

    /// The peer opened a connection for the stream.
    func attach(_ channel: any Channel) {
        if let old = self.channel {
            hub.log(.warning, "closed TCP streaming connection with remote peer", link.fields(of: .writer, kind))
            forget()
            old.close(promise: nil)
            // What was on its way may be lost with it.
            link.sendFailed()
        }
        self.channel = channel
        encoder = AppendStreamEncoder()
        stalledBeatCount = 0
        hub.log(.info, "established TCP streaming connection with remote peer", link.fields(of: .writer, kind))
        link.succeeded()
        scheduleHeartbeat()
    }

    /// A connection came to its end.
    func closed(_ channel: any Channel) {
        guard self.channel === channel else { return }
        forget()
        guard !link.isStopped else { return }
        hub.log(.warning, "lost TCP streaming connection with remote peer", link.fields(of: .writer, kind))
        link.failed("failed to write \(link.id) on \(kind.logName) (connection closed)")
        link.sendFailed()
    }

    func stop() {
        let channel = channel
        forget()
        channel?.close(promise: nil)
    }

    private func forget() {
        channel = nil
        heartbeat?.cancel()
        heartbeat = nil
        queue.removeAll()
        queuedByteCount = 0
    }

    // MARK: Messages

    /// Takes a message; false if there is no room for it. It goes out with the next `flush`.
    func take(_ message: RaftMessage) -> Bool {
        let byteCount = message.approximateByteCount
        guard queue.count < hub.settings.maxQueuedMessageCount,
            queue.isEmpty || queuedByteCount + byteCount <= hub.settings.maxQueuedByteCount
        else { return false }
        queue.append(message)
        queuedByteCount += byteCount
        return true
    }

    /// Writes what waits, as far as the socket takes it.
    func flush() {
        guard let channel, channel.isWritable, !queue.isEmpty else { return }
        repeat {
            hub.output.removeAll(keepingCapacity: true)
            while hub.output.count < Self.pieceByteCount, let message = queue.popFirst() {
                queuedByteCount -= message.approximateByteCount
                switch kind {
                case .append: encoder.append(message, &hub.sections, to: &hub.output)
                case .message: message.appendFrame(to: &hub.output)
                }
            }
            write(hub.output, to: channel)
        } while !queue.isEmpty && channel.isWritable
        channel.flush()
        hub.trimOutput()
    }

    /// The socket took something.
    func becameWritable() {
        stalledBeatCount = 0
        flush()
    }

    private func write(_ bytes: Bytes, to channel: any Channel) {
        hub.counts.count(link.id) { $0.sentByteCount &+= UInt64(bytes.count) }
        var chunk = channel.allocator.buffer(capacity: bytes.count + 12)
        chunk.writeString(String(bytes.count, radix: 16))
        chunk.writeStaticString("\r\n")
        chunk.writeBytes(bytes)
        chunk.writeStaticString("\r\n")
        channel.write(chunk, promise: nil)
    }

    // MARK: Heartbeats

    private func scheduleHeartbeat() {
        let interval = TimeAmount.milliseconds(hub.settings.heartbeatMilliseconds)
        heartbeat = hub.loop.assumeIsolated().scheduleTask(in: interval) { [weak self] in self?.beat() }
    }

    private func beat() {
        guard let channel else { return }
        scheduleHeartbeat()
        guard channel.isWritable else {
            stalledBeatCount += 1
            // The peer takes nothing: a new connection may do better, and this one holds memory.
            if stalledBeatCount >= Self.maxStalledBeatCount { channel.close(promise: nil) }
            return
        }
        var output: Bytes = []
        switch kind {
        case .append: AppendStreamEncoder.appendLinkHeartbeat(to: &output)
        case .message: RaftMessage.linkHeartbeat.appendFrame(to: &output)
        }
        write(output, to: channel)
        channel.flush()
    }
}

extension RaftMessage {
    /// About how many bytes it takes.
    var approximateByteCount: Int {
        entries.reduce(64 + (context?.count ?? 0)) { $0 + 48 + ($1.data?.count ?? 0) }
    }
}
