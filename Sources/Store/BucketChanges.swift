internal import Primitives

/// The changes to one bucket since some moment: for each key that changed its newest value, or nil for a deletion.
///
/// A sorted array in chunks. The `key` bucket, by far the busiest, is mostly appended to, since its keys are revisions, and
/// that fills the chunks; a compaction inserts its deletions before all those, and moves no more than a chunk for each.
struct BucketChanges: Sendable {
    private struct Chunk {
        /// Ascending.
        var keys: [Bytes] = []
        /// As many as `keys`; nil is a deletion.
        var values: [Bytes?] = []
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
    private(set) var count = 0

    /// Sets what became of `key`. Answers whether it was already in the table.
    mutating func set(_ key: Bytes, _ value: Bytes?) -> Bool {
        let last = chunks.count - 1
        if last < 0 || chunks[last].keys[chunks[last].keys.count - 1].precedes(key) {
            append(key, value)
            return false
        }
        let position = position(atOrAfter: key)
        let (chunk, offset) = (position.chunk, position.offset)
        if chunks[chunk].keys[offset] == key {
            chunks[chunk].values[offset] = value
            return true
        }
        chunks[chunk].keys.insert(key, at: offset)
        chunks[chunk].values.insert(value, at: offset)
        count += 1
        if chunks[chunk].keys.count > Self.chunkCapacity { split(chunk) }
        return false
    }

    private mutating func append(_ key: Bytes, _ value: Bytes?) {
        if chunks.isEmpty || chunks[chunks.count - 1].keys.count == Self.chunkCapacity {
            var chunk = Chunk()
            chunk.keys.reserveCapacity(Self.chunkCapacity)
            chunk.values.reserveCapacity(Self.chunkCapacity)
            chunks.append(chunk)
        }
        chunks[chunks.count - 1].keys.append(key)
        chunks[chunks.count - 1].values.append(value)
        count += 1
    }

    private mutating func split(_ index: Int) {
        let half = chunks[index].keys.count / 2
        let second = Chunk(keys: Array(chunks[index].keys[half...]), values: Array(chunks[index].values[half...]))
        chunks[index].keys.removeSubrange(half...)
        chunks[index].values.removeSubrange(half...)
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
        var low = 0
        var high = chunks.count
        while low < high {
            let middle = (low + high) / 2
            let keys = chunks[middle].keys
            if keys[keys.count - 1].precedes(key) { low = middle + 1 } else { high = middle }
        }
        guard low < chunks.count else { return end }
        let chunk = low
        low = 0
        high = chunks[chunk].keys.count
        while low < high {
            let middle = (low + high) / 2
            if chunks[chunk].keys[middle].precedes(key) { low = middle + 1 } else { high = middle }
        }
        return Position(chunk: chunk, offset: low)
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
