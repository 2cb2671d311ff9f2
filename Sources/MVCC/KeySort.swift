internal import Primitives

/// Sorts many keys that lie one behind the other, eight bytes at a time: a comparison of two numbers at hand instead of
/// two look-ups in memory. Keys that agree in eight bytes are sorted by the next eight.
enum KeySort {
    /// Eight bytes of a key as a number, and how many of them it has: a key sorts after those it continues.
    private struct Chunk: Comparable {
        var bytes: UInt64
        var count: UInt8
        /// The key that it is of. Equal keys stay in their order.
        var key: Int

        static func < (left: Chunk, right: Chunk) -> Bool {
            if left.bytes != right.bytes { return left.bytes < right.bytes }
            if left.count != right.count { return left.count < right.count }
            return left.key < right.key
        }
    }

    /// The numbers from 0 to `count`, in the order of the keys that they stand for.
    ///
    /// - Parameter range: where in `keys` a key is.
    static func sortedOrder(count: Int, keys: Bytes, range: (Int) -> Range<Int>) -> [Int] {
        var order = Array(0..<count)
        var open = [(range: 0..<count, offset: commonPrefix(count: count, keys: keys, range: range))]
        var chunks: [Chunk] = []
        // A stack of our own: keys may agree for a million bytes.
        while let (part, offset) = open.popLast() {
            chunks.removeAll(keepingCapacity: true)
            for place in part { chunks.append(chunk(of: order[place], at: offset, keys, range(order[place]))) }
            chunks.sort()
            var start = 0
            for index in chunks.indices {
                order[part.lowerBound + index] = chunks[index].key
                let isLast = index + 1 == chunks.count
                guard
                    isLast || chunks[index + 1].bytes != chunks[index].bytes
                        || chunks[index + 1].count != chunks[index].count
                else { continue }
                if index > start, chunks[index].count == 8 {
                    let lower = part.lowerBound + start
                    open.append((lower..<part.lowerBound + index + 1, offset + 8))
                }
                start = index + 1
            }
        }
        return order
    }

    /// Number of bytes with which all keys begin.
    private static func commonPrefix(count: Int, keys: Bytes, range: (Int) -> Range<Int>) -> Int {
        guard count > 0 else { return 0 }
        let first = range(0)
        var length = first.count
        for key in 1..<max(count, 1) where length > 0 {
            let other = range(key)
            length = min(length, other.count)
            var same = 0
            while same < length, keys[first.lowerBound + same] == keys[other.lowerBound + same] { same += 1 }
            length = same
        }
        return length
    }

    private static func chunk(of key: Int, at offset: Int, _ keys: Bytes, _ range: Range<Int>) -> Chunk {
        let count = max(0, min(8, range.count - offset))
        var bytes: UInt64 = 0
        if count == 8 {
            bytes = unsafe keys.withUnsafeBytes {
                unsafe $0.loadUnaligned(fromByteOffset: range.lowerBound + offset, as: UInt64.self).bigEndian
            }
            return Chunk(bytes: bytes, count: 8, key: key)
        }
        for index in 0..<count { bytes |= UInt64(keys[range.lowerBound + offset + index]) << UInt64(56 - 8 * index) }
        return Chunk(bytes: bytes, count: UInt8(count), key: key)
    }
}
