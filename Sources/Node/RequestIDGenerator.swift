internal import Environment
internal import Primitives

/// Numbers proposals so that a member never uses a number twice, across restarts included.
///
/// etcd packs 2 bytes of the member, 5 of the time in milliseconds and a counter of 1 byte that overflows into the time
/// (etcd v3.6 `pkg/idutil/id.go`). That repeats numbers after a restart of a server that made more than 256 a
/// millisecond, or whose clock was set back. Then what the process before had proposed answers the clients of this one:
/// its log may have lost it, the leader's has it still. So each process counts from a place of its own among 2^47, which
/// the times of two clocks and the member decide: that two meet is less likely than one in 10^8 for a million proposals.
struct RequestIDGenerator {
    private let prefix: UInt64
    private var suffix: UInt64

    private static let suffixMask: UInt64 = (1 << 48) - 1

    /// - Parameters:
    ///   - unixNanoseconds: the time of the start, by the clock that may be set back.
    ///   - monotonicNanoseconds: the same by the one that may not, and that begins anew with the machine.
    init(member: MemberID, unixNanoseconds: Int64, monotonicNanoseconds: UInt64) {
        prefix = (member.rawValue & 0xffff) << 48
        var entropy = SeededEntropy(seed: member.rawValue ^ UInt64(bitPattern: unixNanoseconds))
        var own = SeededEntropy(seed: entropy.next() ^ monotonicNanoseconds)
        suffix = own.next() & (Self.suffixMask >> 1)
        #if Simulation
        if Canary.proposalNumbersAgain.isChosen {
            suffix = UInt64(max(0, unixNanoseconds)) / 1_000_000 << 8 & Self.suffixMask
        }
        #endif
    }

    mutating func next() -> UInt64 {
        suffix = (suffix + 1) & Self.suffixMask
        return prefix | suffix
    }
}
