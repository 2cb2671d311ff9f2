internal import Primitives

/// Walks the changes to one bucket in several tables as one sorted sequence, in which a newer table hides older ones.
struct ChangeMerger {
    /// Newest first.
    private let tables: [BucketChanges]
    private var next: [BucketChanges.Position]
    private let end: [BucketChanges.Position]

    /// - Parameters:
    ///   - tables: newest first.
    ///   - lower: where to begin, inclusive.
    ///   - upper: where to end, exclusive; nil is the end of the bucket.
    init(_ tables: [BucketChanges], from lower: Bytes, to upper: Bytes?) {
        self.tables = tables
        next = tables.map { $0.position(atOrAfter: lower) }
        end = tables.map { table in upper.map { table.position(atOrAfter: $0) } ?? table.end }
        if let upper, upper.precedes(lower) { next = end }
    }

    /// The table that holds the least key not yet passed, the newest of them if several do; nil at the end.
    private func head() -> Int? {
        var best: Int?
        for index in tables.indices where next[index] != end[index] {
            guard let current = best else {
                best = index
                continue
            }
            if tables[index].key(at: next[index]).precedes(tables[current].key(at: next[current])) { best = index }
        }
        return best
    }

    /// The next change, without passing it; nil at the end.
    func peek() -> (key: Bytes, value: Bytes?)? {
        guard let table = head() else { return nil }
        return (tables[table].key(at: next[table]), tables[table].value(at: next[table]))
    }

    /// Passes the next key in every table that holds it.
    mutating func pass() {
        guard let table = head() else { return }
        let key = tables[table].key(at: next[table])
        for index in tables.indices where next[index] != end[index] && tables[index].key(at: next[index]) == key {
            next[index] = tables[index].position(after: next[index])
        }
    }
}
