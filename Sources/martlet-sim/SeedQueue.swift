internal import Simulation

/// Which runs are made, one after another: each seed by each kind.
struct SeedQueue {
    private let kinds: [RunKind]
    private let overrides: Overrides
    private var seed: UInt64
    private var remainingCount: UInt64
    private var nextKind = 0

    /// - Parameter seedCount: nil for no end.
    init(_ kinds: [RunKind], first: UInt64, seedCount: UInt64?, _ overrides: Overrides) {
        self.kinds = kinds
        self.overrides = overrides
        seed = first
        remainingCount = seedCount ?? .max
    }

    mutating func next() -> RunRequest? {
        guard remainingCount > 0 else { return nil }
        let request = RunRequest(kinds[nextKind], seed, overrides)
        nextKind += 1
        if nextKind == kinds.count {
            nextKind = 0
            seed &+= 1
            remainingCount -= 1
        }
        return request
    }
}
