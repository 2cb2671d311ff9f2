package import Environment
internal import EtcdMessages
package import Primitives

/// Puts, to keys by chance or one after another.
package struct PutScript: LoadScript {
    private let keys: KeySpace
    private let isSequential: Bool
    private var entropy: SeededEntropy
    private var number = 0

    package init(keys: KeySpace, isSequential: Bool, entropy: SeededEntropy) {
        self.keys = keys
        self.isSequential = isSequential
        self.entropy = entropy
    }

    package mutating func next(client: Int) -> LoadCall {
        var request = PutRequest()
        request.key = isSequential ? keys.key(number) : keys.randomKey(&entropy)
        request.value = keys.value(&entropy)
        number = (number + 1) % keys.keyCount
        return LoadCall(kind: "put", path: EtcdPath.put, message: request)
    }
}

/// Reads of single keys by chance.
package struct RangeScript: LoadScript {
    private let keys: KeySpace
    private let isSerializable: Bool
    private var entropy: SeededEntropy

    package init(keys: KeySpace, isSerializable: Bool, entropy: SeededEntropy) {
        self.keys = keys
        self.isSerializable = isSerializable
        self.entropy = entropy
    }

    package mutating func next(client: Int) -> LoadCall {
        var request = RangeRequest()
        request.key = keys.randomKey(&entropy)
        request.serializable = isSerializable
        return LoadCall(kind: "range", path: EtcdPath.range, message: request)
    }
}

/// Lists of all keys, page by page at one revision, as Kubernetes lists.
package struct ListScript: LoadScript {
    private struct Page {
        var key: Bytes
        var revision: Int64
    }

    private let keys: KeySpace
    private let limit: Int64
    private let isSerializable: Bool
    /// Where each client is in its list; nil before its first page.
    private var pages: [Page?]

    package init(keys: KeySpace, limit: Int64, isSerializable: Bool, clientCount: Int) {
        self.keys = keys
        self.limit = limit
        self.isSerializable = isSerializable
        pages = Array(repeating: nil, count: clientCount)
    }

    package mutating func next(client: Int) -> LoadCall {
        var request = RangeRequest()
        request.key = pages[client]?.key ?? keys.prefix
        request.rangeEnd = keys.rangeEnd
        request.limit = limit
        request.revision = pages[client]?.revision ?? 0
        request.serializable = isSerializable
        return LoadCall(kind: "list", path: EtcdPath.range, message: request)
    }

    package mutating func answered(client: Int, message: Bytes) {
        pages[client] = nil
        guard let response = try? RangeResponse(decoding: message), response.more, let last = response.kvs.last else {
            return
        }
        pages[client] = Page(key: last.key + [0], revision: response.header?.revision ?? 0)
    }
}

/// Transactions that put a key if it is there, or not, and read it otherwise.
package struct TxnScript: LoadScript {
    private let keys: KeySpace
    private var entropy: SeededEntropy

    package init(keys: KeySpace, entropy: SeededEntropy) {
        self.keys = keys
        self.entropy = entropy
    }

    package mutating func next(client: Int) -> LoadCall {
        let key = keys.randomKey(&entropy)
        let request = TxnRequest.optimistic(
            key: key, expectedRevision: 0, comparison: .greater, then: .put(key, value: keys.value(&entropy)))
        return LoadCall(kind: "txn", path: EtcdPath.txn, message: request)
    }
}
