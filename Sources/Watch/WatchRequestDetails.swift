internal import EtcdMessages
internal import Primitives

/// What a client asked of a watch, by etcd's rules (etcd v3.6 `server/etcdserver/api/v3rpc/watch.go`).
struct WatchRequestDetails {
    let lower: Bytes
    let upper: Bytes?
    let isSingleKey: Bool
    let startRevision: Int64
    let wantsPrevious: Bool
    let wantsFragments: Bool
    let wantsProgress: Bool
    let skipsPuts: Bool
    let skipsDeletions: Bool

    init(_ request: WatchCreateRequest) {
        lower = request.key.isEmpty ? [0] : request.key
        isSingleKey = request.rangeEnd.isEmpty
        if isSingleKey {
            upper = lower + [0]
        } else {
            upper = request.rangeEnd == [0] ? nil : request.rangeEnd
        }
        startRevision = request.startRevision
        wantsPrevious = request.prevKv
        wantsFragments = request.fragment
        wantsProgress = request.progressNotify
        // Numbers that etcd does not know are ignored.
        skipsPuts = request.filters.contains(.noPut)
        skipsDeletions = request.filters.contains(.noDelete)
    }

    /// Whether no key can be in the range.
    var isEmpty: Bool {
        guard let upper else { return false }
        return !lower.precedes(upper)
    }
}
