internal import MVCC
internal import Primitives

/// Ranges under way that are answered in pieces. Of each, one piece is made ahead of its client.
struct RangeStreams {
    struct Stream {
        var cursor: RangeCursor
        /// How many records the piece in the making may have.
        var chunkRecordCount: Int
        /// How many records had been taken before it.
        var takenRecordCount: Int64 = 0
        /// Whether the piece is complete, and waits to be taken.
        var isChunkReady = false

        /// Sets how many records the next piece may have, by how long the last was: more if it was short, fewer if it was
        /// long.
        mutating func adaptChunk(byteCount: Int, maxRequestByteCount: Int) {
            if byteCount < maxRequestByteCount / 2 {
                chunkRecordCount = min(chunkRecordCount * 2, RangeStreams.maxChunkRecordCount)
            } else if byteCount / 2 > maxRequestByteCount {
                chunkRecordCount = max(1, chunkRecordCount / 2)
            }
        }
    }

    private enum State {
        /// The revision to read at is not known yet.
        case waiting
        case open(Stream)
    }

    private var streams: [RequestToken: State] = [:]
    /// Those with a piece in the making, in the order of their last slices.
    private var active: [RequestToken] = []

    /// Records in the first piece (etcd v3.7 `server/etcdserver/v3_server.go`, `RangeStream`).
    static let firstChunkRecordCount = 10

    /// Bound of the doubling, for records that have next to no length.
    static let maxChunkRecordCount = 1 << 20

    var count: Int { streams.count }
    var hasWork: Bool { !active.isEmpty }

    mutating func wait(_ token: RequestToken) {
        streams[token] = .waiting
    }

    /// Whether a stream waits for its revision; one that was closed does not.
    func isWaiting(_ token: RequestToken) -> Bool {
        if case .waiting? = streams[token] { true } else { false }
    }

    mutating func open(_ token: RequestToken, _ cursor: RangeCursor) {
        put(token, Stream(cursor: cursor, chunkRecordCount: Self.firstChunkRecordCount))
    }

    /// Puts back a stream that was only looked at.
    mutating func putBack(_ token: RequestToken, _ stream: Stream) {
        streams[token] = .open(stream)
    }

    /// Puts back a stream that was worked on, to be worked on again if its piece is not complete.
    mutating func put(_ token: RequestToken, _ stream: Stream) {
        streams[token] = .open(stream)
        if !stream.isChunkReady { active.append(token) }
    }

    /// Those with a piece in the making. One that was closed meanwhile is not found any more.
    mutating func takeActive() -> [RequestToken] {
        defer { active = [] }
        return active
    }

    /// Takes a stream to work on it; nil if there is none, or it waits.
    mutating func take(_ token: RequestToken) -> Stream? {
        guard case .open(let stream)? = streams[token] else { return nil }
        streams[token] = nil
        return stream
    }

    mutating func close(_ token: RequestToken) {
        streams[token] = nil
    }
}
