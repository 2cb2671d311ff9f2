internal import Metrics
internal import Node

/// How long what other threads do for the loop took: noted by the loop, as they report it.
struct ServerTimings {
    /// Writes of the log, each of all that waited for it, and syncs of them and of snapshots' records.
    private(set) var logWrites = Histogram(.exponential(start: 0.001, factor: 2, count: 14))
    private(set) var logSyncs = Histogram(.exponential(start: 0.001, factor: 2, count: 14))
    private(set) var logByteCount: UInt64 = 0

    /// Commits of the store's file: making the pages, writing and syncing them, and both.
    private(set) var commitPlans = Histogram(.exponential(start: 0.001, factor: 2, count: 14))
    private(set) var commitWrites = Histogram(.exponential(start: 0.001, factor: 2, count: 14))
    private(set) var commits = Histogram(.exponential(start: 0.001, factor: 2, count: 14))

    /// Records of snapshots (`.snap`): encoding, writing and syncing the file, and both.
    private(set) var snapshotEncodings = Histogram(.exponential(start: 0.001, factor: 2, count: 14))
    private(set) var snapshotFiles = Histogram(.exponential(start: 0.001, factor: 2, count: 14))
    private(set) var snapshots = Histogram(.exponential(start: 0.001, factor: 2, count: 14))

    /// Hashes of the whole store, and of the keys at a revision.
    private(set) var hashes = Histogram(.exponential(start: 0.01, factor: 2, count: 15))
    private(set) var revisionHashes = Histogram(.exponential(start: 0.01, factor: 2, count: 15))

    mutating func logWritten(_ timing: LogTiming) {
        logWrites.observe(nanoseconds: timing.writeNanoseconds)
        logSyncs.observe(nanoseconds: timing.syncNanoseconds)
        logByteCount = timing.writtenByteCount
    }

    mutating func snapshotSaved(_ timing: SnapshotTiming) {
        snapshotEncodings.observe(nanoseconds: timing.encodingNanoseconds)
        snapshotFiles.observe(nanoseconds: timing.fileNanoseconds)
        snapshots.observe(nanoseconds: timing.encodingNanoseconds &+ timing.fileNanoseconds)
        logSyncs.observe(nanoseconds: timing.recordNanoseconds)
        logByteCount = timing.writtenByteCount
    }

    mutating func committed(_ timing: CommitTiming) {
        commitPlans.observe(nanoseconds: timing.planNanoseconds)
        commitWrites.observe(nanoseconds: timing.writeNanoseconds)
        commits.observe(nanoseconds: timing.planNanoseconds &+ timing.writeNanoseconds)
    }

    mutating func readFinished(_ read: LongRead, nanoseconds: UInt64) {
        switch read {
        case .hash: hashes.observe(nanoseconds: nanoseconds)
        case .hashKV: revisionHashes.observe(nanoseconds: nanoseconds)
        }
    }
}

/// What one commit of the store's file took.
struct CommitTiming: Sendable {
    /// Making the pages that change.
    var planNanoseconds: UInt64
    /// Writing and syncing them.
    var writeNanoseconds: UInt64
}
