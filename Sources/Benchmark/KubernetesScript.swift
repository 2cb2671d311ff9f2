package import Environment
internal import EtcdMessages
package import Primitives

/// What a busy Kubernetes API server asks: reads of single objects, pages of lists, counts, and objects created, updated and
/// deleted by the revision at which they were last seen. Its watches are `WatchLoad`'s to open beside it.
package struct KubernetesScript: LoadScript {
    /// The revision at which this connection last saw an object; 0 if it does not exist.
    private var seen: [Int64]
    private let keys: KeySpace
    private var entropy: SeededEntropy
    /// What each client changes, to learn from its answer.
    private var changed: [(object: Int, isDeletion: Bool)?]

    package init(keys: KeySpace, clientCount: Int, entropy: SeededEntropy) {
        self.keys = keys
        self.entropy = entropy
        seen = Array(repeating: 0, count: keys.keyCount)
        changed = Array(repeating: nil, count: clientCount)
    }

    package mutating func next(client: Int) -> LoadCall {
        changed[client] = nil
        let object = Int.random(in: 0..<keys.keyCount, using: &entropy)
        switch Int.random(in: 0..<100, using: &entropy) {
        case 0..<30: return get(object)
        case 30..<40: return list(from: object)
        case 40..<42: return count()
        case 42..<50: return delete(object, client)
        default: return write(object, client)
        }
    }

    package mutating func answered(client: Int, message: Bytes) {
        guard let change = changed[client], let response = try? TxnResponse(decoding: message) else { return }
        if response.succeeded {
            seen[change.object] = change.isDeletion ? 0 : response.header?.revision ?? 0
        } else if case .range(let range)? = response.responses.first?.response {
            seen[change.object] = range.kvs.first?.modRevision ?? 0
        }
    }

    private func get(_ object: Int) -> LoadCall {
        var request = RangeRequest()
        request.key = keys.key(object)
        return LoadCall(kind: "get", path: EtcdPath.range, message: request)
    }

    private func list(from object: Int) -> LoadCall {
        var request = RangeRequest()
        request.key = keys.key(object)
        request.rangeEnd = keys.rangeEnd
        request.limit = 500
        return LoadCall(kind: "list", path: EtcdPath.range, message: request)
    }

    private func count() -> LoadCall {
        var request = RangeRequest()
        request.key = keys.prefix
        request.rangeEnd = keys.rangeEnd
        request.countOnly = true
        return LoadCall(kind: "count", path: EtcdPath.range, message: request)
    }

    private mutating func write(_ object: Int, _ client: Int) -> LoadCall {
        changed[client] = (object, false)
        let request = TxnRequest.optimistic(
            key: keys.key(object), expectedRevision: seen[object],
            then: .put(keys.key(object), value: keys.value(&entropy)))
        return LoadCall(kind: seen[object] == 0 ? "create" : "update", path: EtcdPath.txn, message: request)
    }

    private mutating func delete(_ object: Int, _ client: Int) -> LoadCall {
        guard seen[object] != 0 else { return write(object, client) }
        changed[client] = (object, true)
        let request = TxnRequest.optimistic(
            key: keys.key(object), expectedRevision: seen[object], then: .delete(keys.key(object)))
        return LoadCall(kind: "delete", path: EtcdPath.txn, message: request)
    }
}
