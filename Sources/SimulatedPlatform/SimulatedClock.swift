internal import Environment
internal import Synchronization

/// Clocks that stand still until a test moves them.
package final class SimulatedClock: Clock {
    private struct Times {
        var monotonic: UInt64
        var unix: Int64
    }

    private let times: Mutex<Times>

    /// Clocks that show these times, in nanoseconds.
    package init(monotonicNanoseconds: UInt64 = 0, unixNanoseconds: Int64 = 0) {
        times = Mutex(Times(monotonic: monotonicNanoseconds, unix: unixNanoseconds))
    }

    package func monotonicNanoseconds() -> UInt64 { times.withLock { $0.monotonic } }

    package func unixNanoseconds() -> Int64 { times.withLock { $0.unix } }

    /// Lets time pass, on both clocks.
    package func advance(nanoseconds: UInt64) {
        times.withLock { times in
            times.monotonic += nanoseconds
            times.unix += Int64(nanoseconds)
        }
    }

    /// Sets the time of day, forwards or back, as an operator or NTP may.
    package func setUnix(nanoseconds: Int64) {
        times.withLock { $0.unix = nanoseconds }
    }
}
