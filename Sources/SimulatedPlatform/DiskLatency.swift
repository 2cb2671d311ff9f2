package import Environment

/// How long the calls on a disk take: mostly a little, now and then very long, as disks that are shared, worn or full do.
package struct DiskLatency: Sendable {
    /// What a call takes at most, unless it stalls, in nanoseconds.
    package var callNanoseconds: UInt64
    /// What a sync takes at most, unless it stalls, in nanoseconds.
    package var syncNanoseconds: UInt64
    /// How many of ten thousand calls stall.
    package var stallsPerTenThousand: UInt64
    /// What a stall takes at most, in nanoseconds.
    package var stallNanoseconds: UInt64
    private var entropy: SeededEntropy

    package init(
        callNanoseconds: UInt64, syncNanoseconds: UInt64, stallsPerTenThousand: UInt64, stallNanoseconds: UInt64,
        entropy: SeededEntropy
    ) {
        self.callNanoseconds = callNanoseconds
        self.syncNanoseconds = syncNanoseconds
        self.stallsPerTenThousand = stallsPerTenThousand
        self.stallNanoseconds = stallNanoseconds
        self.entropy = entropy
    }

    /// Draws the time of a call, and adds it.
    mutating func spend(on operation: DiskOperation, _ sum: inout UInt64) {
        let draw = entropy.next()
        let most =
            if draw % 10_000 < stallsPerTenThousand {
                stallNanoseconds
            } else {
                operation.category == .sync ? syncNanoseconds : callNanoseconds
            }
        sum += (draw >> 16) % (most + 1)
    }
}
