internal import MVCC
internal import Primitives

/// Notices of progress: promises that a watch, or all of a stream's, have every event up to a revision.
///
/// They wait in the same queue as events, behind those that came before (ordering rule 9). Should a watcher fall behind
/// in the meantime, the promise is not kept, and so not sent.
extension WatchHub {
    /// A client asks how far all its stream's watches have come. Answered only if each has begun and lacks nothing but what
    /// waits in the queue; one cancelled by a compaction lacks something until its client cancels it.
    package func requestProgress(on id: WatchStreamID) {
        let current = mvcc.currentRevision
        #if Simulation
        let isEarly = Canary.progressOvertakesEvents.isChosen
        #else
        let isEarly = false
        #endif
        guard let stream = streams[id], !stream.watchers.isEmpty, stream.lateCount == 0 || isEarly,
            stream.hasBegun(at: current), takesRequests(id)
        else { return }
        enqueue(.progress(revision: current, promise: stream.promise), on: stream)
    }

    /// When `tick` has something to do, in nanoseconds of the monotonic clock.
    package var nextTick: UInt64 { nextNotice }

    /// Gives the notices of progress that are due.
    package func tick(now: UInt64) {
        guard now >= nextNotice else { return }
        // Streams come due one by one, but not each of very many needs a walk through all.
        var next = UInt64.max
        for stream in streamList {
            if stream.nextNotice <= now {
                notify(stream)
                schedule(stream, now: now)
            }
            next = min(next, stream.nextNotice)
        }
        nextNotice = max(next, Self.sum(now, settings.progressIntervalNanoseconds / 1000))
    }

    func scheduleNotice(_ stream: WatchStream, now: UInt64) {
        schedule(stream, now: now)
        nextNotice = min(nextNotice, stream.nextNotice)
    }

    /// The interval and up to a tenth of it, spread by the stream's number, so that streams opened at one time do not
    /// all come due at one.
    private func schedule(_ stream: WatchStream, now: UInt64) {
        let interval = settings.progressIntervalNanoseconds
        let mixed = (stream.id.rawValue &+ stream.noticeCount &* 0xd134_2543_de82_ef95) &* 0x9e37_79b9_7f4a_7c15
        stream.noticeCount &+= 1
        stream.nextNotice = Self.sum(Self.sum(now, interval), (mixed >> 16) % max(1, interval / 10))
    }

    private static func sum(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let (sum, isOverflow) = left.addingReportingOverflow(right)
        return isOverflow ? .max : sum
    }

    private func notify(_ stream: WatchStream) {
        let current = mvcc.currentRevision
        for watcher in stream.watchers.watchers where watcher.wantsProgress {
            if watcher.isNoticeDue, !watcher.isNoticeQueued, !watcher.isQueued, watcher.state == .live,
                watcher.startRevision <= current
            {
                watcher.isNoticeQueued = true
                enqueue(.notice(watcher, revision: current, promise: stream.promise), on: stream)
            }
            watcher.isNoticeDue = true
        }
    }
}
