internal import EtcdMessages
internal import Primitives

/// The requests that the recipes are made of (etcd v3.6 `client/v3/concurrency`).
enum RecipeRequests {
    /// Time to live of a lease made for a caller that brought none, in seconds (etcd v3.6 `session.go`).
    static let leaseTTLSeconds: Int64 = 60

    /// What the keys of a lock or an election begin with.
    static func prefix(_ name: Bytes) -> Bytes { name + [UInt8(ascii: "/")] }

    /// The first key behind all that begin with a prefix, which ends in a slash.
    private static func end(of prefix: Bytes) -> Bytes { prefix.dropLast() + [UInt8(ascii: "/") + 1] }

    private static func compare(_ key: Bytes, createRevision: Int64) -> Compare {
        var compare = Compare()
        compare.target = .create
        compare.key = key
        compare.targetUnion = .createRevision(createRevision)
        return compare
    }

    private static func operation(_ request: RequestOp.Request) -> RequestOp {
        var operation = RequestOp()
        operation.request = request
        return operation
    }

    private static func get(_ key: Bytes) -> RangeRequest {
        var request = RangeRequest()
        request.key = key
        return request
    }

    private static func put(_ key: Bytes, _ value: Bytes, _ lease: LeaseID) -> RequestOp {
        var request = PutRequest()
        request.key = key
        request.value = value
        request.lease = lease.rawValue
        return operation(.put(request))
    }

    /// Puts a key that is not there, or reads the one that is.
    static func enter(_ key: Bytes, _ value: Bytes, _ lease: LeaseID) -> TxnRequest {
        var txn = TxnRequest()
        txn.compare = [compare(key, createRevision: 0)]
        txn.success = [put(key, value, lease)]
        txn.failure = [operation(.range(get(key)))]
        return txn
    }

    /// Puts another value, if the key is still the one made then.
    static func proclaim(_ key: Bytes, createRevision: Int64, _ value: Bytes, _ lease: LeaseID) -> TxnRequest {
        var txn = TxnRequest()
        txn.compare = [compare(key, createRevision: createRevision)]
        txn.success = [put(key, value, lease)]
        return txn
    }

    /// Deletes a key, if it is still the one made then.
    static func leave(_ key: Bytes, createRevision: Int64) -> TxnRequest {
        var request = DeleteRangeRequest()
        request.key = key
        var txn = TxnRequest()
        txn.compare = [compare(key, createRevision: createRevision)]
        txn.success = [operation(.deleteRange(request))]
        return txn
    }

    /// The newest key made before ours, and ours, at one moment.
    static func look(_ prefix: Bytes, before createRevision: Int64, own key: Bytes) -> TxnRequest {
        var before = candidates(prefix, .descend)
        before.maxCreateRevision = createRevision - 1
        before.keysOnly = true
        var own = get(key)
        own.keysOnly = true
        var txn = TxnRequest()
        txn.success = [operation(.range(before)), operation(.range(own))]
        return txn
    }

    /// The one that leads: the oldest key.
    static func leader(_ prefix: Bytes) -> RangeRequest { candidates(prefix, .ascend) }

    private static func candidates(_ prefix: Bytes, _ order: SortOrder) -> RangeRequest {
        var request = get(prefix)
        request.rangeEnd = end(of: prefix)
        request.limit = 1
        request.sortTarget = .create
        request.sortOrder = order
        return request
    }

    /// Watches a key, from after a revision on.
    static func watch(_ key: Bytes, after revision: Int64, without filters: [WatchFilterType] = [])
        -> WatchCreateRequest
    {
        var request = WatchCreateRequest()
        request.key = key
        request.startRevision = revision + 1
        request.filters = filters
        return request
    }

    /// Watches for keys that begin with a prefix to be put, from after a revision on.
    static func watchPuts(_ prefix: Bytes, after revision: Int64) -> WatchCreateRequest {
        var request = watch(prefix, after: revision, without: [.noDelete])
        request.rangeEnd = end(of: prefix)
        return request
    }
}
