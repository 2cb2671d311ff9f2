internal import EtcdMessages
internal import Primitives

/// The keys that a request means, by etcd's rules for `key` and `range_end`.
struct KeyRange {
    var lower: Bytes
    /// Where it ends, exclusive; nil is the end of all keys.
    var upper: Bytes?

    /// - Parameter rangeEnd: empty for the key alone, `"\0"` for all keys from it on.
    init(key: Bytes, rangeEnd: Bytes) {
        lower = key
        if rangeEnd.isEmpty {
            upper = key + [0]
        } else {
            upper = rangeEnd == [0] ? nil : rangeEnd
        }
    }

    init(_ request: RangeRequest) {
        self.init(key: request.key, rangeEnd: request.rangeEnd)
    }
}
