import BoltStore
import Environment
import EtcdMessages
import Primitives
import SimulatedPlatform
import Store

@testable import MVCC

/// Leases that remember what they are told.
final class FakeLeases: LeaseAttachments {
    var keys: [Int64: Set<Bytes>] = [:]

    func exists(_ id: LeaseID) -> Bool { keys[id.rawValue] != nil }
    func attach(key: Bytes, to lease: LeaseID) { keys[lease.rawValue]?.insert(key) }
    func detach(key: Bytes, from lease: LeaseID) { keys[lease.rawValue]?.remove(key) }
}

/// A store in memory with a key-value store on it.
final class Bench {
    let store: Store
    let settings: MVCCSettings
    private(set) var mvcc: MVCCStore
    let leases = FakeLeases()

    init(settings: MVCCSettings = MVCCSettings()) throws {
        let disk = SimulatedDisk(seed: 1)
        disk.placeDirectory("/data")
        store = try Store.open(disk: disk, path: "/data/db")
        self.settings = settings
        mvcc = try MVCCStore(store: store, settings: settings)
    }

    /// A new key-value store on the same records, as after a restart.
    func restart() throws {
        mvcc = try MVCCStore(store: store, settings: settings)
    }

    /// Moves the memory table to the file.
    func commit() throws {
        store.freeze()
        guard var committer = store.beginCommit(syncedIndex: LogIndex(.max)) else { return }
        store.finishCommit(try committer.run())
    }

    @discardableResult
    func put(
        _ key: String, _ value: String = "v", lease: Int64 = 0, _ change: (inout PutRequest) -> Void = { _ in }
    ) throws -> PutResponse {
        var request = PutRequest()
        request.key = Bytes(text: key)
        request.value = Bytes(text: value)
        request.lease = lease
        change(&request)
        return try PutResponse(answer: try mvcc.put(request, leases: leases))
    }

    @discardableResult
    func delete(_ key: String, to end: String = "", prevKv: Bool = false) throws -> DeleteRangeResponse {
        var request = DeleteRangeRequest()
        request.key = Bytes(text: key)
        request.rangeEnd = Bytes(text: end)
        request.prevKv = prevKv
        return try DeleteRangeResponse(answer: try mvcc.deleteRange(request, leases: leases))
    }

    @discardableResult
    func range(
        _ key: String = "\0", to end: String = "\0", at revision: Int64 = 0,
        _ change: (inout RangeRequest) -> Void = { _ in }
    ) throws -> RangeResponse {
        var request = RangeRequest()
        request.key = Bytes(text: key)
        request.rangeEnd = Bytes(text: end)
        request.revision = revision
        change(&request)
        return try range(request)
    }

    func range(_ request: RangeRequest, budget: RangeBudget = .slice) throws -> RangeResponse {
        var cursor = try mvcc.openRange(request)
        while !(try mvcc.step(&cursor, budget: budget)) {}
        return try RangeResponse(answer: cursor.answer)
    }

    func txn(_ request: TxnRequest) throws -> TxnResponse {
        try TxnResponse(answer: try mvcc.txn(request, leases: leases))
    }

    /// Compacts, to the end.
    func compact(_ revision: Int64, budget: Int = 1000) throws {
        _ = try mvcc.compact(to: revision)
        try finishCompactions(budget: budget)
    }

    func finishCompactions(budget: Int = 1000) throws {
        while mvcc.hasPendingCompaction { try mvcc.compactionStep(budget: budget) }
    }

    func hashKV(_ revision: Int64 = 0) throws -> HashKVAnswer {
        let job = try mvcc.beginHashKV(revision: revision)
        defer { mvcc.release(job) }
        return try job.run()
    }

    /// The keys of the `key` bucket.
    func bucketKeys() throws -> [(revision: Revision, isTombstone: Bool)] {
        var keys: [(revision: Revision, isTombstone: Bool)] = []
        try store.scan(.key, from: [], to: nil) { key, _ in
            if let parsed = Revision.parse(bucketKey: Bytes(copying: key)) { keys.append(parsed) }
            return true
        }
        return keys
    }
}

/// A response that has a header.
protocol HeadedResponse: EtcdMessage {
    var header: ResponseHeader? { get set }
}

extension PutResponse: HeadedResponse {}
extension RangeResponse: HeadedResponse {}
extension DeleteRangeResponse: HeadedResponse {}
extension TxnResponse: HeadedResponse {}

extension HeadedResponse {
    /// Decodes an answer, with a header as the client API would put it in front.
    init(answer: MVCCAnswer) throws {
        try self.init(decoding: answer.body)
        var header = ResponseHeader()
        header.revision = answer.revision
        self.header = header
    }
}

extension SeededEntropy {
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}
