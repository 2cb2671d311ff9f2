internal import Checksums
internal import Node
package import Primitives
internal import Store

/// The reading of a snapshot for a client, piece after piece, off the loop's thread.
///
/// `@unchecked Sendable`: it is handed to the reader's thread with each piece that is wanted and handed back with the piece, so
/// that only one thread has it at a time.
package final class SnapshotRead: @unchecked Sendable {
    /// A piece of the file; the last comes with the digest of all.
    package struct Piece: Sendable {
        var bytes: Bytes
        var digest: Bytes?
    }

    let token: RequestToken
    let snapshot: StoreSnapshot
    private var offset = 0
    private var digest: SHA256.Running? = SHA256.Running()

    /// Length of a piece in bytes: some messages' worth, so that the threads seldom wait for each other.
    private static let pieceByteCount = 16 * SnapshotService.blobByteCount

    init(token: RequestToken, snapshot: StoreSnapshot) {
        self.token = token
        self.snapshot = snapshot
    }

    /// Reads the next piece.
    package func run() -> Result<Piece, EtcdError> {
        do throws(StoreError) {
            let bytes = try snapshot.read(offset: offset, count: Self.pieceByteCount)
            offset += bytes.count
            digest?.update(bytes)
            guard offset == snapshot.byteCount || bytes.isEmpty else { return .success(Piece(bytes: bytes)) }
            return .success(Piece(bytes: bytes, digest: digest.take()?.finish()))
        } catch {
            return .failure(EtcdError(.unknown, "the snapshot cannot be read: \(error)"))
        }
    }
}
