internal import EtcdMessages
internal import Node
internal import Primitives

/// One request of the simulated clients.
enum WorkloadRequest: Equatable {
    case put(PutRequest)
    case deleteRange(DeleteRangeRequest)
    /// Writes the key if nobody has since the revision compared, else reads it: Kubernetes' way of changing things.
    case compareAndPut(key: Bytes, modRevision: Int64, value: Bytes)
    case txn(TxnRequest)
    case compact(CompactionRequest)
    case range(RangeRequest)
    case leaseGrant(LeaseGrantRequest)
    case leaseRevoke(LeaseRevokeRequest)
    /// The member's own, when the time of a lease is over.
    case leaseExpiry(LeaseID)
    case leaseRenewal(LeaseID)

    /// Whether its answer waits for more than that it is applied: a physical compaction is answered when it is carried
    /// out.
    var isAnsweredLate: Bool {
        if case .compact(let request) = self { request.physical } else { false }
    }

    /// What goes into the log, for a request that changes something.
    var proposal: Proposal? {
        switch self {
        case .put(let request): Proposal(.put, request)
        case .deleteRange(let request): Proposal(.deleteRange, request)
        case .compareAndPut(let key, let modRevision, let value):
            Proposal(.txn, Self.transaction(key: key, modRevision: modRevision, value: value))
        case .txn(let request): Proposal(.txn, request)
        case .compact(let request): Proposal(.compaction, request)
        case .leaseGrant(let request): Proposal(.leaseGrant, request)
        case .leaseRevoke(let request): Proposal(.leaseRevoke, request)
        case .range, .leaseExpiry, .leaseRenewal: nil
        }
    }

    private static func transaction(key: Bytes, modRevision: Int64, value: Bytes) -> TxnRequest {
        var compare = Compare()
        compare.key = key
        compare.target = .mod
        compare.targetUnion = .modRevision(modRevision)
        var put = PutRequest()
        put.key = key
        put.value = value
        var get = RangeRequest()
        get.key = key
        var success = RequestOp()
        success.request = .put(put)
        var failure = RequestOp()
        failure.request = .range(get)
        var request = TxnRequest()
        request.compare = [compare]
        request.success = [success]
        request.failure = [failure]
        return request
    }
}

extension WorkloadRequest {
    /// What the model says of this request: its state afterwards, and the response message without its header.
    func expected(of model: KeyValueModel) -> (next: KeyValueModel, body: Result<Bytes, EtcdError>) {
        switch self {
        case .put(let request):
            let (next, result) = model.put(request)
            return (next, result.map { $0.encoded() })
        case .deleteRange(let request):
            let (next, result) = model.deleteRange(request)
            return (next, result.map { $0.encoded() })
        case .compact(let request):
            let (next, result) = model.compact(request)
            return (next, result.map { $0.encoded() })
        case .txn(let request):
            let (next, result) = model.txn(request)
            return (next, result.map { $0.encoded() })
        case .range(let request):
            return (model, model.range(request).map { $0.encoded() })
        case .leaseGrant(let request):
            let (next, result) = model.grant(request)
            return (next, result.map { $0.encoded() })
        case .leaseRevoke(let request):
            let (next, result) = model.revoke(LeaseID(request.id))
            return (next, result.map { $0.encoded() })
        case .leaseExpiry(let id):
            let (next, result) = model.revoke(id)
            return (next, result.map { $0.encoded() })
        case .leaseRenewal:
            return (model, .success([]))
        case .compareAndPut(let key, let modRevision, let value):
            return Self.compareAndPut(model, key: key, modRevision: modRevision, value: value)
        }
    }

    private static func compareAndPut(
        _ model: KeyValueModel, key: Bytes, modRevision: Int64, value: Bytes
    ) -> (next: KeyValueModel, body: Result<Bytes, EtcdError>) {
        let current = model.records(key, [], at: model.revision).first?.modRevision ?? 0
        var response = TxnResponse()
        response.succeeded = current == modRevision
        var next = model
        var operation = ResponseOp()
        if response.succeeded {
            var put = PutRequest()
            put.key = key
            put.value = value
            next = model.put(put).next
            var answer = PutResponse()
            answer.header = header(next.revision)
            operation.response = .put(answer)
        } else {
            var get = RangeRequest()
            get.key = key
            guard case .success(var answer) = model.range(get) else { unreachable("a current read is never refused") }
            answer.header = header(model.revision)
            operation.response = .range(answer)
        }
        response.responses = [operation]
        return (next, .success(response.encoded()))
    }

    /// Operations within a transaction have headers of their own, with nothing but the revision.
    private static func header(_ revision: Int64) -> ResponseHeader {
        var header = ResponseHeader()
        header.revision = revision
        return header
    }
}
