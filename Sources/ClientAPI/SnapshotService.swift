internal import EtcdMessages
internal import GRPCCore
internal import Node
internal import Primitives
internal import Store

/// `etcdserverpb.Maintenance/Snapshot` (etcd v3.6 `server/etcdserver/api/v3rpc/maintenance.go`): the store's file in blobs, then
/// its SHA-256 as a blob of its own. No message has a header.
///
/// One piece of the file is in memory for each client, and the next is read when all of it has been taken.
final class SnapshotService: StreamService {
    private struct Transfer {
        let read: SnapshotRead
        let version: Bytes
        /// What has been read, and how much of it has been sent.
        var piece = SnapshotRead.Piece(bytes: [])
        var sentOfPiece = 0
        /// What is left of the file to send, in bytes.
        var remaining: Int
        /// Whether the reader has the file.
        var isReading = false
        /// Whether the client has gone while it did.
        var hasEnded = false
    }

    private let node: Node
    private let responder: Responder
    private let decoder = MessageDecoder()
    private var transfers: [CallID: Transfer] = [:]
    private var wanted: [SnapshotRead] = []

    /// Length of a blob in bytes.
    static let blobByteCount = 32 * 1024

    init(node: Node, responder: Responder) {
        self.node = node
        self.responder = responder
    }

    // MARK: The stream

    func opened(_ call: CallID) {}

    func received(_ message: RawSpan, _ call: CallID) throws(EtcdError) {
        _ = try decode(decoder, SnapshotRequest.self, message)
        node.openSnapshot(RequestToken(call))
    }

    func halfClosed(_ call: CallID) {}

    func ready(_ call: CallID) {
        guard let transfer = transfers[call], !transfer.isReading, responder.server.canSend(call) else { return }
        if transfer.sentOfPiece < transfer.piece.bytes.count {
            sendBlob(call, transfer)
        } else if let digest = transfer.piece.digest {
            send(call, digest, remaining: 0, version: transfer.version)
            responder.finish(call)
            close(call)
        } else {
            transfers[call]?.isReading = true
            wanted.append(transfer.read)
        }
    }

    func answered(_ call: CallID, _ result: Result<Reply, EtcdError>) throws(EtcdError) {
        guard case .failure(let error) = result else { unreachable("a snapshot is no answer") }
        throw error
    }

    func ended(_ call: CallID) {
        if transfers[call]?.isReading == true {
            // The pages that the reader reads must not be given back yet.
            transfers[call]?.hasEnded = true
        } else {
            close(call)
        }
    }

    // MARK: The file

    /// The file is there to be read.
    func opened(_ call: CallID, _ snapshot: StoreSnapshot) {
        transfers[call] = Transfer(
            read: SnapshotRead(token: RequestToken(call), snapshot: snapshot), version: snapshot.storageVersion,
            remaining: snapshot.byteCount)
        ready(call)
    }

    /// What the reader is to read now.
    func takeReads() -> [SnapshotRead] {
        guard !wanted.isEmpty else { return [] }
        defer { wanted = [] }
        return wanted
    }

    /// A piece has been read.
    func finished(_ read: SnapshotRead, _ result: Result<SnapshotRead.Piece, EtcdError>) throws(EtcdError) {
        let call = CallID(read.token)
        guard let transfer = transfers[call] else { return }
        transfers[call]?.isReading = false
        if transfer.hasEnded {
            close(call)
            return
        }
        transfers[call]?.piece = try result.get()
        transfers[call]?.sentOfPiece = 0
        ready(call)
    }

    private func sendBlob(_ call: CallID, _ transfer: Transfer) {
        let start = transfer.sentOfPiece
        let end = min(start + Self.blobByteCount, transfer.piece.bytes.count)
        let remaining = transfer.remaining - (end - start)
        transfers[call]?.sentOfPiece = end
        transfers[call]?.remaining = remaining
        send(call, Bytes(transfer.piece.bytes[start..<end]), remaining: remaining, version: transfer.version)
    }

    /// Sends a `SnapshotResponse`; its blob, field 3, is the last, so that it need not be copied once more.
    private func send(_ call: CallID, _ blob: Bytes, remaining: Int, version: Bytes) {
        var prefix = ProtoWriter(byteCount: version.count + 24)
        if remaining != 0 { prefix.field(2, varint: UInt64(remaining)) }
        if !version.isEmpty { prefix.field(4, bytes: version) }
        prefix.field(3, contentByteCount: blob.count)
        unsafe responder.server.send(call, prefix: prefix.bytes.span.bytes, body: blob)
    }

    private func close(_ call: CallID) {
        transfers[call] = nil
        node.closeSnapshot(RequestToken(call))
    }
}
