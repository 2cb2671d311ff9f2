internal import Environment

/// What a loss of power leaves of the changes that were not synced.
package enum CrashPolicy: Equatable, Sendable {
    /// Nothing: exactly what was synced.
    case loseAllUnsynced
    /// Everything, as if all had been synced in time.
    case keepAll
    /// Of each file's changes only the latest, whole, and of those of directories, too, unless it needs one that is lost: what
    /// was done last arrives, and what it counts on does not.
    case latestOnly
    /// Each sector of a write, each length and each directory entry by itself with this probability, in percent. Writes are so torn at
    /// any sector and survive in any order.
    case random(survivalPercent: Int)
    /// Each write whole, not at all, or torn: its first sectors, its last or some in the middle. Lengths and directory
    /// entries with even chances.
    case torn
    /// The n-th decision is bit n of the number: kept if set; those beyond the 64th are lost. Counting upwards to
    /// 2 to the power of `SimulatedDisk.crashDecisionCount` visits everything that can be found.
    case choices(UInt64)
}

/// Carries out a policy: makes its decisions one after another.
struct CrashChooser {
    private let policy: CrashPolicy
    private(set) var entropy: SeededEntropy
    /// How many yes-or-no decisions were asked for, under `.choices`.
    private(set) var decisionCount = 0
    /// Whether what is decided on is the latest change of its file, or of directories.
    var isLatest = false

    init(_ policy: CrashPolicy, entropy: SeededEntropy) {
        self.policy = policy
        self.entropy = entropy
    }

    /// Whether one thing that is kept or lost as a whole is kept.
    private mutating func keepsNext() -> Bool {
        switch policy {
        case .loseAllUnsynced: return false
        case .keepAll: return true
        case .latestOnly: return isLatest
        case .random(let survivalPercent): return Int.random(in: 0..<100, using: &entropy) < survivalPercent
        case .torn: return Bool.random(using: &entropy)
        case .choices(let bits):
            defer { decisionCount += 1 }
            return decisionCount < 64 && bits >> UInt64(decisionCount) & 1 == 1
        }
    }

    /// Whether a change of a directory is kept.
    mutating func keepEntry() -> Bool { keepsNext() }

    /// Whether a length that was set is kept.
    mutating func keepLength() -> Bool { keepsNext() }

    /// Which sectors of a write are kept.
    mutating func keepSectors(count: Int) -> [Bool] {
        switch policy {
        case .loseAllUnsynced: return Array(repeating: false, count: count)
        case .keepAll: return Array(repeating: true, count: count)
        case .latestOnly: return Array(repeating: isLatest, count: count)
        case .random, .choices:
            var kept: [Bool] = []
            kept.reserveCapacity(count)
            for _ in 0..<count { kept.append(keepsNext()) }
            return kept
        case .torn:
            let range = tear(count: count)
            return (0..<count).map(range.contains)
        }
    }

    private mutating func tear(count: Int) -> Range<Int> {
        switch Int.random(in: 0..<5, using: &entropy) {
        case 0: return 0..<count
        case 1: return 0..<0
        case 2: return 0..<Int.random(in: 0...count, using: &entropy)
        case 3: return Int.random(in: 0...count, using: &entropy)..<count
        default:
            let first = Int.random(in: 0...count, using: &entropy)
            let second = Int.random(in: 0...count, using: &entropy)
            return min(first, second)..<max(first, second)
        }
    }

    /// What is left of a write's lengthening of the file from `old` to `new`; nil if nothing.
    ///
    /// A long write lengthens the file in steps, so a length in between is possible, at the end of a sector.
    mutating func keepByteCount(_ new: Int, from old: Int) -> Int? {
        if keepsNext() { return new }
        switch policy {
        case .loseAllUnsynced, .keepAll, .latestOnly, .choices: return nil
        case .random(let survivalPercent) where survivalPercent <= 0: return nil
        case .random, .torn:
            let sector = SparseImage.sectorByteCount
            let boundaries = (old / sector + 1)...max(old / sector + 1, (new - 1) / sector)
            let boundary = Int.random(in: boundaries, using: &entropy) * sector
            return boundary < new && Bool.random(using: &entropy) ? boundary : nil
        }
    }
}
