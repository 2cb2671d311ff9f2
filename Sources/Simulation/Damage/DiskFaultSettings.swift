internal import Environment

/// What goes wrong with the disks of a cluster. None of it unless a seed draws it.
package struct DiskFaultSettings: Equatable, Sendable {
    /// A call fails with EIO, in parts of the sum of all faults (`FaultMix`).
    package var error = 0
    /// There is no space left for a while.
    package var full = 0
    /// A write to the store's file never arrives, and is reported done.
    package var lostWrite = 0
    /// A machine loses power, and what its disk holds has changed when it starts (`DiskDamage`).
    package var damage = 0
    /// The only sort of damage there is; nil for any. Never drawn.
    package var onlyDamage: DiskDamage?
    /// How many of ten thousand calls stall; 0: calls take no time of their own.
    package var stallsPerTenThousand = 0
    /// What such a stall takes at most, in nanoseconds.
    package var stallNanoseconds: UInt64 = 0
    /// Time between two comparisons of the members' hashes by the leader, in nanoseconds; 0: never.
    package var hashCheckNanoseconds: UInt64 = 0
    /// Whether at the end the value of one member becomes another, which the comparison of hashes must find; 0 if not.
    package var endsWithSpoiledValue = 0
    /// In how many of a hundred times the file of a snapshot that a leader sends changes on its way (`SnapshotDamage`).
    package var damagedSnapshotPercent = 0
    /// Whether at the end, where no member can do without another, something becomes of the disk of one
    /// (`ClusterSimulation.ruin`); 0 if not.
    package var endsWithRuin = 0

    package init() {}

    init(entropy: inout SeededEntropy) {
        error = entropy.below(2) * 3
        full = entropy.below(2) * 2
        lostWrite = entropy.below(2) * 2
        damage = entropy.below(2) * 5
        if entropy.below(3) == 0 {
            stallsPerTenThousand = 1 + entropy.below(20)
            stallNanoseconds = UInt64(1 + entropy.below(2000)) * 1_000_000
        }
        if entropy.below(3) == 0 { hashCheckNanoseconds = UInt64(2 + entropy.below(20)) * 1_000_000_000 }
        endsWithSpoiledValue = entropy.below(8) == 0 ? 1 : 0
    }

    /// What came later than the rest, so that seeds change little.
    mutating func drawMore(_ entropy: inout SeededEntropy) {
        damagedSnapshotPercent = [0, 5, 30][entropy.below(3)]
        endsWithRuin = entropy.below(2)
    }

    var sum: Int { error + full + lostWrite + damage }
}
