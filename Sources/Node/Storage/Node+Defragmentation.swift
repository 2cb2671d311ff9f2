internal import BoltStore
internal import Primitives
internal import Store

/// Defragmentation: the store's file gets rid of its free pages in slices, one with each commit. Nothing waits for it.
extension Node {
    /// Whether a defragmentation is under way.
    package var isDefragmenting: Bool { defragmentation.isRunning }

    /// A client wants the file defragmented, and hears when it is. All who want it meanwhile share the run.
    ///
    /// What readers of older states pin stays where it is, and then the file is as small as they let it be.
    package func defragment(_ token: RequestToken) {
        defragmentation.waiters.append(token)
        beginDefragmentation()
    }

    /// Begins one at the start of the process if enough is free (etcd v3.6 `server/storage/backend.go`,
    /// `maybeDefragBackend`). Unlike etcd's it keeps nobody waiting.
    func defragmentIfWorthwhile() {
        let threshold = settings.bootstrapDefragmentationByteCount
        guard threshold > 0, store.sizeByteCount - store.sizeInUseByteCount >= threshold else { return }
        beginDefragmentation()
    }

    private func beginDefragmentation() {
        guard !store.isDefragmenting else { return }
        // Records deleted by now make room, too.
        freezeStore()
        store.beginDefragmentation()
        defragmentation.start = now
        defragmentation.nextSlice = now
        defragmentation.isRunning = true
        measurements.defragmentationBegan()
        report(percent: 0, byteCount: 0)
    }

    /// A commit may have been a slice, or the last one.
    func advanceDefragmentation() {
        guard defragmentation.isRunning else { return }
        guard let progress = store.defragmentationProgress else {
            defragmentation.isRunning = false
            measurements.defragmentationEnded()
            report(percent: 100, byteCount: defragmentation.byteCount)
            let waiters = defragmentation.waiters
            defragmentation.waiters = []
            for token in waiters { reply(token, .success(.withoutHeader)) }
            return
        }
        defragmentation.byteCount = progress.movedByteCount
        defragmentation.nextSlice = now + DefragmentationRun.pauseNanoseconds
        if now - defragmentation.lastReport >= DefragmentationRun.reportNanoseconds {
            report(percent: progress.percent, byteCount: progress.movedByteCount)
        }
    }

    private func report(percent: Int, byteCount: Int) {
        defragmentation.lastReport = now
        emit(
            .progress(
                NodeProgress(
                    operation: .defragmentation, percent: percent, byteCount: byteCount,
                    nanoseconds: now - defragmentation.start)))
    }
}

/// The run of a defragmentation, as the node paces it.
struct DefragmentationRun {
    /// Who wants to hear of its end.
    var waiters: [RequestToken] = []
    var isRunning = false
    /// Times, in nanoseconds of the monotonic clock.
    var start: UInt64 = 0
    var nextSlice: UInt64 = 0
    var lastReport: UInt64 = 0
    /// Bytes moved.
    var byteCount = 0

    /// Time between two slices when there is nothing else to write: the disk is the log's as well.
    static let pauseNanoseconds: UInt64 = 5_000_000
    static let reportNanoseconds: UInt64 = 1_000_000_000
}
