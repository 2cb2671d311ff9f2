import EtcdMessages
import Primitives
import Store

/// The key-value store as its rules say it, with a whole dictionary per revision: the simplest thing that can be right.
struct DictionaryModel {
    /// A change, as a record of the bucket.
    struct Change: Equatable {
        var revision: Revision
        var key: Bytes
        var isTombstone: Bool
    }

    typealias State = [Bytes: KeyValue]

    var current: Int64 = 1
    var compacted: Int64 = -1
    /// What lived after each main revision.
    var states: [Int64: State] = [1: [:]]
    /// Every change there ever was.
    var changes: [Change] = []
    var leases: [Int64: Set<Bytes>] = [:]
    var cachedHashes: [(revision: Int64, compactRevision: Int64, hash: UInt32)] = []

    /// What a write under way has made of the store.
    private struct Work {
        var state: State
        var changes: [Change] = []
        var leases: [Int64: Set<Bytes>]
        let begin: Int64
        var header: Int64 { changes.isEmpty ? begin : begin + 1 }
    }

    private var work: Work {
        Work(state: states[current] ?? [:], leases: leases, begin: current)
    }

    private mutating func take(_ work: Work) {
        current = work.header
        states[current] = work.state
        changes += work.changes
        leases = work.leases
    }

    // MARK: Reads

    static func contains(_ key: Bytes, from lower: Bytes, to end: Bytes) -> Bool {
        if end.isEmpty { return key == lower }
        if key.precedes(lower) { return false }
        return end == [0] || key.precedes(end)
    }

    private static func sorted(_ state: State, from lower: Bytes, to end: Bytes) -> [KeyValue] {
        state.values.filter { contains($0.key, from: lower, to: end) }.sorted { $0.key.precedes($1.key) }
    }

    func range(_ request: RangeRequest) throws(EtcdError) -> RangeResponse {
        try range(request, work)
    }

    private func range(_ request: RangeRequest, _ work: Work) throws(EtcdError) -> RangeResponse {
        if request.revision > work.header { throw .futureRev }
        if request.revision > 0, request.revision < compacted { throw .compacted }
        let state =
            request.revision <= 0 || request.revision == work.header
            ? work.state : states[request.revision] ?? [:]
        var kvs = Self.sorted(state, from: request.key, to: request.rangeEnd)
        var response = RangeResponse()
        response.header = ResponseHeader()
        response.header?.revision = work.header
        response.count = Int64(kvs.count)
        if request.countOnly { return response }

        let isDefaultSort =
            request.sortOrder == .none || (request.sortOrder == .ascend && request.sortTarget == .key)
        let filters = [
            request.minModRevision, request.maxModRevision, request.minCreateRevision, request.maxCreateRevision,
        ]
        if isDefaultSort, filters.allSatisfy({ $0 == 0 }), request.limit > 0, request.limit < 1_000_000 {
            kvs = Array(kvs.prefix(Int(request.limit) + 1))
        }
        if request.maxModRevision != 0 { kvs.removeAll { $0.modRevision > request.maxModRevision } }
        if request.minModRevision != 0 { kvs.removeAll { $0.modRevision < request.minModRevision } }
        if request.maxCreateRevision != 0 { kvs.removeAll { $0.createRevision > request.maxCreateRevision } }
        if request.minCreateRevision != 0 { kvs.removeAll { $0.createRevision < request.minCreateRevision } }
        sort(&kvs, request)
        if request.limit > 0, kvs.count > request.limit {
            kvs = Array(kvs.prefix(Int(request.limit)))
            response.more = true
        }
        if request.keysOnly { for index in kvs.indices { kvs[index].value = [] } }
        response.kvs = kvs
        return response
    }

    private func sort(_ kvs: inout [KeyValue], _ request: RangeRequest) {
        guard request.sortOrder != .none || request.sortTarget != .key else { return }
        let isDescending = request.sortOrder == .descend
        func less(_ left: KeyValue, _ right: KeyValue) -> Bool {
            switch request.sortTarget {
            case .version: left.version < right.version
            case .create: left.createRevision < right.createRevision
            case .mod: left.modRevision < right.modRevision
            case .value: left.value.precedes(right.value)
            default: left.key.precedes(right.key)
            }
        }
        // Insertion: stable, and plainly so.
        for index in kvs.indices {
            var place = index
            while place > 0,
                isDescending ? less(kvs[place - 1], kvs[place]) : less(kvs[place], kvs[place - 1])
            {
                kvs.swapAt(place, place - 1)
                place -= 1
            }
        }
    }

    // MARK: Writes

    private func check(_ request: PutRequest) throws(EtcdError) {
        if request.lease != 0, leases[request.lease] == nil { throw .leaseNotFound }
        if request.ignoreValue || request.ignoreLease, states[current]?[request.key] == nil { throw .keyNotFound }
    }

    mutating func put(_ request: PutRequest) throws(EtcdError) -> PutResponse {
        try check(request)
        var work = work
        let response = try put(request, &work)
        take(work)
        return response
    }

    private func put(_ request: PutRequest, _ work: inout Work) throws(EtcdError) -> PutResponse {
        let old = work.state[request.key]
        if request.ignoreValue || request.ignoreLease, old == nil { throw .keyNotFound }
        var new = KeyValue()
        new.key = request.key
        new.createRevision = old?.createRevision ?? work.begin + 1
        new.modRevision = work.begin + 1
        new.version = (old?.version ?? 0) + 1
        new.value = request.ignoreValue ? old?.value ?? [] : request.value
        new.lease = request.ignoreLease ? old?.lease ?? 0 : request.lease
        work.state[request.key] = new
        work.changes.append(
            Change(
                revision: Revision(main: work.begin + 1, sub: Int64(work.changes.count)), key: request.key,
                isTombstone: false))
        if let old, old.lease != 0 { work.leases[old.lease]?.remove(request.key) }
        if new.lease != 0 { work.leases[new.lease]?.insert(request.key) }
        var response = PutResponse()
        response.header = ResponseHeader()
        response.header?.revision = work.begin + 1
        if request.prevKv { response.prevKv = old }
        return response
    }

    mutating func delete(_ request: DeleteRangeRequest) -> DeleteRangeResponse {
        var work = work
        let response = delete(request, &work)
        take(work)
        return response
    }

    private func delete(_ request: DeleteRangeRequest, _ work: inout Work) -> DeleteRangeResponse {
        let doomed = Self.sorted(work.state, from: request.key, to: request.rangeEnd)
        for kv in doomed {
            work.state[kv.key] = nil
            if kv.lease != 0 { work.leases[kv.lease]?.remove(kv.key) }
            work.changes.append(
                Change(
                    revision: Revision(main: work.begin + 1, sub: Int64(work.changes.count)), key: kv.key,
                    isTombstone: true))
        }
        var response = DeleteRangeResponse()
        response.header = ResponseHeader()
        response.header?.revision = work.header
        response.deleted = Int64(doomed.count)
        if request.prevKv { response.prevKvs = doomed }
        return response
    }

    /// Ends a lease: its keys are deleted in their order, then it is gone.
    mutating func revoke(_ lease: Int64) {
        var work = work
        for key in (leases[lease] ?? []).sorted(by: { $0.precedes($1) }) {
            var request = DeleteRangeRequest()
            request.key = key
            _ = delete(request, &work)
        }
        take(work)
        leases[lease] = nil
    }

    // MARK: Transactions

    mutating func txn(_ request: TxnRequest) throws(EtcdError) -> TxnResponse {
        var path = decide(request)
        let all = path
        try check(request, &path)
        var work = work
        path = all
        var response = try carryOut(request, &path, &work)
        response.header?.revision = work.header
        take(work)
        return response
    }

    /// The branches taken, outer before inner.
    private func decide(_ request: TxnRequest) -> [Bool] {
        let succeeded = request.compare.allSatisfy(holds)
        let branch = succeeded ? request.success : request.failure
        return [succeeded]
            + branch.flatMap { operation -> [Bool] in
                guard case .txn(let inner) = operation.request else { return [] }
                return decide(inner)
            }
    }

    private func holds(_ compare: Compare) -> Bool {
        let kvs = Self.sorted(states[current] ?? [:], from: compare.key, to: compare.rangeEnd)
        if kvs.isEmpty { return compare.target != .value && holds(compare, KeyValue()) }
        return kvs.allSatisfy { holds(compare, $0) }
    }

    private func holds(_ compare: Compare, _ kv: KeyValue) -> Bool {
        var order: Int64 = 0
        func against(_ stored: Int64, _ given: Int64) { order = stored < given ? -1 : (stored > given ? 1 : 0) }
        switch (compare.target, compare.targetUnion) {
        case (.version, .version(let given)): against(kv.version, given)
        case (.version, _): against(kv.version, 0)
        case (.create, .createRevision(let given)): against(kv.createRevision, given)
        case (.create, _): against(kv.createRevision, 0)
        case (.mod, .modRevision(let given)): against(kv.modRevision, given)
        case (.mod, _): against(kv.modRevision, 0)
        case (.lease, .lease(let given)): against(kv.lease, given)
        case (.lease, _): against(kv.lease, 0)
        case (.value, .value(let given)): order = Int64(kv.value.compare(given))
        case (.value, _): order = Int64(kv.value.compare([]))
        default: break
        }
        switch compare.result {
        case .equal: return order == 0
        case .notEqual: return order != 0
        case .greater: return order > 0
        case .less: return order < 0
        default: return true
        }
    }

    private func check(_ request: TxnRequest, _ path: inout [Bool]) throws(EtcdError) {
        for operation in path.removeFirst() ? request.success : request.failure {
            switch operation.request {
            case .range(let range):
                if range.revision > current { throw .futureRev }
                if range.revision != 0, range.revision < compacted { throw .compacted }
            case .put(let put): try check(put)
            case .txn(let inner): try check(inner, &path)
            default: break
            }
        }
    }

    private func carryOut(
        _ request: TxnRequest, _ path: inout [Bool], _ work: inout Work
    ) throws(EtcdError) -> TxnResponse {
        var response = TxnResponse()
        response.header = ResponseHeader()
        response.succeeded = path.removeFirst()
        for operation in response.succeeded ? request.success : request.failure {
            var answer = ResponseOp()
            switch operation.request {
            case .range(let range): answer.response = .range(try self.range(range, work))
            case .put(let put): answer.response = .put(try self.put(put, &work))
            case .deleteRange(let delete): answer.response = .deleteRange(self.delete(delete, &work))
            case .txn(let inner): answer.response = .txn(try carryOut(inner, &path, &work))
            case nil: break
            }
            response.responses.append(answer)
        }
        return response
    }

    // MARK: Compaction and checksums

    /// The newest change of each key up to a revision.
    private func newest(upTo main: Int64) -> [Bytes: Change] {
        var newest: [Bytes: Change] = [:]
        for change in changes where change.revision.main <= main { newest[change.key] = change }
        return newest
    }

    /// What a compaction at a revision keeps of what is not younger.
    func kept(compactingAt main: Int64) -> [Change] {
        newest(upTo: main).values.filter { !$0.isTombstone || $0.revision.main == main }
    }

    /// All records that a bucket holds once a compaction at a revision is done.
    func records(compactedAt main: Int64) -> [Change] {
        let kept = kept(compactingAt: main)
        return changes.filter { $0.revision.main > main || kept.contains($0) }
    }

    /// HashKV by the letter of its rules, over the pairs of the bucket as they are.
    static func hash(
        _ pairs: [(key: Bytes, value: Bytes)], upTo revision: Int64, compacted: Int64, keep: [Change]
    ) -> UInt32 {
        var bytes = Bytes(text: "key")
        for (key, value) in pairs {
            guard let (change, isTombstone) = Revision.parse(bucketKey: key), change.main <= revision else { continue }
            if change.main <= compacted, !keep.isEmpty, !keep.contains(where: { $0.revision == change }) { continue }
            if isTombstone, change.main == compacted { continue }
            bytes += key + value
        }
        return crc32c(bytes)
    }

    /// The keep set of a HashKV: deletions count as kept by none.
    func keptForHash(at main: Int64) -> [Change] {
        newest(upTo: main).values.filter { !$0.isTombstone }
    }
}

/// CRC-32C, bit by bit.
func crc32c(_ bytes: Bytes) -> UInt32 {
    var crc: UInt32 = 0xffff_ffff
    for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82f6_3b78 : crc >> 1 }
    }
    return ~crc
}
