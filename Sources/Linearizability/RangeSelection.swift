package import EtcdMessages
internal import Primitives

extension RangeRequest {
    /// What it shows of the records of its interval, given in the order of keys: filtered, sorted and limited, in this order; and
    /// whether the limit leaves some out (etcd v3.6 `server/etcdserver/txn/range.go`). Equal ones stay in the order of keys.
    package func selection(of all: [KeyValue]) -> (records: [KeyValue], more: Bool) {
        if countOnly { return ([], false) }
        let isFiltered = max(minModRevision, maxModRevision, minCreateRevision, maxCreateRevision) > 0
        let isLimitedFirst = sortOrder == .none && !isFiltered && limit > 0
        let candidates =
            isLimitedFirst ? all.prefix(Int(clamping: limit)) + all.dropFirst(Int(clamping: limit)).prefix(1) : all[...]
        var records = candidates.filter { record in
            (minModRevision == 0 || record.modRevision >= minModRevision)
                && (maxModRevision == 0 || record.modRevision <= maxModRevision)
                && (minCreateRevision == 0 || record.createRevision >= minCreateRevision)
                && (maxCreateRevision == 0 || record.createRevision <= maxCreateRevision)
        }
        if sortTarget != .key || sortOrder == .descend {
            let places = records.indices.sorted { left, right in
                let order = sortOrder(records[left], records[right])
                if order == 0 { return left < right }
                return sortOrder == .descend ? order > 0 : order < 0
            }
            records = places.map { records[$0] }
        }
        guard limit > 0, records.count > Int(clamping: limit) else { return (records, false) }
        return (Array(records.prefix(Int(clamping: limit))), true)
    }

    private func sortOrder(_ left: KeyValue, _ right: KeyValue) -> Int {
        switch sortTarget {
        case .key: left.key.compare(right.key)
        case .version: Self.sign(left.version, right.version)
        case .create: Self.sign(left.createRevision, right.createRevision)
        case .mod: Self.sign(left.modRevision, right.modRevision)
        default: left.value.compare(right.value)
        }
    }

    private static func sign(_ left: Int64, _ right: Int64) -> Int { left < right ? -1 : left > right ? 1 : 0 }
}
