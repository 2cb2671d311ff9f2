/// Who watches what, for `LoadRun.runWatch`.
package struct WatchPlan: Sendable {
    /// Streams of all watching connections together.
    package var streamCount = 1
    /// Watchers of all streams together.
    package var watcherCount = 1
    /// Whether all watch the same key, so that each put is an event for each of them; else each has its own.
    package var sharesKey = true
    /// Whether events come with the pair they replaced.
    package var wantsPrevious = false

    package init() {}

    /// Events that so many puts, dealt out over the keys in turn, make.
    func eventCount(puts: UInt64) -> UInt64 { sharesKey ? puts * UInt64(watcherCount) : puts }
}
