/// What there is to count of watches.
package struct WatchCounters: Equatable, Sendable {
    package var streamCount = 0
    /// Watches that were created and not cancelled.
    package var watcherCount = 0
    /// Watches that catch up with history.
    package var slowWatcherCount = 0
    /// Events in memory that some watch may have yet to take.
    package var pendingEventCount = 0
    /// Events sent, once for each watch.
    package var sentEventCount: UInt64 = 0
}
