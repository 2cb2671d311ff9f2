package import EtcdMessages
package import Primitives
package import Store

/// Who belongs to the cluster, in which version it runs, and Raft's configuration: the buckets `members`,
/// `members_removed` and `cluster`, and two records of `meta`, with a view of them in memory
/// (etcd v3.6 `server/etcdserver/api/membership/cluster.go`).
///
/// The view is always what a restart would read back. Changes come from log entries only.
package final class Cluster {
    private let store: Store
    /// Greatest number of members without a vote (`--max-learners`).
    let maxLearnerCount: Int

    /// In the order of their ids.
    package private(set) var members: [ClusterMember] = [] { didSet { changeCount &+= 1 } }
    private var removed: Set<MemberID> = []
    /// The version all members agreed on; nil until they have.
    package private(set) var version: EtcdVersion? { didSet { changeCount &+= 1 } }
    package private(set) var downgrade = DowngradeState.none
    /// Raft's configuration after the last entry applied.
    package private(set) var confState: ConfState
    /// The version whose schema the store has; nil for one of etcd 3.5.
    package private(set) var storageVersion: EtcdVersion? { didSet { changeCount &+= 1 } }
    /// How often something of this changed, for who tells others of it.
    package private(set) var changeCount: UInt64 = 0

    /// The version of the store's schema, recorded or not: etcd 3.5 recorded none (etcd v3.6
    /// `server/storage/schema/schema.go`, `DetectSchemaVersion`).
    package var schemaVersion: EtcdVersion { storageVersion ?? .etcd35 }

    /// Key of the version in the `cluster` bucket.
    package static let versionKey = Bytes(text: "clusterVersion")
    /// Key of the downgrade in the `cluster` bucket.
    package static let downgradeKey = Bytes(text: "downgrade")
    private static let removedMark = Bytes(text: "removed")

    package init(store: Store, maxLearnerCount: Int = 1) throws(StoreError) {
        self.store = store
        self.maxLearnerCount = maxLearnerCount
        let view = store.view()
        defer { store.release(view) }
        let records = try ClusterRecords(view)
        members = records.members
        removed = Set(records.removed)
        version = records.version
        downgrade = records.downgrade
        storageVersion = records.storageVersion
        confState = records.confState
        updateStorageVersion()
    }

    // MARK: Reading

    package func member(_ id: MemberID) -> ClusterMember? {
        members.first { $0.id == id }
    }

    /// Whether a member was removed. Its id never comes back.
    package func isRemoved(_ id: MemberID) -> Bool { removed.contains(id) }

    /// Members that were removed, in the order of their ids.
    package var removedMembers: [MemberID] { removed.sorted() }

    /// The members as a MemberList answers them, encoded without a header.
    package func memberListBody() -> Bytes {
        var response = MemberListResponse()
        response.members = members.map(\.message)
        return response.encoded()
    }

    // MARK: Changes

    /// Sets the version all members agreed on.
    ///
    /// - Returns: whether it is lower than the one before, after which etcd takes a snapshot at once.
    package func setVersion(_ text: Bytes) throws(EtcdError) -> Bool {
        guard let new = EtcdVersion(text.text) else { throw .malformedEntry("a cluster version that is none") }
        let isLower = version.map { new < $0 } ?? false
        version = new
        store.put(.cluster, key: Self.versionKey, value: Bytes(text: new.description))
        updateStorageVersion()
        return isLower
    }

    /// Sets the name and client URLs that a member published.
    package func setAttributes(_ id: MemberID, name: Bytes, clientURLs: [Bytes]) throws(EtcdError) {
        guard var member = member(id) else {
            // A member that was removed meanwhile need not know.
            if isRemoved(id) { return }
            throw .malformedEntry("attributes of a member that never was")
        }
        member.name = name
        member.clientURLs = clientURLs
        put(member)
    }

    package func setDowngrade(_ state: DowngradeState) {
        let record = state.json.encoded()
        guard let stored = DowngradeState(json: Self.readBack(record)) else { unreachable("a downgrade was written") }
        downgrade = stored
        store.put(.cluster, key: Self.downgradeKey, value: record)
    }

    /// Writes a member's record and takes the member from it.
    func put(_ member: ClusterMember) {
        let record = member.json.encoded()
        guard let stored = ClusterMember(json: Self.readBack(record)) else { unreachable("a member was written") }
        store.put(.members, key: Self.key(member.id), value: record)
        members.removeAll { $0.id == member.id }
        members.insert(stored, at: members.firstIndex { $0.id > member.id } ?? members.count)
    }

    /// What a restart would read of a record: writing JSON replaces what is not UTF-8.
    private static func readBack(_ record: Bytes) -> JSONValue {
        guard let json = try? JSONValue.parse(record) else { unreachable("what was written as JSON is JSON") }
        return json
    }

    func remove(_ id: MemberID) {
        store.delete(.members, key: Self.key(id))
        store.put(.membersRemoved, key: Self.key(id), value: Self.removedMark)
        members.removeAll { $0.id == id }
        removed.insert(id)
    }

    /// Has a member be none without having been removed.
    func forget(_ id: MemberID) {
        store.delete(.members, key: Self.key(id))
        members.removeAll { $0.id == id }
    }

    func forgetRemoval(of id: MemberID) {
        store.delete(.membersRemoved, key: Self.key(id))
        removed.remove(id)
    }

    /// Sets the version without its consequences; nil is none.
    func replaceVersion(by new: EtcdVersion?) {
        version = new
        if let new {
            store.put(.cluster, key: Self.versionKey, value: Bytes(text: new.description))
        } else {
            store.delete(.cluster, key: Self.versionKey)
        }
    }

    func setConfState(_ state: ConfState) {
        confState = state
        #if Simulation
        // Where there is none, it is that of the members.
        let stored = try? store.value(.meta, key: MetaKey.confState)
        if Canary.configurationNotStored.isChosen, stored != nil { return }
        #endif
        store.put(.meta, key: MetaKey.confState, value: state.json.encoded())
    }

    /// Records the schema's version, which follows the cluster's upwards at once (etcd v3.6
    /// `server/etcdserver/version/monitor.go`).
    private func updateStorageVersion() {
        guard let wanted = version?.release, wanted >= .etcd36 else { return }
        if let storageVersion, storageVersion.release >= wanted { return }
        storageVersion = wanted
        store.put(.meta, key: MetaKey.storageVersion, value: Bytes(text: wanted.description))
    }

    /// Whether the schema is newer than the cluster, which has gone back to an older version.
    /// One without a record cannot be taken back.
    package var isSchemaAhead: Bool {
        guard let version, let storageVersion else { return false }
        return version.release < storageVersion.release
    }

    /// Takes the schema back to the cluster's version, so that an etcd of that version can open the store. To be called when
    /// `isSchemaAhead` and the log since its last snapshot holds nothing that only newer versions know.
    package func lowerStorageVersion() {
        guard isSchemaAhead, let wanted = version?.release else { return }
        if wanted >= .etcd36 {
            storageVersion = wanted
            store.put(.meta, key: MetaKey.storageVersion, value: Bytes(text: wanted.description))
        } else {
            storageVersion = nil
            store.delete(.meta, key: MetaKey.storageVersion)
        }
    }

    private static func key(_ id: MemberID) -> Bytes { Bytes(text: id.description) }
}
