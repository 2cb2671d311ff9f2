internal import EtcdMessages
internal import Linearizability
internal import Primitives

/// What the store must do, in the plainest way: for each key the list of its versions. Written from the rules, not from
/// the store's code, so that the two can be held against each other.
struct KeyValueModel {
    /// One version of a key; nil is a deletion.
    private struct Version: Equatable {
        var revision: Int64
        /// Its place among all that was ever written: there may be several at one revision.
        var number: Int
        var record: KeyValue?
    }

    private var versions: [Bytes: [Version]] = [:]
    private var writeCount = 0
    /// The keys that ever were, sorted.
    private var keys: [Bytes] = []
    /// The keys that changed at the last revision at which any did.
    private var newest: (revision: Int64, keys: [Bytes]) = (1, [])
    private(set) var revision: Int64 = 1
    private(set) var compactedRevision: Int64 = -1
    /// Granted time to live of each lease, in seconds.
    private(set) var leases: [LeaseID: Int64] = [:]

    /// Why a request is refused; `nil` is success.
    typealias Refusal = EtcdError

    // MARK: Reading

    /// The keys of an interval that exist at a revision, in order.
    func records(_ key: Bytes, _ end: Bytes, at revision: Int64) -> [KeyValue] {
        keys(key, end).compactMap { record($0, at: revision) }
    }

    private func keys(_ key: Bytes, _ end: Bytes) -> [Bytes] {
        if end.isEmpty { return versions[key] == nil ? [] : [key] }
        let isOpen = end == [0]
        return keys.filter { !$0.precedes(key) && (isOpen || $0.precedes(end)) }
    }

    private func record(_ key: Bytes, at revision: Int64) -> KeyValue? {
        versions[key]?.last { $0.revision <= revision }?.record
    }

    func range(_ request: RangeRequest) -> Result<RangeResponse, Refusal> {
        let at = request.revision <= 0 ? revision : request.revision
        if at > revision { return .failure(.futureRev) }
        if at < compactedRevision { return .failure(.compacted) }
        let all = records(request.key, request.rangeEnd, at: at)
        var response = RangeResponse()
        response.count = Int64(all.count)
        let (records, more) = request.selection(of: all)
        response.more = more
        response.kvs = request.keysOnly ? records.map(Self.withoutValue) : records
        return .success(response)
    }

    private static func withoutValue(_ record: KeyValue) -> KeyValue {
        var record = record
        record.value = []
        return record
    }

    /// What each key that changed at a revision became then, in the order in which they changed.
    func changes(at revision: Int64) -> [(key: Bytes, record: KeyValue?)] {
        if newest.revision == revision, newest.keys.count == 1 {
            return newest.keys.map { ($0, record($0, at: revision)) }
        }
        let changed = keys.compactMap { key in
            versions[key]?.last { $0.revision <= revision }.flatMap { version in
                version.revision == revision ? (key: key, version: version) : nil
            }
        }
        return changed.sorted { $0.version.number < $1.version.number }.map { ($0.key, $0.version.record) }
    }

    // MARK: Writing

    func put(_ request: PutRequest) -> (next: KeyValueModel, result: Result<PutResponse, Refusal>) {
        changed { $0.carryOut(request) }
    }

    func deleteRange(_ request: DeleteRangeRequest) -> (
        next: KeyValueModel, result: Result<DeleteRangeResponse, Refusal>
    ) {
        changed { $0.carryOut(request) }
    }

    func grant(_ request: LeaseGrantRequest) -> (next: KeyValueModel, result: Result<LeaseGrantResponse, Refusal>) {
        changed { $0.carryOut(request) }
    }

    /// Ends a lease; its keys go in one revision.
    func revoke(_ id: LeaseID) -> (next: KeyValueModel, result: Result<LeaseRevokeResponse, Refusal>) {
        changed { $0.carryOutRevocation(of: id) }
    }

    func compact(_ request: CompactionRequest) -> (next: KeyValueModel, result: Result<CompactionResponse, Refusal>) {
        changed { $0.carryOut(request) }
    }

    private func changed<Answer>(_ change: (inout KeyValueModel) -> Answer) -> (next: KeyValueModel, result: Answer) {
        var next = self
        let answer = change(&next)
        return (next, answer)
    }

    // MARK: Writing in place

    /// Carries out what an entry of the log asks for, if it is one of keys and leases; a refusal changes nothing.
    mutating func apply(_ operation: RaftOperation) {
        switch operation {
        case .put(let request): _ = carryOut(request)
        case .deleteRange(let request): _ = carryOut(request)
        case .txn(let request): _ = carryOut(request)
        case .compaction(let request): _ = carryOut(request)
        case .leaseGrant(let request): _ = carryOut(request)
        case .leaseRevoke(let request): _ = carryOutRevocation(of: LeaseID(request.id))
        default: break
        }
    }

    private mutating func carryOut(_ request: PutRequest) -> Result<PutResponse, Refusal> {
        let previous = record(request.key, at: revision)
        if request.lease != 0 && leases[LeaseID(request.lease)] == nil { return .failure(.leaseNotFound) }
        if (request.ignoreValue || request.ignoreLease) && previous == nil { return .failure(.keyNotFound) }
        revision += 1
        var record = KeyValue()
        record.key = request.key
        record.value = request.ignoreValue ? previous?.value ?? [] : request.value
        record.lease = request.ignoreLease ? previous?.lease ?? 0 : request.lease
        record.createRevision = previous?.createRevision ?? revision
        record.modRevision = revision
        record.version = (previous?.version ?? 0) + 1
        write(request.key, record)
        var response = PutResponse()
        if request.prevKv { response.prevKv = previous }
        return .success(response)
    }

    private mutating func carryOut(_ request: DeleteRangeRequest) -> Result<DeleteRangeResponse, Refusal> {
        let gone = records(request.key, request.rangeEnd, at: revision)
        var response = DeleteRangeResponse()
        response.deleted = Int64(gone.count)
        if request.prevKv { response.prevKvs = gone }
        guard !gone.isEmpty else { return .success(response) }
        revision += 1
        for record in gone { write(record.key, nil) }
        return .success(response)
    }

    // MARK: Leases

    private mutating func carryOut(_ request: LeaseGrantRequest) -> Result<LeaseGrantResponse, Refusal> {
        let id = LeaseID(request.id)
        if leases[id] != nil { return .failure(.leaseExist) }
        let ttl = max(request.ttl, 2)
        leases[id] = ttl
        var response = LeaseGrantResponse()
        response.id = request.id
        response.ttl = ttl
        return .success(response)
    }

    private mutating func carryOutRevocation(of id: LeaseID) -> Result<LeaseRevokeResponse, Refusal> {
        if leases[id] == nil { return .failure(.leaseNotFound) }
        leases[id] = nil
        let gone = records([0], [0], at: revision).filter { $0.lease == id.rawValue }
        if !gone.isEmpty { revision += 1 }
        for record in gone { write(record.key, nil) }
        return .success(LeaseRevokeResponse())
    }

    // MARK: Compaction

    private mutating func carryOut(_ request: CompactionRequest) -> Result<CompactionResponse, Refusal> {
        if request.revision <= compactedRevision { return .failure(.compacted) }
        if request.revision > revision { return .failure(.futureRev) }
        compactedRevision = request.revision
        return .success(CompactionResponse())
    }

    /// The same state with another compacted revision.
    func compacted(to revision: Int64) -> KeyValueModel {
        var next = self
        next.compactedRevision = revision
        return next
    }

    // MARK: Several changes at one revision

    mutating func beginRevision() {
        revision += 1
    }

    /// Nothing was changed at the revision that was begun.
    mutating func takeBackRevision() {
        revision -= 1
    }

    mutating func writeNow(_ request: PutRequest) {
        let previous = record(request.key, at: revision)
        var record = KeyValue()
        record.key = request.key
        record.value = request.value
        record.lease = request.lease
        record.createRevision = previous?.createRevision ?? revision
        record.modRevision = revision
        record.version = (previous?.version ?? 0) + 1
        write(request.key, record)
    }

    mutating func deleteNow(_ request: DeleteRangeRequest) {
        for record in records(request.key, request.rangeEnd, at: revision) { write(record.key, nil) }
    }

    private mutating func write(_ key: Bytes, _ record: KeyValue?) {
        if versions[key] == nil {
            keys.insert(key, at: keys.firstIndex { key.precedes($0) } ?? keys.endIndex)
        }
        writeCount += 1
        versions[key, default: []].append(Version(revision: revision, number: writeCount, record: record))
        if newest.revision != revision { newest = (revision, []) }
        newest.keys.append(key)
    }
}
