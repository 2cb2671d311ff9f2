// TEMPORARY SKELETON, in memory only, so that the modules above can be written while the real one is: replaced wholesale.
package import Environment
package import Primitives

package enum BoltError: Error, Equatable, Sendable {
    case corrupt(String)
    case disk(DiskError)
}

package struct BoltSettings: Sendable {
    package init() {}
}

package struct BoltChange: Sendable {
    package var key: Bytes
    package var value: Bytes?
    package init(key: Bytes, value: Bytes?) {
        self.key = key
        self.value = value
    }
}

package struct BoltBucketChanges: Sendable {
    package var bucket: Bytes
    package var changes: [BoltChange]
    package init(bucket: Bytes, changes: [BoltChange]) {
        self.bucket = bucket
        self.changes = changes
    }
}

package struct BoltRoot: Sendable {
    package var highWaterMark = 4
    package var pageSizeByteCount = 4096
}

package struct BoltView: Sendable {
    var buckets: [Bytes: [(key: Bytes, value: Bytes)]]

    package func bucketNames() throws(BoltError) -> [Bytes] { buckets.keys.sorted { $0.precedes($1) } }

    package func get(bucket: Bytes, key: Bytes) throws(BoltError) -> Bytes? {
        guard let records = buckets[bucket] else { return nil }
        let index = Self.index(records, key)
        return index < records.count && records[index].key == key ? records[index].value : nil
    }

    package func scan(
        bucket: Bytes, from lower: Bytes, to upper: Bytes?, _ visit: (RawSpan, RawSpan) -> Bool
    ) throws(BoltError) {
        guard let records = buckets[bucket] else { return }
        for record in records[Self.index(records, lower)...] {
            if let upper, !record.key.precedes(upper) { return }
            if !(unsafe visit(record.key.span.bytes, record.value.span.bytes)) { return }
        }
    }

    static func index(_ records: [(key: Bytes, value: Bytes)], _ key: Bytes) -> Int {
        var low = 0
        var high = records.count
        while low < high {
            let middle = (low + high) / 2
            if records[middle].key.precedes(key) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

package struct BoltCommitter: Sendable {
    package struct Outcome: Sendable {
        var view: BoltView
    }
    var view: BoltView
    var changes: [BoltBucketChanges]

    package mutating func run() throws(BoltError) -> Outcome {
        for bucket in changes {
            var records = view.buckets[bucket.bucket] ?? []
            for change in bucket.changes {
                let index = BoltView.index(records, change.key)
                let exists = index < records.count && records[index].key == change.key
                if let value = change.value {
                    if exists { records[index].value = value } else { records.insert((change.key, value), at: index) }
                } else if exists {
                    records.remove(at: index)
                }
            }
            view.buckets[bucket.bucket] = records
        }
        return Outcome(view: view)
    }
}

package final class BoltFile {
    private var view = BoltView(buckets: [:])
    package var root = BoltRoot()
    package var freePageCount: Int { 0 }

    package static func open(disk: any Disk, path: String, settings: BoltSettings) throws(BoltError) -> BoltFile {
        BoltFile()
    }
    package func pin() -> BoltView { view }
    package func release(_ view: BoltView) {}
    package func beginCommit(_ changes: [BoltBucketChanges]) -> BoltCommitter {
        BoltCommitter(view: view, changes: changes)
    }
    package func finish(_ outcome: BoltCommitter.Outcome) { view = outcome.view }
    package func close() {}
}
