package import EtcdMessages
package import Primitives
internal import Store

/// Puts and deletions (etcd v3.6 `server/etcdserver/txn/put.go`, `delete.go`, `server/storage/mvcc/kvstore_txn.go`).
extension MVCCStore {
    /// Puts a key.
    ///
    /// - Throws: `LeaseNotFound`; `KeyNotFound` if the value or lease is to stay and there is no key. Nothing is
    ///   written then.
    package func put(_ request: PutRequest, leases: some LeaseAttachments) throws(MVCCError) -> MVCCAnswer {
        let start = counts.beginTransaction()
        defer { counts.endTransaction(begunAt: start) }
        try check(request, leases: leases)
        var transaction = WriteTransaction(beginRevision: currentRevision)
        // The look that the check took is the one that the put needs.
        let hasLooked = request.ignoreValue || request.ignoreLease
        let body = try put(request, in: &transaction, leases: leases, hasLooked: hasLooked)
        return end(transaction, body: body)
    }

    /// Deletes the keys of a range. The revision stays if there are none.
    package func deleteRange(
        _ request: DeleteRangeRequest, leases: some LeaseAttachments
    ) throws(MVCCError) -> MVCCAnswer {
        let start = counts.beginTransaction()
        defer { counts.endTransaction(begunAt: start) }
        var transaction = WriteTransaction(beginRevision: currentRevision)
        let body = try deleteRange(request, in: &transaction, leases: leases)
        return end(transaction, body: body)
    }

    /// Deletes the keys of a lease that ends, all at one revision. The revision stays if there are none.
    ///
    /// - Parameter keys: in the order in which they are to be deleted.
    /// - Returns: how many there were.
    package func deleteKeys(_ keys: [Bytes], leases: some LeaseAttachments) throws(MVCCError) -> Int64 {
        let start = counts.beginTransaction()
        defer { counts.endTransaction(begunAt: start) }
        counts.deleteCount &+= UInt64(keys.count)
        var transaction = WriteTransaction(beginRevision: currentRevision)
        for key in keys {
            guard let entry = index.find(key), entry.isLive else { continue }
            try delete(key, entry.newest, record: nil, in: &transaction, leases: leases)
        }
        let count = Int64(transaction.changes.count)
        _ = end(transaction, body: [])
        return count
    }

    /// Makes the transaction's revision current, if it changed anything.
    func end(_ transaction: WriteTransaction, body: Bytes) -> MVCCAnswer {
        currentRevision = transaction.currentRevision
        lastChanges = transaction.changes
        return MVCCAnswer(revision: currentRevision, body: body)
    }

    // MARK: Within a transaction

    /// What must hold before a put, by the state before its transaction.
    func check(_ request: PutRequest, leases: some LeaseAttachments) throws(MVCCError) {
        if request.lease != 0, !leases.exists(LeaseID(request.lease)) { throw .etcd(.leaseNotFound) }
        if request.ignoreValue || request.ignoreLease {
            counts.rangeCount &+= 1
            guard let entry = index.find(request.key), entry.isLive else { throw .etcd(.keyNotFound) }
        }
    }

    /// Answers the encoded response without its header.
    ///
    /// - Parameter hasLooked: whether a look at the key's present value was counted already.
    func put(
        _ request: PutRequest, in transaction: inout WriteTransaction, leases: some LeaseAttachments,
        hasLooked: Bool = false
    ) throws(MVCCError) -> Bytes {
        let entry = index.find(request.key)
        let previous = entry.flatMap { $0.isLive ? $0.newest : nil }
        let keepsAny = request.ignoreValue || request.ignoreLease
        if (keepsAny || request.prevKv) && !hasLooked { counts.rangeCount &+= 1 }
        var previousRecord: Bytes = []
        var previousFields: StoredKeyValue?
        if let previous, keepsAny || request.prevKv || previous.hasLease {
            previousRecord = try record(previous)
            previousFields = try Self.parse(previousRecord)
        }
        if keepsAny, previous == nil { throw .etcd(.keyNotFound) }

        var stored = KeyValue()
        stored.key = request.key
        stored.modRevision = transaction.revision
        (stored.createRevision, stored.version) = IndexEntry.numbers(
            afterPutAt: transaction.revision, previous: entry)
        stored.value = request.value
        stored.lease = request.lease
        if let previousFields {
            if request.ignoreValue { stored.value = Bytes(previousRecord[previousFields.value]) }
            if request.ignoreLease { stored.lease = previousFields.lease }
        }
        counts.putCount &+= 1
        counts.putByteCount &+= UInt64(request.key.count + stored.value.count)
        write(
            stored.encoded(), of: request.key, createRevision: stored.createRevision, version: stored.version,
            hasLease: stored.lease != 0, in: &transaction)

        let previousLease = previousFields?.lease ?? 0
        if previousLease != stored.lease {
            if previousLease != 0 { leases.detach(key: request.key, from: LeaseID(previousLease)) }
            if stored.lease != 0 { leases.attach(key: request.key, to: LeaseID(stored.lease)) }
        }
        var body: Bytes = []
        if request.prevKv, previous != nil { body.appendField(2, content: previousRecord) }
        return body
    }

    /// Answers the encoded response without its header.
    func deleteRange(
        _ request: DeleteRangeRequest, in transaction: inout WriteTransaction, leases: some LeaseAttachments
    ) throws(MVCCError) -> Bytes {
        counts.deleteCount &+= 1
        if request.prevKv { counts.rangeCount &+= 1 }
        let range = KeyRange(key: request.key, rangeEnd: request.rangeEnd)
        var doomed: [(key: Bytes, change: KeyChange)] = []
        index.visit(from: range.lower, to: range.upper) { (leaf, place) throws(Never) in
            if leaf.entries[place].isLive { doomed.append((leaf.keys[place], leaf.entries[place].newest)) }
            return true
        }
        var body: Bytes = []
        if !doomed.isEmpty { body.appendField(2, varint: UInt64(doomed.count)) }
        for (key, change) in doomed {
            var previous: Bytes?
            if request.prevKv {
                let stored = try record(change)
                body.appendField(3, content: stored)
                previous = stored
            }
            try delete(key, change, record: previous, in: &transaction, leases: leases)
        }
        return body
    }

    /// Deletes a key that lives.
    ///
    /// - Parameters:
    ///   - newest: the change that made its present value.
    ///   - record: that change's record, if it was read already.
    private func delete(
        _ key: Bytes, _ newest: KeyChange, record previous: Bytes?, in transaction: inout WriteTransaction,
        leases: some LeaseAttachments
    ) throws(MVCCError) {
        var lease: Int64 = 0
        if let previous {
            lease = try Self.parse(previous).lease
        } else if newest.hasLease {
            lease = try fields(newest).lease
        }
        var tombstone = KeyValue()
        tombstone.key = key
        write(
            tombstone.encoded(), of: key, createRevision: 0, version: 0, isTombstone: true, hasLease: false,
            in: &transaction)
        if lease != 0 { leases.detach(key: key, from: LeaseID(lease)) }
    }

    private func write(
        _ record: Bytes, of key: Bytes, createRevision: Int64, version: Int64, isTombstone: Bool = false,
        hasLease: Bool, in transaction: inout WriteTransaction
    ) {
        let revision = transaction.nextRevision
        index.append(
            KeyChange(revision, isTombstone: isTombstone, hasLease: hasLease), to: key,
            createRevision: createRevision, version: version)
        store.put(.key, key: revision.bucketKey(isTombstone: isTombstone), value: record)
        transaction.changes.append(RecordChange(revision: revision, isTombstone: isTombstone, record: record))
    }
}
