package import EtcdMessages
internal import Primitives

/// One operation of a client: what it asked, when, and what became of it.
package struct HistoryOperation: Equatable, Sendable {
    /// What was asked.
    package enum Request: Equatable, Sendable {
        case put(PutRequest)
        case deleteRange(DeleteRangeRequest)
        case range(RangeRequest)
        case txn(TxnRequest)
        /// Ends a lease, and with it the keys that have it.
        case leaseRevoke(LeaseRevokeRequest)
        case compact(CompactionRequest)
    }

    /// What was answered, to a request of the same name.
    package enum Response: Equatable, Sendable {
        case put(PutResponse)
        case deleteRange(DeleteRangeResponse)
        case range(RangeResponse)
        case txn(TxnResponse)
        case leaseRevoke(LeaseRevokeResponse)
        case compact(CompactionResponse)
    }

    /// What became of it, as far as its client knows.
    package enum Outcome: Equatable, Sendable {
        /// It was done, and the answer came at this time.
        case answered(Response, at: UInt64)
        /// It may have been done, or may be done at any later time.
        case unknown
        /// It was not done, and will not be.
        case failed
    }

    /// Who asked, for messages alone.
    package var client: Int
    /// When, in nanoseconds of the recorders' common clock.
    package var call: UInt64
    package var request: Request
    package var outcome: Outcome

    package init(client: Int, call: UInt64, _ request: Request, _ outcome: Outcome) {
        self.client = client
        self.call = call
        self.request = request
        self.outcome = outcome
    }
}

extension HistoryOperation {
    /// The answer; nil if none came.
    var response: Response? {
        if case .answered(let response, _) = outcome { response } else { nil }
    }

    /// The revision of the answer's header; nil without an answer.
    var revision: Int64? { response.map { $0.header?.revision ?? 0 } }

    /// Whether it may be answered with a state that is not the newest.
    var isSerializable: Bool {
        switch request {
        case .range(let range): range.serializable
        case .txn(let txn): txn.isSerializable
        case .put, .deleteRange, .leaseRevoke, .compact: false
        }
    }

    /// For people.
    var text: String {
        let what =
            switch request {
            case .put(let request): "Put of \(request.key.text)"
            case .deleteRange(let request): "DeleteRange of \(Self.interval(request.key, request.rangeEnd))"
            case .range(let request): "Range of \(Self.interval(request.key, request.rangeEnd))"
            case .txn: "Txn"
            case .leaseRevoke(let request): "LeaseRevoke of \(request.id)"
            case .compact(let request): "Compact of \(request.revision)"
            }
        return switch outcome {
        case .answered(_, let time): "client \(client)'s \(what) (\(call) to \(time), revision \(revision ?? 0))"
        case .unknown: "client \(client)'s \(what) (from \(call), outcome unknown)"
        case .failed: "client \(client)'s \(what) (from \(call), failed)"
        }
    }

    private static func interval(_ key: [UInt8], _ end: [UInt8]) -> String {
        end.isEmpty ? key.text : "[\(key.text), \(end.text))"
    }
}

extension HistoryOperation.Request {
    /// The method's name and the message, as in a recorded history.
    var encoded: (name: String, message: Bytes) {
        switch self {
        case .put(let request): ("Put", request.encoded())
        case .deleteRange(let request): ("DeleteRange", request.encoded())
        case .range(let request): ("Range", request.encoded())
        case .txn(let request): ("Txn", request.encoded())
        case .leaseRevoke(let request): ("LeaseRevoke", request.encoded())
        case .compact(let request): ("Compact", request.encoded())
        }
    }
}

extension HistoryOperation.Response {
    /// The message.
    var encoded: Bytes {
        switch self {
        case .put(let response): response.encoded()
        case .deleteRange(let response): response.encoded()
        case .range(let response): response.encoded()
        case .txn(let response): response.encoded()
        case .leaseRevoke(let response): response.encoded()
        case .compact(let response): response.encoded()
        }
    }

    var header: ResponseHeader? {
        switch self {
        case .put(let response): response.header
        case .deleteRange(let response): response.header
        case .range(let response): response.header
        case .txn(let response): response.header
        case .leaseRevoke(let response): response.header
        case .compact(let response): response.header
        }
    }

    /// Whether it tells of a change of keys; nil if it does not say.
    var changesKeys: Bool? {
        switch self {
        case .put: true
        case .deleteRange(let response): response.deleted > 0
        case .range, .compact: false
        case .txn(let response): response.changesKeys
        case .leaseRevoke: nil
        }
    }
}

extension TxnResponse {
    fileprivate var changesKeys: Bool {
        responses.contains { operation in
            switch operation.response {
            case .put: true
            case .deleteRange(let response): response.deleted > 0
            case .txn(let response): response.changesKeys
            case .range, nil: false
            }
        }
    }
}

extension TxnRequest {
    /// Whether each of its operations is a serializable range (etcd v3.6 `txn.IsTxnSerializable`).
    fileprivate var isSerializable: Bool {
        (success + failure).allSatisfy { operation in
            switch operation.request {
            case .range(let range): range.serializable
            case .txn(let txn): txn.isSerializable
            case .put, .deleteRange, nil: false
            }
        }
    }
}
