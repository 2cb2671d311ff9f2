/// A generator of random numbers that a seed determines (SplitMix64).
///
/// Everything random in the core takes its numbers from outside as `RandomNumberGenerator`. A simulation splits one seed
/// into a generator per purpose, so that one more draw for one purpose does not shift the others.
package struct SeededEntropy: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// A generator of its own for one purpose.
    package mutating func split() -> SeededEntropy {
        SeededEntropy(seed: next())
    }
}
