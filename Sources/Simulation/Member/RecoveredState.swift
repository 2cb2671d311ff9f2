internal import Apply
internal import EtcdMessages
internal import Leases
internal import MVCC
internal import Node
internal import Primitives
internal import SimulatedPlatform
internal import Store

/// What a member holds right after it started.
struct RecoveredState {
    let revision: Int64
    let compactedRevision: Int64
    /// Granted time to live of each lease, in seconds.
    let leases: [LeaseID: Int64]
    let records: [KeyValue]

    init(_ node: Node) throws(SimulationFailure) {
        let lessor = node.applier.leases
        try self.init(
            node.mvcc, leases: lessor.leaseIDs.reduce(into: [:]) { $0[$1] = lessor.lease($1)?.grantedTTLSeconds })
    }

    /// What a store holds, and the leases known beside it.
    init(_ mvcc: MVCCStore, leases: [LeaseID: Int64] = [:]) throws(SimulationFailure) {
        revision = mvcc.currentRevision
        compactedRevision = mvcc.compactedRevision
        self.leases = leases
        var request = RangeRequest()
        request.key = [0]
        request.rangeEnd = [0]
        do {
            var cursor = try mvcc.openRange(request)
            while try !mvcc.step(&cursor, budget: .unbounded) {}
            records = try RangeResponse(decoding: cursor.answer.body).kvs
        } catch {
            throw SimulationFailure("the recovered store cannot be read: \(error)")
        }
    }

    /// What a copy of a store's file holds, which must be sound.
    init(file bytes: Bytes) throws(SimulationFailure) {
        do {
            let disk = SimulatedDisk()
            disk.placeDirectory("/data")
            disk.place(bytes, at: "/data/db")
            let store = try Store.open(disk: disk, path: "/data/db")
            defer { store.close() }
            try store.check()
            try self.init(try MVCCStore(store: store))
        } catch {
            throw SimulationFailure("a snapshot is no sound file: \(error)")
        }
    }

    func matches(_ model: KeyValueModel) -> Bool {
        // A compaction to revision 0 removes nothing, and etcd forgets it if a restart comes before it was carried out.
        model.revision == revision && max(0, model.compactedRevision) == max(0, compactedRevision)
            && holdsRecords(of: model) && model.leases == leases
    }

    /// Whether the keys and values are the model's.
    func holdsRecords(of model: KeyValueModel) -> Bool { model.records([0], [0], at: revision) == records }
}
