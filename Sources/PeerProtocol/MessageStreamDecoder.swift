package import EtcdMessages
package import Primitives

/// Reads the stream of messages: each `raftpb.Message` behind its length (etcd v3.6
/// `server/etcdserver/api/rafthttp/message_codec.go`).
///
/// ```
/// | length: 8 bytes, most significant first | message |
/// ```
package struct MessageStreamDecoder {
    /// The greatest length of a message, in bytes.
    package static let maxByteCount: UInt64 = 512 << 20

    private let decoder: MessageDecoder
    private var reader = ItemReader()
    /// The length of the message that comes next; nil if that comes next.
    private var byteCount: Int?

    /// - Parameter decoder: of the thread that this one belongs to.
    package init(_ decoder: MessageDecoder) {
        self.decoder = decoder
    }

    /// Takes a piece of the stream, and adds the messages that it ends. Link heartbeats are dropped.
    package mutating func decode(_ piece: RawSpan, into messages: inout [RaftMessage]) throws(PeerProtocolError) {
        var position = 0
        while true {
            if let count = byteCount {
                let decoder = decoder
                var message = RaftMessage()
                let isWhole = try reader.take(count, piece, &position) { (item) throws(PeerProtocolError) in
                    message = try decoder.peerMessage(item)
                }
                guard isWhole else { return }
                byteCount = nil
                if !message.isLinkHeartbeat { messages.append(message) }
            } else {
                var length: UInt64 = 0
                guard try reader.take(8, piece, &position, { length = $0.bigEndianNumber }) else { return }
                guard length <= Self.maxByteCount else { throw .limitExceeded(byteCount: length) }
                byteCount = Int(length)
            }
        }
    }
}

extension MessageDecoder {
    /// Decodes a message of Raft in either dialect of its encoding.
    package func peerMessage(_ bytes: RawSpan) throws(PeerProtocolError) -> RaftMessage {
        do throws(MessageError) {
            var message = try decode(RaftMessage.self, bytes)
            // etcd 3.5 sends an empty snapshot with every message.
            if message.type != .snap { message.snapshot = nil }
            return message
        } catch {
            throw .message(error)
        }
    }
}

extension RaftMessage {
    /// What is sent on an idle stream to show that it is alive.
    package static let linkHeartbeat: RaftMessage = {
        var message = RaftMessage()
        message.type = .heartbeat
        return message
    }()

    package var isLinkHeartbeat: Bool { type == .heartbeat && from == 0 && to == 0 }

    /// Adds the message with its length to a stream of messages.
    package func appendFrame(to output: inout Bytes) {
        let encoded = encoded()
        output.append(bigEndian: UInt64(encoded.count))
        output += encoded
    }
}

extension Array where Element == UInt8 {
    /// Adds a number in eight bytes, most significant first.
    mutating func append(bigEndian number: UInt64) {
        for shift in stride(from: 56, through: 0, by: -8) { append(UInt8(truncatingIfNeeded: number >> shift)) }
    }
}
