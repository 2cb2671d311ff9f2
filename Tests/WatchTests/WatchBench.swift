import BoltStore
import EtcdMessages
import MVCC
import Primitives
import SimulatedPlatform
import Store

@testable import Watch

/// Leases that there are none of.
final class NoLeases: LeaseAttachments {
    func exists(_ id: LeaseID) -> Bool { false }
    func attach(key: Bytes, to lease: LeaseID) {}
    func detach(key: Bytes, from lease: LeaseID) {}
}

/// A store in memory, and a hub that hears of every write.
final class WatchBench {
    private(set) var mvcc: MVCCStore
    let hub: WatchHub
    private var store: Store
    private let leases = NoLeases()
    /// Who is written to while this member is cut off from the others; nil while it is not.
    private var leader: (store: Store, mvcc: MVCCStore)?
    var now: UInt64 = 0

    init(settings: WatchSettings = WatchSettings()) throws {
        let disk = SimulatedDisk(seed: 1)
        disk.placeDirectory("/data")
        store = try Store.open(disk: disk, path: "/data/db")
        mvcc = try MVCCStore(store: store)
        hub = WatchHub(mvcc: mvcc, settings: settings)
    }

    // MARK: Writes

    private func write(_ body: (MVCCStore) throws -> MVCCAnswer) throws {
        if let leader {
            _ = try body(leader.mvcc)
            return
        }
        let before = mvcc.currentRevision
        _ = try body(mvcc)
        if mvcc.currentRevision > before { try hub.publish(mvcc.lastChanges) }
    }

    func put(_ key: String, _ value: String = "v") throws {
        var request = PutRequest()
        request.key = Bytes(text: key)
        request.value = Bytes(text: value)
        try write { try $0.put(request, leases: leases) }
    }

    func delete(_ key: String, to end: String = "") throws {
        var request = DeleteRangeRequest()
        request.key = Bytes(text: key)
        request.rangeEnd = Bytes(text: end)
        try write { try $0.deleteRange(request, leases: leases) }
    }

    func txn(_ operations: [RequestOp]) throws {
        var request = TxnRequest()
        request.success = operations
        try write { try $0.txn(request, leases: leases) }
    }

    /// Compacts, to the end.
    func compact(_ revision: Int64) throws {
        let mvcc = leader?.mvcc ?? mvcc
        _ = try mvcc.compact(to: revision)
        while mvcc.hasPendingCompaction { try mvcc.compactionStep(budget: 1000) }
    }

    /// Moves the memory table to the file.
    func commit() throws { try commit(store) }

    private func commit(_ store: Store) throws {
        store.freeze()
        guard var committer = store.beginCommit(syncedIndex: LogIndex(.max)) else { return }
        store.finishCommit(try committer.run())
    }

    // MARK: Snapshots

    var isCutOff: Bool { leader != nil }

    /// From now on what is written is written elsewhere.
    func cutOff() throws { leader = try copy(of: store) }

    /// What was written elsewhere comes, as a snapshot.
    func install() throws {
        guard let leader else { return }
        self.leader = nil
        let copy = try copy(of: leader.store)
        leader.store.close()
        copy.mvcc.takePlace(of: mvcc)
        (store, mvcc) = copy
        hub.restore(from: mvcc)
        for old in store.takeUnreadPredecessors() { old.close() }
    }

    private func copy(of store: Store) throws -> (store: Store, mvcc: MVCCStore) {
        try commit(store)
        let snapshot = try store.openSnapshot()
        defer { store.release(snapshot) }
        let disk = SimulatedDisk(seed: 1)
        disk.placeDirectory("/data")
        disk.place(try snapshot.read(offset: 0, count: snapshot.byteCount), at: "/data/db")
        let copy = try Store.open(disk: disk, path: "/data/db")
        return (copy, try MVCCStore(store: copy))
    }

    // MARK: Streams

    func open(_ stream: UInt64) { hub.open(WatchStreamID(rawValue: stream), now: now) }

    func create(_ request: WatchCreateRequest, on stream: UInt64, denial: EtcdError? = nil) {
        hub.create(request, on: WatchStreamID(rawValue: stream), denial: denial)
    }

    /// Works off what is to be done without a client.
    func settle() throws {
        while hub.hasWork { try hub.step() }
    }

    /// The next message of a stream, decoded, with the revision of its header in a header.
    func next(_ stream: UInt64) throws -> WatchResponse? {
        guard let answer = try hub.nextMessage(WatchStreamID(rawValue: stream)) else { return nil }
        var response = try WatchResponse(decoding: answer.body)
        var header = ResponseHeader()
        header.revision = answer.revision
        response.header = header
        return response
    }

    /// All that a stream has for its client.
    func drain(_ stream: UInt64) throws -> [WatchResponse] {
        var responses: [WatchResponse] = []
        repeat {
            try settle()
            while let response = try next(stream) { responses.append(response) }
        } while hub.hasWork
        return responses
    }
}

extension WatchCreateRequest {
    init(
        _ key: String, to end: String = "", from start: Int64 = 0,
        _ change: (inout WatchCreateRequest) -> Void = { _ in }
    ) {
        self.init()
        self.key = Bytes(text: key)
        rangeEnd = Bytes(text: end)
        startRevision = start
        change(&self)
    }
}

extension RequestOp {
    static func put(_ key: String, _ value: String = "v") -> RequestOp {
        var request = PutRequest()
        request.key = Bytes(text: key)
        request.value = Bytes(text: value)
        var operation = RequestOp()
        operation.request = .put(request)
        return operation
    }

    static func delete(_ key: String, to end: String = "") -> RequestOp {
        var request = DeleteRangeRequest()
        request.key = Bytes(text: key)
        request.rangeEnd = Bytes(text: end)
        var operation = RequestOp()
        operation.request = .deleteRange(request)
        return operation
    }
}
