internal import Environment
internal import Glibc

/// The clocks of this machine.
package struct RealClock: Clock {
    package init() {}

    package func monotonicNanoseconds() -> UInt64 {
        let time = RealClock.read(CLOCK_MONOTONIC)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    package func unixNanoseconds() -> Int64 {
        let time = RealClock.read(CLOCK_REALTIME)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    private static func read(_ clock: clockid_t) -> timespec {
        var time = timespec()
        // It can fail only for a clock that does not exist, and these two exist on every Linux.
        unsafe clock_gettime(clock, &time)
        return time
    }
}
