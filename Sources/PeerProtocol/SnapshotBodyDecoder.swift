package import EtcdMessages
package import Primitives

/// Reads the body of a snapshot (etcd v3.6 `server/etcdserver/api/rafthttp/snapshot_sender.go`).
///
/// ```
/// | length: 8 bytes, most significant first | message | the store's file, to the end of the body |
/// ```
package struct SnapshotBodyDecoder {
    /// The greatest length of the message, in bytes: it says who is in the cluster, and nothing of keys.
    package static let maxMessageByteCount: UInt64 = 64 << 20

    private let decoder: MessageDecoder
    private var reader = ItemReader()
    private var byteCount: Int?
    /// The message, once all of it is here.
    package private(set) var message: RaftMessage?

    /// - Parameter decoder: of the thread that this one belongs to.
    package init(_ decoder: MessageDecoder) {
        self.decoder = decoder
    }

    /// Takes a piece of the body. Answers how many bytes at its front were not of the file.
    package mutating func take(_ piece: RawSpan) throws(PeerProtocolError) -> Int {
        var position = 0
        while message == nil {
            if let count = byteCount {
                let decoder = decoder
                var read: RaftMessage?
                let isWhole = try reader.take(count, piece, &position) { (item) throws(PeerProtocolError) in
                    read = try decoder.peerMessage(item)
                }
                guard isWhole else { return position }
                guard let read, read.type == .snap, let snapshot = read.snapshot, snapshot.metadata.index > 0 else {
                    throw .notASnapshot
                }
                message = read
            } else {
                var length: UInt64 = 0
                guard try reader.take(8, piece, &position, { length = $0.bigEndianNumber }) else { return position }
                guard length <= Self.maxMessageByteCount else { throw .limitExceeded(byteCount: length) }
                byteCount = Int(length)
            }
        }
        return position
    }

    /// The body is at its end.
    ///
    /// - Throws: if the message is not whole.
    package func end() throws(PeerProtocolError) {
        if message == nil { throw .endOfBody(isEmpty: !reader.isWithinItem) }
    }

    /// What stands in front of the file.
    package static func head(_ message: RaftMessage) -> Bytes {
        var head: Bytes = []
        message.appendFrame(to: &head)
        return head
    }
}
