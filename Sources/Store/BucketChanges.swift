internal import Primitives

/// The changes to one bucket since some moment: for each key that changed its newest value, or nil for a deletion.
///
/// A sorted array in chunks. The `key` bucket, by far the busiest, is mostly appended to, since its keys are revisions, and
/// that fills the chunks; a compaction inserts its deletions before all those, and moves no more than a chunk for each.
struct BucketChanges: Sendable {
    private struct Chunk {
        /// The first eight bytes of each key, in the order of keys: they decide nearly every comparison, revisions differ in
        /// them, and lie together, which the keys do not.
        var prefixes: [UInt64] = []
        /// Ascending.
        var keys: [Bytes] = []
        /// As many as `keys`; nil is a deletion.
        var values: [Bytes?] = []

        /// Index of the first key that does not sort before `key`, which has this prefix.
        func index(atOrAfter key: Bytes, _ prefix: UInt64) -> Int {
            var low = 0
            var high = prefixes.count
            while low < high {
                let middle = (low &+ high) / 2
                let own = prefixes[middle]
                if own != prefix ? own < prefix : keys[middle].precedes(key) { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    /// A place between two changes, or before or behind all.
    struct Position: Equatable {
        fileprivate var chunk: Int
        fileprivate var offset: Int
    }

    /// Greatest number of changes in a chunk.
    static let chunkCapacity = 128

    /// Invariant: none is empty, and their keys ascend strictly from one to the next.
    private var chunks: [Chunk] = []
    /// The prefix of the last key of each chunk.
    private var lastPrefixes: [UInt64] = []
    private(set) var count = 0

    /// Sets what became of `key`. Answers whether it was already in the table.
    mutating func set(_ key: Bytes, _ value: Bytes?) -> Bool {
        if chunks.isEmpty || lastKey(of: chunks.count - 1).precedes(key) {
            append(key, value)
            return false
        }
        let position = position(atOrAfter: key)
        let (chunk, offset) = (position.chunk, position.offset)
        if chunks[chunk].keys[offset] == key {
            chunks[chunk].values[offset] = value
            return true
        }
        chunks[chunk].prefixes.insert(Self.prefix(of: key), at: offset)
        chunks[chunk].keys.insert(key, at: offset)
        chunks[chunk].values.insert(value, at: offset)
        count += 1
        if chunks[chunk].keys.count > Self.chunkCapacity { split(chunk) }
        return false
    }

    private mutating func append(_ key: Bytes, _ value: Bytes?) {
        if chunks.isEmpty || chunks[chunks.count - 1].keys.count == Self.chunkCapacity {
            var chunk = Chunk()
            chunk.prefixes.reserveCapacity(Self.chunkCapacity)
            chunk.keys.reserveCapacity(Self.chunkCapacity)
            chunk.values.reserveCapacity(Self.chunkCapacity)
            chunks.append(chunk)
            lastPrefixes.append(0)
        }
        let prefix = Self.prefix(of: key)
        lastPrefixes[chunks.count - 1] = prefix
        chunks[chunks.count - 1].prefixes.append(prefix)
        chunks[chunks.count - 1].keys.append(key)
        chunks[chunks.count - 1].values.append(value)
        count += 1
    }

    private mutating func split(_ index: Int) {
        let half = chunks[index].keys.count / 2
        let second = Chunk(
            prefixes: Array(chunks[index].prefixes[half...]), keys: Array(chunks[index].keys[half...]),
            values: Array(chunks[index].values[half...]))
        chunks[index].prefixes.removeSubrange(half...)
        chunks[index].keys.removeSubrange(half...)
        chunks[index].values.removeSubrange(half...)
        lastPrefixes.insert(lastPrefixes[index], at: index + 1)
        lastPrefixes[index] = chunks[index].prefixes[half - 1]
        chunks.insert(second, at: index + 1)
    }

    /// What became of `key`: nil if it did not change, `.some(nil)` if it was deleted.
    func change(of key: Bytes) -> Bytes?? {
        let position = position(atOrAfter: key)
        guard position != end, chunks[position.chunk].keys[position.offset] == key else { return nil }
        return .some(chunks[position.chunk].values[position.offset])
    }

    // MARK: Walking

    var end: Position { Position(chunk: chunks.count, offset: 0) }

    /// The place of the first key that does not sort before `key`; `end` if all do.
    func position(atOrAfter key: Bytes) -> Position {
        let prefix = Self.prefix(of: key)
        var low = 0
        var high = lastPrefixes.count
        while low < high {
            let middle = (low &+ high) / 2
            let last = lastPrefixes[middle]
            if last != prefix ? last < prefix : lastKey(of: middle).precedes(key) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        guard low < chunks.count else { return end }
        return Position(chunk: low, offset: chunks[low].index(atOrAfter: key, prefix))
    }

    private func lastKey(of chunk: Int) -> Bytes { chunks[chunk].keys[chunks[chunk].keys.count - 1] }

    private static func prefix(of key: Bytes) -> UInt64 {
        unsafe key.withUnsafeBytes { bytes in
            if bytes.count >= 8 { return unsafe UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)) }
            // Shorter keys are filled with zeros: such a tie is left to the keys.
            var prefix: UInt64 = 0
            for index in 0..<bytes.count { unsafe prefix |= UInt64(bytes[index]) << UInt64(56 - 8 * index) }
            return prefix
        }
    }

    func key(at position: Position) -> Bytes { chunks[position.chunk].keys[position.offset] }

    /// The value set, nil for a deletion.
    func value(at position: Position) -> Bytes? { chunks[position.chunk].values[position.offset] }

    func position(after position: Position) -> Position {
        position.offset + 1 < chunks[position.chunk].keys.count
            ? Position(chunk: position.chunk, offset: position.offset + 1)
            : Position(chunk: position.chunk + 1, offset: 0)
    }
}
