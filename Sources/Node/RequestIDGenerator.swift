internal import Primitives

/// Numbers proposals so that a member never uses a number twice, across restarts included.
///
/// etcd packs 2 bytes of the member, 5 of the time in milliseconds and a counter of 1 byte that overflows into the time
/// (etcd v3.6 `pkg/idutil/id.go`). That repeats numbers after a restart of a server that made more than 256 a
/// millisecond; so we also start above every number found in the log.
struct RequestIDGenerator {
    private let prefix: UInt64
    private var suffix: UInt64

    private static let suffixMask: UInt64 = (1 << 48) - 1

    /// - Parameters:
    ///   - unixMilliseconds: the time of the start.
    ///   - greatestSeen: the greatest request number of this member in its log; 0 if none.
    init(member: MemberID, unixMilliseconds: UInt64, greatestSeen: UInt64) {
        prefix = (member.rawValue & 0xffff) << 48
        let now = (unixMilliseconds << 8) & Self.suffixMask
        let seen = Self.isOf(member, greatestSeen) ? greatestSeen & Self.suffixMask : 0
        suffix = max(now, seen)
    }

    /// Whether a number may have been made by a member.
    static func isOf(_ member: MemberID, _ requestID: UInt64) -> Bool {
        requestID >> 48 == member.rawValue & 0xffff
    }

    mutating func next() -> UInt64 {
        suffix = (suffix + 1) & Self.suffixMask
        return prefix | suffix
    }
}
