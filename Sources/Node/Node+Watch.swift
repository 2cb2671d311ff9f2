package import EtcdMessages
internal import Primitives

/// Watches. The shell pulls: it asks for a stream's next message when told that there is one (`streamReady`), and each
/// time the stream's transport has taken the last. So a client that does not read costs no more than it did when it
/// stopped reading.
extension Node {
    /// A client opened a stream of watches.
    package func openWatchStream(_ stream: RequestToken) {
    }

    /// A client asks for a watch. It is answered in the stream, refusals too.
    package func createWatch(_ request: WatchCreateRequest, on stream: RequestToken) {
    }

    /// A client ends a watch.
    package func cancelWatch(_ id: Int64, on stream: RequestToken) {
    }

    /// A client asks how far all watches of a stream have come.
    package func requestWatchProgress(on stream: RequestToken) {
    }

    /// A stream ended, whoever ended it; an unknown one is ignored.
    package func closeWatchStream(_ stream: RequestToken) {
    }

    /// Whether the next request of a stream should be read. One whose client does not read the answers gives too many
    /// to keep; each message pulled may make it so again.
    package func takesWatchRequests(_ stream: RequestToken) -> Bool {
        true
    }

    /// The next message for a stream whose transport can take one; nil when there is none now. Then `streamReady` tells
    /// when there is one again.
    package func nextWatchMessage(_ stream: RequestToken) -> StreamMessage? {
        nil
    }
}
