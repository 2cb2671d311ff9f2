import EtcdMessages
import Linearizability
import Primitives

/// A store as one would write it in a minute: what the histories of these tests come from.
struct PlainStore: Equatable {
    var revision: Int64 = 1
    var records: [KeyValue] = []

    func record(_ key: String) -> KeyValue? { records.first { $0.key == Bytes(text: key) } }

    var header: ResponseHeader {
        var header = ResponseHeader()
        header.revision = revision
        return header
    }

    private mutating func set(_ key: Bytes, _ value: Bytes, at revision: Int64) -> KeyValue? {
        let old = records.first { $0.key == key }
        records.removeAll { $0.key == key }
        var record = KeyValue()
        record.key = key
        record.value = value
        record.createRevision = old?.createRevision ?? revision
        record.modRevision = revision
        record.version = (old?.version ?? 0) + 1
        records.append(record)
        records.sort { $0.key.precedes($1.key) }
        return old
    }

    mutating func put(_ request: PutRequest) -> PutResponse {
        revision += 1
        let old = set(request.key, request.value, at: revision)
        var response = PutResponse()
        response.header = header
        if request.prevKv { response.prevKv = old }
        return response
    }

    func range(_ request: RangeRequest) -> RangeResponse {
        var response = RangeResponse()
        response.header = header
        response.kvs = records.filter { request.rangeEnd == [0] ? true : $0.key == request.key }
        response.count = Int64(response.kvs.count)
        return response
    }

    mutating func deleteRange(_ request: DeleteRangeRequest) -> DeleteRangeResponse {
        let gone = records.filter { request.rangeEnd == [0] ? true : $0.key == request.key }
        records.removeAll { gone.contains($0) }
        if !gone.isEmpty { revision += 1 }
        var response = DeleteRangeResponse()
        response.header = header
        response.deleted = Int64(gone.count)
        if request.prevKv { response.prevKvs = gone }
        return response
    }

    /// A transaction as `compareAndPut` makes it.
    mutating func txn(_ request: TxnRequest) -> TxnResponse {
        var response = TxnResponse()
        let compare = request.compare[0]
        let actual = records.first { $0.key == compare.key }?.modRevision ?? 0
        response.succeeded = compare.targetUnion == .modRevision(actual)
        var operation = ResponseOp()
        if response.succeeded, case .put(let put) = request.success[0].request {
            operation.response = .put(self.put(put))
        } else if case .range(let range) = request.failure[0].request {
            operation.response = .range(self.range(range))
        }
        response.responses = [operation]
        response.header = header
        return response
    }

    /// What each key that is another than before became, in order.
    func changes(since before: PlainStore) -> [(key: Bytes, record: KeyValue?)] {
        let keys = Set((records + before.records).map(\.key)).sorted { $0.precedes($1) }
        return keys.compactMap { key in
            let record = records.first { $0.key == key }
            return record == before.records.first { $0.key == key } ? nil : (key, record)
        }
    }

    mutating func apply(_ request: HistoryOperation.Request) -> HistoryOperation.Response {
        switch request {
        case .put(let request): .put(put(request))
        case .range(let request): .range(range(request))
        case .deleteRange(let request): .deleteRange(deleteRange(request))
        case .txn(let request): .txn(txn(request))
        case .leaseRevoke: .leaseRevoke(LeaseRevokeResponse())
        case .compact: .compact(CompactionResponse())
        }
    }
}

/// Requests in a few letters.
enum Ask {
    static func put(_ key: String, _ value: String, prevKv: Bool = false) -> HistoryOperation.Request {
        var request = PutRequest()
        request.key = Bytes(text: key)
        request.value = Bytes(text: value)
        request.prevKv = prevKv
        return .put(request)
    }

    static func range(_ key: String, serializable: Bool = false, revision: Int64 = 0) -> HistoryOperation.Request {
        var request = RangeRequest()
        request.key = Bytes(text: key)
        request.serializable = serializable
        request.revision = revision
        return .range(request)
    }

    static var everything: HistoryOperation.Request {
        var request = RangeRequest()
        request.key = [0]
        request.rangeEnd = [0]
        return .range(request)
    }

    static func delete(_ key: String, prevKv: Bool = false) -> HistoryOperation.Request {
        var request = DeleteRangeRequest()
        request.key = Bytes(text: key)
        request.prevKv = prevKv
        return .deleteRange(request)
    }

    static func compareAndPut(_ key: String, _ modRevision: Int64, _ value: String) -> HistoryOperation.Request {
        var compare = Compare()
        compare.key = Bytes(text: key)
        compare.target = .mod
        compare.targetUnion = .modRevision(modRevision)
        var (success, failure) = (RequestOp(), RequestOp())
        if case .put(let put) = put(key, value) { success.request = .put(put) }
        if case .range(let range) = range(key) { failure.request = .range(range) }
        var request = TxnRequest()
        request.compare = [compare]
        request.success = [success]
        request.failure = [failure]
        return .txn(request)
    }
}
