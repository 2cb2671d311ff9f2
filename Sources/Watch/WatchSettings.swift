internal import Primitives

/// How watches are served. What an operator sets comes first; the rest bounds time and memory.
package struct WatchSettings: Equatable, Sendable {
    /// `--watch-progress-notify-interval`: time between two notices of progress to a watch that asked for them, in
    /// nanoseconds; each is up to a tenth longer.
    package var progressIntervalNanoseconds: UInt64 = 600_000_000_000
    /// From how many bytes on a message is split, if its watch allows it: what a gRPC client takes by default when
    /// `--max-request-bytes` is as it is by default.
    package var fragmentByteCount = Limits.maxRequestByteCount + Limits.gRPCOverheadByteCount

    /// Greatest size of the log of events, in bytes and in events. A watch that has not taken an event when it leaves
    /// the log reads it from history.
    package var logByteCount = 16 << 20
    package var logEventCount = 16_384
    /// How many events of the log a watch notes as its own; those beyond are looked for when it is their turn.
    package var notedEventCount = 32

    /// From how many bytes on, or revisions, a message takes in no further revision.
    package var messageByteCount = 256 << 10
    package var messageRevisionCount = 1000

    /// What one slice of a walk through history may pass: records, bytes of records, and
    /// watches of the keys that it meets.
    package var sliceRecordCount = 1000
    package var sliceByteCount = 256 << 10
    package var sliceMatchCount = 4096
    /// From how many bytes on, or events, of history that a stream has yet to take the walk leaves its watches out.
    package var heldByteCount = 64 << 10
    package var heldEventCount = 512
    /// How many bytes of history all streams together may hold before watches that allow fragments, whose batches are
    /// as large as a fragment, are held as short as the others.
    package var sharedHeldByteCount = 32 << 20

    /// How many answers to requests a stream may have waiting before its next request is read (etcd v3.6
    /// `server/etcdserver/api/v3rpc/watch.go`, `ctrlStreamBufLen`).
    package var waitingAnswerCount = 16

    package init() {}
}
