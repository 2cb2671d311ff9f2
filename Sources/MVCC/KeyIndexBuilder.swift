internal import Primitives

/// Makes an index of many records at once: gathers them as they come, in the order of revisions, sorts them by key, and
/// fills leaf after leaf.
///
/// To add them to a tree one by one would touch a leaf at random for each, and wait for memory most of the time.
struct KeyIndexBuilder {
    private struct Record {
        /// Where its key ends in `keys`; it begins where that of the record before ends.
        var keyEnd: Int
        var change: KeyChange
        var createRevision: Int64
        var version: Int64
    }

    /// The keys of all records, one behind the other.
    private var keys: Bytes = []
    private var records: [Record] = []

    /// Adds a record, newer than all before it.
    mutating func add(_ change: KeyChange, key: RawSpan, createRevision: Int64, version: Int64) {
        keys.append(contentsOf: key)
        records.append(
            Record(keyEnd: keys.count, change: change, createRevision: createRevision, version: version))
    }

    /// The index of all records added.
    func build() -> KeyIndex {
        let order = KeySort.sortedOrder(count: records.count, keys: keys) { range(of: $0) }
        var loader = KeyIndexLoader()
        var next = 0
        while next < order.count {
            let key = range(of: order[next])
            var entry = entry(order[next])
            next += 1
            // Records of one key come oldest first.
            while next < order.count, isEqual(key, range(of: order[next])) {
                let record = records[order[next]]
                entry.append(record.change, createRevision: record.createRevision, version: record.version)
                next += 1
            }
            loader.append(Bytes(keys[key]), entry)
        }
        return loader.finish()
    }

    private func range(of record: Int) -> Range<Int> {
        (record == 0 ? 0 : records[record - 1].keyEnd)..<records[record].keyEnd
    }

    private func entry(_ index: Int) -> IndexEntry {
        let record = records[index]
        return IndexEntry(
            restoring: record.change, createRevision: record.createRevision, version: record.version)
    }

    private func isEqual(_ left: Range<Int>, _ right: Range<Int>) -> Bool {
        guard left.count == right.count else { return false }
        return unsafe keys.withUnsafeBytes {
            unsafe compareBytes(
                UnsafeRawBufferPointer(rebasing: $0[left]), UnsafeRawBufferPointer(rebasing: $0[right])) == 0
        }
    }
}
