package import EtcdMessages
internal import MVCC
internal import Primitives

/// Ranges answered in pieces (etcd v3.7 `server/etcdserver/v3_server.go`, `RangeStream`), all read at the revision of the
/// first. The shell pulls them, as it does the messages of watches: one piece is made ahead, and no more.
extension Node {
    /// Begins a range that `RequestChecks.checkStream` let pass. What follows is `streamReady`, or a failure as its reply.
    package func openRangeStream(_ request: RangeRequest, _ token: RequestToken) {
        var request = request
        // etcd 3.7.1 sorts each piece by the target of a sort without an order, and loses keys; ours is the keys' order.
        request.sortTarget = .key
        rangeStreams.wait(token)
        if request.serializable {
            beginStream(request, token)
        } else {
            enqueue(.rangeStream(request), token)
        }
    }

    /// The next piece, for a stream whose transport can take one; nil when there is none yet. After the last piece the
    /// stream is forgotten.
    package func nextRangeChunk(_ token: RequestToken) -> RangeChunk? {
        guard var stream = rangeStreams.take(token) else { return nil }
        guard stream.isChunkReady else {
            rangeStreams.putBack(token, stream)
            return nil
        }
        let isLast = stream.cursor.isDone
        let body = stream.cursor.takeBody()
        if !isLast {
            stream.takenRecordCount = stream.cursor.recordCount
            stream.adaptChunk(byteCount: body.count, maxRequestByteCount: settings.maxRequestByteCount)
            stream.isChunkReady = false
            rangeStreams.put(token, stream)
        }
        return RangeChunk(revision: stream.cursor.answerRevision, body: body, isLast: isLast)
    }

    /// Nobody waits for the rest. An unknown stream is ignored.
    package func closeRangeStream(_ token: RequestToken) {
        rangeStreams.close(token)
    }

    /// How many ranges are being answered in pieces.
    package var openRangeStreamCount: Int { rangeStreams.count }

    func beginStream(_ request: RangeRequest, _ token: RequestToken) {
        guard rangeStreams.isWaiting(token) else { return }
        do throws(MVCCError) {
            rangeStreams.open(token, try mvcc.openRange(request))
        } catch {
            fail(token, error)
        }
    }

    /// Gives each piece in the making one slice of work.
    func stepRangeStreams() {
        guard rangeStreams.hasWork else { return }
        for token in rangeStreams.takeActive() {
            guard let stream = rangeStreams.take(token) else { continue }
            step(stream, token)
        }
    }

    private func step(_ stream: consuming RangeStreams.Stream, _ token: RequestToken) {
        var budget = RangeBudget.slice
        let madeRecordCount = Int(stream.cursor.recordCount - stream.takenRecordCount)
        budget.recordCount = stream.chunkRecordCount - madeRecordCount
        do throws(MVCCError) {
            let isDone = try mvcc.step(&stream.cursor, budget: budget)
            let recordCount = Int(stream.cursor.recordCount - stream.takenRecordCount)
            stream.isChunkReady = isDone || recordCount >= stream.chunkRecordCount
            let isReady = stream.isChunkReady
            rangeStreams.put(token, stream)
            if isReady { emit(.streamReady(token)) }
        } catch {
            fail(token, error)
        }
    }

    private func fail(_ token: RequestToken, _ error: MVCCError) {
        rangeStreams.close(token)
        reply(token, .failure(error.etcdError))
    }
}
