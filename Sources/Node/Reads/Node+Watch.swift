internal import Apply
internal import Auth
package import EtcdMessages
internal import MVCC
internal import Primitives
package import Watch

/// Watches. The shell pulls: it asks for a stream's next message when told that there is one (`streamReady`), and each
/// time the stream's transport has taken the last. So a client that does not read costs no more than it did when it
/// stopped reading.
extension Node {
    /// A client opened a stream of watches.
    package func openWatchStream(_ stream: RequestToken) {
        watches.open(WatchStreamID(stream), now: now)
    }

    /// A client asks for a watch. It is answered in the stream, refusals too.
    package func createWatch(_ request: WatchCreateRequest, on stream: RequestToken) {
        watches.create(request, on: WatchStreamID(stream), denial: denial(of: request))
    }

    /// Why a client may not read what it wants to watch; nil if it may. No client has credentials yet.
    private func denial(of request: WatchCreateRequest) -> EtcdError? {
        do throws(EtcdError) {
            try applier.auth.check(
                .watch(key: request.key, rangeEnd: request.rangeEnd), at: .execution, .none, leases: applier.leases)
            return nil
        } catch {
            return error
        }
    }

    /// A client ends a watch.
    package func cancelWatch(_ id: Int64, on stream: RequestToken) {
        watches.cancel(id, on: WatchStreamID(stream))
    }

    /// A client asks how far all watches of a stream have come.
    package func requestWatchProgress(on stream: RequestToken) {
        watches.requestProgress(on: WatchStreamID(stream))
    }

    /// A stream ended, whoever ended it; an unknown one is ignored.
    package func closeWatchStream(_ stream: RequestToken) {
        watches.close(WatchStreamID(stream))
    }

    /// Whether the next request of a stream should be read. One whose client does not read the answers gives too many
    /// to keep; each message pulled may make it so again.
    package func takesWatchRequests(_ stream: RequestToken) -> Bool {
        watches.takesRequests(WatchStreamID(stream))
    }

    /// The next message for a stream whose transport can take one; nil when there is none now. Then `streamReady` tells
    /// when there is one again.
    package func nextWatchMessage(_ stream: RequestToken) -> StreamMessage? {
        guard !isStopped else { return nil }
        do throws(MVCCError) {
            guard let answer = try watches.nextMessage(WatchStreamID(stream)) else { return nil }
            return StreamMessage(revision: answer.revision, body: answer.body)
        } catch {
            stop(.mvcc(error))
            return nil
        }
    }

    /// What there is to count of watches.
    package var watchCounters: WatchCounters { watches.counters }

    // MARK: Within the node

    /// An entry has changed keys.
    func publishChanges() {
        do throws(MVCCError) {
            try watches.publish(mvcc.lastChanges)
        } catch {
            stop(.mvcc(error))
        }
    }

    /// Gives watches that catch up with history their next slice, and tells of streams that have a message.
    func stepWatches() {
        do throws(MVCCError) {
            if watches.hasWork { try watches.step() }
        } catch {
            stop(.mvcc(error))
            return
        }
        for stream in watches.takeAnnounced() { emit(.streamReady(RequestToken(rawValue: stream.rawValue))) }
    }
}

extension WatchStreamID {
    fileprivate init(_ token: RequestToken) {
        self.init(rawValue: token.rawValue)
    }
}
