import Alarms
import Apply
import Auth
import BoltStore
import EtcdMessages
import Leases
import MVCC
import Membership
import Primitives
import SimulatedPlatform
import Store
import Testing

/// A member's state, and a log to feed it.
final class ApplyFixture {
    private let disk = SimulatedDisk()
    private(set) var store: Store
    private(set) var applier: Applier
    let settings: ApplySettings
    private(set) var index: UInt64 = 0
    private var nextID: UInt64 = 0
    var term: UInt64 = 1

    /// - Parameter file: what is in the store's file at first; nil for none.
    init(_ settings: ApplySettings = ApplySettings(), file: Bytes? = nil) throws {
        self.settings = settings
        if let file { disk.place(file, at: "/db") }
        store = try Store.open(disk: disk, path: "/db")
        applier = try Self.open(store, settings)
    }

    private static func open(_ store: Store, _ settings: ApplySettings) throws -> Applier {
        try Applier.open(store: store, mvcc: MVCCStore(store: store, settings: MVCCSettings()), settings: settings)
    }

    /// Writes everything to the file, and starts again from it.
    func restart() throws {
        try commit()
        store.close()
        store = try Store.open(disk: disk, path: "/db")
        applier = try Self.open(store, settings)
    }

    func commit() throws {
        store.freeze()
        guard var committer = store.beginCommit(syncedIndex: store.appliedIndex) else { return }
        store.finishCommit(try committer.run())
    }

    /// Reads state anew from the memory table and the file as they are.
    func rebuild() throws {
        applier = try Self.open(store, settings)
    }

    // MARK: Entries

    /// Applies an entry of a log, and lets a compaction that it began run to its end.
    func apply(_ entry: RaftEntry) throws -> ApplyOutcome {
        let outcome = try applier.apply(entry)
        while applier.mvcc.hasPendingCompaction { try applier.mvcc.compactionStep(budget: 1000) }
        return outcome
    }

    @discardableResult
    func apply(_ data: Bytes?, type: RaftEntryType = .normal) throws -> ApplyOutcome {
        index += 1
        var entry = RaftEntry()
        entry.index = index
        entry.term = term
        entry.type = type
        entry.data = data
        let outcome = try applier.apply(entry)
        #expect(store.appliedIndex == LogIndex(index) && store.appliedTerm == Term(term))
        return outcome
    }

    @discardableResult
    func apply(
        _ credentials: Credentials = .none, _ change: (inout InternalRaftRequest) -> Void
    ) throws -> ApplyOutcome {
        var request = InternalRaftRequest()
        change(&request)
        nextID += 1
        var header = RequestHeader()
        header.id = nextID
        header.username = credentials.username
        header.authRevision = credentials.authRevision
        request.header = header
        let outcome = try apply(request.encoded())
        #expect(outcome.requestID == nextID)
        return outcome
    }

    @discardableResult
    func put(_ key: String, _ value: String = "", lease: Int64 = 0) throws -> ApplyOutcome {
        try apply {
            var put = PutRequest()
            put.key = Bytes(text: key)
            put.value = Bytes(text: value)
            put.lease = lease
            $0.put = put
        }
    }

    @discardableResult
    func grantLease(_ id: Int64, ttl: Int64 = 60) throws -> ApplyOutcome {
        try apply {
            var grant = LeaseGrantRequest()
            grant.id = id
            grant.ttl = ttl
            $0.leaseGrant = grant
        }
    }

    @discardableResult
    func revokeLease(_ id: Int64) throws -> ApplyOutcome {
        try apply {
            var revoke = LeaseRevokeRequest()
            revoke.id = id
            $0.leaseRevoke = revoke
        }
    }

    @discardableResult
    func alarm(_ action: AlarmAction, _ type: AlarmType = .none, member: UInt64 = 7) throws -> ApplyOutcome {
        try apply {
            var alarm = AlarmRequest()
            alarm.action = action
            alarm.alarm = type
            alarm.memberID = member
            $0.alarm = alarm
        }
    }

    @discardableResult
    func addMember(_ member: ClusterMember, id: UInt64 = 0) throws -> ApplyOutcome {
        var change = ConfChange()
        change.id = id
        change.type = member.isLearner ? .addLearnerNode : .addNode
        change.nodeID = member.id.rawValue
        change.context = ConfChangeContext(member: member).encoded()
        return try apply(change.encoded(), type: .confChange)
    }

    // MARK: Reading

    func range(_ key: String, _ rangeEnd: Bytes = []) throws -> RangeResponse {
        var request = RangeRequest()
        request.key = Bytes(text: key)
        request.rangeEnd = rangeEnd
        var cursor = try applier.mvcc.openRange(request)
        while try !applier.mvcc.step(&cursor, budget: .unbounded) {}
        return try RangeResponse(decoding: cursor.answer.body)
    }

    func value(_ key: String) throws -> String? {
        try range(key).kvs.first?.value.text
    }

    var revision: Int64 { applier.mvcc.currentRevision }

    /// All that the store holds, as bytes to compare.
    func state() throws -> [String] {
        var state: [String] = []
        // The index joins the changes when they are frozen.
        store.freeze()
        for bucket in Bucket.allCases {
            try store.scan(bucket, from: [], to: nil) { key, value in
                state.append("\(bucket) \(Bytes(copying: key)) \(Bytes(copying: value))")
                return true
            }
        }
        return state
    }

    /// What is in memory beside the store.
    ///
    /// - Parameter withCheckpoints: whether with the time left to leases, which before version 3.6 a restart forgets.
    func view(withCheckpoints: Bool = true) -> [String] {
        let leases = applier.leases.leaseIDs.compactMap { applier.leases.lease($0) }.map { lease in
            let left = withCheckpoints ? lease.remainingTTLSeconds : 0
            return "\(lease.id) \(lease.grantedTTLSeconds) \(left) \(lease.sortedKeys)"
        }
        let auth = applier.auth
        return leases + [
            "\(applier.mvcc.currentRevision) \(applier.mvcc.compactedRevision)", "\(applier.alarms.alarms)",
            "\(auth.isEnabled) \(auth.revision)", "\(auth.userNames.map { auth.user($0) })",
            "\(auth.roleNames.map { auth.role($0) })",
            "\(applier.cluster.members) \(applier.cluster.removedMembers) \(applier.cluster.confState)",
            "\(String(describing: applier.cluster.version)) \(applier.cluster.downgrade)",
        ]
    }
}

extension ApplyOutcome {
    /// Why it was refused; nil if it was not.
    var refusal: EtcdError? {
        switch result {
        case .success: nil
        case .failure(let error): error
        }
    }

    var answer: MVCCAnswer? { try? result.get() }
}
