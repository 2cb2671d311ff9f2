internal import EtcdMessages
package import Primitives
package import Store

/// The leases and the keys attached to them (etcd v3.6 `server/lease/lessor.go`): the `lease` bucket with a view of it in
/// memory. Which keys are attached is told by the keys' own records, and only kept in memory.
///
/// It is what all members agree on, and knows no time; that is for `LeaseClock`.
package final class Lessor {
    private let store: Store
    /// Least time to live of a lease, in seconds.
    package let minTTLSeconds: Int64
    private var table = LeaseTable()

    /// - Parameter minTTLSeconds: shorter leases are given this; etcd derives it from the election timeout.
    package init(store: Store, minTTLSeconds: Int64 = 2) throws(StoreError) {
        self.store = store
        self.minTTLSeconds = minTTLSeconds
        var records: [Bytes] = []
        try store.scan(.lease, from: [], to: nil) { _, value in
            records.append(Bytes(copying: value))
            return true
        }
        for record in records {
            guard let record = try? LeaseRecord(decoding: record), record.id != 0 else {
                throw .corrupt("a record of the bucket lease is not as it must be")
            }
            let id = LeaseID(record.id)
            guard table.place(of: id) == nil else {
                throw .corrupt("two records of the bucket lease are of lease \(id)")
            }
            _ = table.insert(
                Lease(
                    id: id, grantedTTLSeconds: max(record.ttl, minTTLSeconds),
                    checkpointedTTLSeconds: record.remainingTTL))
        }
    }

    // MARK: Reading

    package func lease(_ id: LeaseID) -> Lease? {
        table.place(of: id).map { table[$0] }
    }

    package var leaseCount: Int { table.count }

    /// All leases, in the order of their ids.
    package var leaseIDs: [LeaseID] { table.places.map { table[$0].id }.sorted() }

    /// Where a lease is kept: a small number that no other lease has while this one lives.
    package func place(of id: LeaseID) -> Int? { table.place(of: id) }

    /// The lease at a place, which must have one.
    package func lease(at place: Int) -> Lease { table[place] }

    /// The places of all leases, in their order.
    package var places: [Int] { table.places }

    // MARK: Changes

    /// Grants a lease.
    package func grant(_ id: LeaseID, ttlSeconds: Int64) throws(EtcdError) -> Lease {
        guard id != .none else { throw .leaseNotFound }
        guard ttlSeconds <= Limits.maxLeaseTTLSeconds else { throw .leaseTTLTooLarge }
        guard table.place(of: id) == nil else { throw .leaseExist }
        let lease = Lease(
            id: id, grantedTTLSeconds: max(ttlSeconds, minTTLSeconds), checkpointedTTLSeconds: 0)
        _ = table.insert(lease)
        persist(lease)
        return lease
    }

    /// Removes a lease whose keys have been deleted, its record with them in the same transaction of the file.
    ///
    /// - Returns: the place it had; nil if there is no such lease.
    @discardableResult
    package func remove(_ id: LeaseID) -> Int? {
        guard let place = table.remove(id) else { return nil }
        store.delete(.lease, key: Self.key(id))
        return place
    }

    /// Records how much time to live is left. A lease that is gone is passed over.
    ///
    /// - Parameter isPersistent: whether a restart keeps it: from cluster version 3.6 on.
    package func checkpoint(_ id: LeaseID, remainingTTLSeconds: Int64, isPersistent: Bool) {
        guard let place = table.place(of: id) else { return }
        table[place].checkpointedTTLSeconds = remainingTTLSeconds
        #if Simulation
        if Canary.leaseCheckpointLost.isChosen { return }
        #endif
        if isPersistent { persist(table[place]) }
    }

    private func persist(_ lease: Lease) {
        var record = LeaseRecord()
        record.id = lease.id.rawValue
        record.ttl = lease.grantedTTLSeconds
        record.remainingTTL = lease.checkpointedTTLSeconds
        store.put(.lease, key: Self.key(lease.id), value: record.encoded())
    }

    private static func key(_ id: LeaseID) -> Bytes { Bytes(bigEndian: UInt64(bitPattern: id.rawValue)) }

    // MARK: Attached keys

    package func exists(_ id: LeaseID) -> Bool { table.place(of: id) != nil }

    /// `key` now lives as long as `lease`. A lease that does not exist is ignored: a restored file may name one.
    package func attach(key: Bytes, to lease: LeaseID) {
        guard let place = table.place(of: lease) else { return }
        table[place].keys.insert(key)
    }

    /// `key` no longer lives with `lease`, which may be gone.
    package func detach(key: Bytes, from lease: LeaseID) {
        guard let place = table.place(of: lease) else { return }
        table[place].keys.remove(key)
    }
}
