internal import Environment
internal import EtcdMessages
internal import Metrics
internal import NIOCore
internal import Node
internal import PeerProtocol
internal import Platform
internal import Primitives
internal import Snapshots

/// A snapshot that comes in the body of a request: its message, then the store's file, which goes to the disk as it comes
/// (etcd v3.6 `server/etcdserver/api/rafthttp/http.go`, `snapshotHandler`; `api/snap/db.go`).
///
/// Lives on the transport's event loop; the disk is the worker's. What the disk has not taken yet holds up the reading.
final class SnapshotReception {
    private let connection: PeerConnection
    private let hub: PeerHub
    private var body: SnapshotBodyDecoder
    private var file: ReceivedDatabase?
    private var unwrittenByteCount = 0
    private var start = NIODeadline.now()
    private var from = MemberID.none
    private var isOver = false

    init(connection: PeerConnection, hub: PeerHub) {
        self.connection = connection
        self.hub = hub
        body = SnapshotBodyDecoder(hub.decoder)
    }

    /// Whether so much waits for the disk that no more is read.
    var isBehind: Bool { unwrittenByteCount > hub.settings.maxUnwrittenByteCount }

    /// Takes a piece of the body. Answers a refusal, after which no more is wanted.
    func take(_ piece: ByteBuffer) -> PeerResponse? {
        if isOver { return nil }
        var piece = piece
        if file == nil {
            do throws(PeerProtocolError) {
                let taken = try body.take(piece.readableBytesSpan)
                piece.moveReaderIndex(forwardBy: taken)
                guard let message = body.message else { return nil }
                if let refusal = begin(message) { return refusal }
            } catch {
                return refuse(error)
            }
        }
        if piece.readableBytes > 0 { write(Bytes(piece.readableBytesView)) }
        return nil
    }

    private func begin(_ message: RaftMessage) -> PeerResponse? {
        from = hub.known(MemberID(message.from))
        guard message.to == hub.identity?.memberID.rawValue,
            !hub.directory.removed.contains(MemberID(message.from))
        else {
            isOver = true
            failed()
            return .error(500, "failed to process raft message (to mismatch member)", fields: cluster)
        }
        hub.counts.count(from) { $0.receivedSnapshots.underWayCount += 1 }
        let index = message.snapshot?.metadata.index ?? 0
        hub.log(
            .info, "receiving database snapshot",
            fields + [("incoming-snapshot-index", "\(index)")])
        file = ReceivedDatabase(
            disk: hub.settings.disk, clock: hub.settings.clock, directory: hub.settings.snapshotDirectory,
            temporary: hub.nextTemporaryPath(), index: LogIndex(index), maxByteCount: hub.settings.maxSnapshotByteCount)
        return nil
    }

    private func write(_ bytes: Bytes) {
        guard let file else { return }
        unwrittenByteCount += bytes.count
        let bound = NIOLoopBound(self, eventLoop: hub.loop)
        let loop = hub.loop
        hub.diskWorker.submit {
            file.write(bytes)
            loop.execute { bound.value.wrote(bytes.count) }
        }
    }

    private func wrote(_ byteCount: Int) {
        unwrittenByteCount -= byteCount
        if !isOver && !isBehind { connection.resumeReading() }
    }

    /// The body came to its end.
    ///
    /// - Parameter checksum: of the file, as its sender wrote it; nil if it says none.
    func end(checksum: String?) {
        if isOver { return }
        guard let file, let message = body.message else {
            isOver = true
            do throws(PeerProtocolError) {
                try body.end()
            } catch {
                connection.finish(refuse(error), closes: true)
            }
            return
        }
        let expected = checksum.flatMap { UInt32($0, radix: 16) }
        guard checksum == nil || expected != nil else {
            abort()
            connection.finish(.error(400, "malformed checksum of a snapshot"), closes: true)
            return
        }
        isOver = true
        let bound = NIOLoopBound(self, eventLoop: hub.loop)
        let held = NIOLoopBound(connection, eventLoop: hub.loop)
        let loop = hub.loop
        hub.diskWorker.submit {
            let result = file.finish(checksum: expected)
            loop.execute { bound.value.finished(result, message, held.value) }
        }
    }

    private func finished(
        _ result: Result<ReceivedDatabase.Written, ReceivedDatabaseError>, _ message: RaftMessage,
        _ connection: PeerConnection
    ) {
        hub.counts.count(from) { $0.receivedSnapshots.underWayCount -= 1 }
        switch result {
        case .failure(let error):
            hub.log(.warning, "failed to save incoming database snapshot", fields + [("error", "\(error)")])
            failed()
            connection.finish(.error(500, "failed to save KV snapshot (\(error))", fields: cluster))
        case .success(let written):
            let took = NIODeadline.now() - start
            hub.log(
                .info, "received and saved database snapshot",
                fields + [
                    ("incoming-snapshot-index", "\(message.snapshot?.metadata.index ?? 0)"),
                    ("incoming-snapshot-size-bytes", "\(written.byteCount)"),
                    ("download-took", "\(took.nanoseconds / 1_000_000)ms"),
                ])
            hub.counts.count(from) {
                $0.receivedByteCount &+= UInt64(written.byteCount)
                $0.receivedSnapshots.successCount &+= 1
                $0.receivedSnapshots.durations.observe(nanoseconds: UInt64(max(0, took.nanoseconds)))
            }
            hub.counts.databaseSaved(
                nanoseconds: UInt64(max(0, took.nanoseconds)), syncNanoseconds: written.syncNanoseconds)
            hub.sink(.snapshotReceived(message, path: written.path))
            connection.finish(PeerResponse(204, fields: cluster))
        }
    }

    /// The connection was lost before the end, or what came is of no use.
    func abort() {
        guard !isOver else { return }
        isOver = true
        failed()
        guard let file else { return }
        hub.counts.count(from) { $0.receivedSnapshots.underWayCount -= 1 }
        hub.diskWorker.submit { file.abandon() }
    }

    private func refuse(_ error: PeerProtocolError) -> PeerResponse {
        isOver = true
        failed()
        hub.log(.warning, "failed to decode Raft message", fields + [("error", "\(error)")])
        hub.counts.count(from) { $0.receiveFailureCount &+= 1 }
        let text = error == .notASnapshot ? "\(error)" : "failed to decode raft message (\(error))"
        return .error(400, text, fields: cluster)
    }

    private func failed() {
        hub.counts.count(from) { $0.receivedSnapshots.failureCount &+= 1 }
    }

    private var cluster: [PeerField] { hub.identity.map { [PeerRouter.clusterField($0)] } ?? [] }

    private var fields: [(name: String, text: String)] {
        [
            ("local-member-id", hub.identity.map { "\($0.memberID)" } ?? ""),
            ("remote-snapshot-sender-id", body.message.map { "\(MemberID($0.from))" } ?? "0"),
        ]
    }
}
