package import Environment
package import Primitives

/// The keys and values that a workload works on: numbered keys of one size, values whose bytes a compressor gains nothing
/// from.
package struct KeySpace: Sendable {
    package let prefix: Bytes
    package let keyCount: Int
    /// Bytes of a key; at least enough for its number.
    package let keyByteCount: Int
    package let valueByteCount: Int
    private let pool: Bytes

    package init(prefix: String = "bench/", keyCount: Int, keyByteCount: Int, valueByteCount: Int, seed: UInt64) {
        self.prefix = Bytes(text: prefix)
        self.keyCount = max(1, keyCount)
        self.keyByteCount = keyByteCount
        self.valueByteCount = valueByteCount
        var entropy = SeededEntropy(seed: seed)
        pool = (0..<(valueByteCount + 4096)).map { _ in UInt8(truncatingIfNeeded: entropy.next()) }
    }

    /// The key of a number, filled up with zeros in front.
    package func key(_ number: Int) -> Bytes {
        let digits = Bytes(text: String(number))
        let filling = max(0, keyByteCount - prefix.count - digits.count)
        return prefix + Bytes(repeating: UInt8(ascii: "0"), count: filling) + digits
    }

    /// A key of the space by chance.
    package func randomKey(_ entropy: inout SeededEntropy) -> Bytes {
        key(Int.random(in: 0..<keyCount, using: &entropy))
    }

    /// A value: a piece of the same random bytes, at another place each time.
    package func value(_ entropy: inout SeededEntropy) -> Bytes {
        let start = Int.random(in: 0..<4096, using: &entropy)
        return Bytes(pool[start..<start + valueByteCount])
    }

    /// The end of the range of all keys: the least key that none of them starts.
    package var rangeEnd: Bytes {
        var end = prefix
        end[end.count - 1] += 1
        return end
    }
}
