package import EtcdMessages
package import Primitives

/// Reads the stream of entries, `msgapp` in its second version (etcd v3.6
/// `server/etcdserver/api/rafthttp/msgappv2_codec.go`).
///
/// ```
/// | 0 |                                                        link heartbeat
/// | 1 | count | length | entry | length | entry | ... | commit |  entries that follow the last
/// | 2 | length | message |                                     any MsgApp
/// ```
/// Numbers have eight bytes, most significant first. What of a MsgApp follows from the frames before is not sent in a frame
/// of kind 1: its term, and the index that its entries stand behind.
package struct AppendStreamDecoder {
    /// More entries than there are in any message of a leader: those are of 1 MiB unless a single entry is larger.
    package static let maxEntryCount: UInt64 = 1 << 20

    private enum Expected {
        case type
        case entryCount
        case entryLength
        case entry(Int)
        case commit
        case messageLength
        case message(Int)

        var byteCount: Int {
            switch self {
            case .type: 1
            case .entryCount, .entryLength, .commit, .messageLength: 8
            case .entry(let count), .message(let count): count
            }
        }
    }

    private let remote: MemberID
    private let local: MemberID
    private let decoder: MessageDecoder
    private var reader = ItemReader()
    private var expected = Expected.type
    private var term: UInt64 = 0
    /// The last entry of the frames before.
    private var index: UInt64 = 0

    /// The frame of entries that is being read.
    private var entries: [RaftEntry] = []
    private var remainingCount: UInt64 = 0
    private var frameByteCount: UInt64 = 0

    /// - Parameter decoder: of the thread that this one belongs to.
    package init(from remote: MemberID, to local: MemberID, _ decoder: MessageDecoder) {
        self.remote = remote
        self.local = local
        self.decoder = decoder
    }

    /// Takes a piece of the stream, and adds the messages that it ends. Link heartbeats are dropped.
    package mutating func decode(_ piece: RawSpan, into messages: inout [RaftMessage]) throws(PeerProtocolError) {
        var position = 0
        // Taken out, for the reader lends an item that the rest of this value then reads.
        var reader = reader
        self.reader = ItemReader()
        defer { self.reader = reader }
        while true {
            let byteCount = expected.byteCount
            let isWhole = try reader.take(byteCount, piece, &position) { (item) throws(PeerProtocolError) in
                try self.read(item, &messages)
            }
            guard isWhole else { return }
        }
    }

    private mutating func read(_ item: RawSpan, _ messages: inout [RaftMessage]) throws(PeerProtocolError) {
        switch expected {
        case .type: try begin(item.onlyByte)
        case .entryCount:
            remainingCount = item.bigEndianNumber
            guard remainingCount <= Self.maxEntryCount else { throw .tooManyEntries(remainingCount) }
            frameByteCount = 0
            expected = remainingCount == 0 ? .commit : .entryLength
        case .entryLength:
            expected = .entry(try length(item))
        case .entry:
            entries.append(try entry(item))
            remainingCount -= 1
            expected = remainingCount == 0 ? .commit : .entryLength
        case .commit:
            messages.append(append(commit: item.bigEndianNumber))
            expected = .type
        case .messageLength:
            frameByteCount = 0
            expected = .message(try length(item))
        case .message:
            let message = try decoder.peerMessage(item)
            term = message.term
            index = message.entries.last?.index ?? message.index
            messages.append(message)
            expected = .type
        }
    }

    private mutating func begin(_ type: UInt8) throws(PeerProtocolError) {
        switch type {
        case AppendStreamFrame.linkHeartbeat: expected = .type
        case AppendStreamFrame.entries: expected = .entryCount
        case AppendStreamFrame.message: expected = .messageLength
        default: throw .unknownFrame(type)
        }
    }

    /// Reads the length of a part of a frame. All parts of one together may be as long as one may be.
    private mutating func length(_ item: RawSpan) throws(PeerProtocolError) -> Int {
        let length = item.bigEndianNumber
        guard length <= MessageStreamDecoder.maxByteCount - frameByteCount else {
            throw .limitExceeded(byteCount: length)
        }
        frameByteCount += length
        return Int(length)
    }

    private func entry(_ item: RawSpan) throws(PeerProtocolError) -> RaftEntry {
        do throws(MessageError) {
            return try decoder.decode(RaftEntry.self, item)
        } catch {
            throw .message(error)
        }
    }

    private mutating func append(commit: UInt64) -> RaftMessage {
        var message = RaftMessage()
        message.type = .app
        message.from = remote.rawValue
        message.to = local.rawValue
        message.term = term
        message.logTerm = term
        message.index = index
        message.commit = commit
        index &+= UInt64(entries.count)
        message.entries = entries
        entries = []
        return message
    }
}

/// The kinds of frames in a stream of entries.
enum AppendStreamFrame {
    static let linkHeartbeat: UInt8 = 0
    static let entries: UInt8 = 1
    static let message: UInt8 = 2
}

extension RawSpan {
    /// The byte of a span that has just one.
    fileprivate var onlyByte: UInt8 {
        assertAlways(byteCount == 1, "one byte")
        return unsafe unsafeLoad(as: UInt8.self)
    }
}
