package import EtcdMessages
package import Primitives
package import Store

/// What a store says of its cluster, as it was written: read when a member starts, and for each snapshot.
package struct ClusterRecords {
    /// In the order of their ids.
    package let members: [ClusterMember]
    /// In the order of their keys in the file.
    package let removed: [MemberID]
    /// The version all members agreed on; nil until they have.
    package let version: EtcdVersion?
    package let downgrade: DowngradeState
    /// The version whose schema the store has; nil for one of etcd 3.5.
    package let storageVersion: EtcdVersion?
    /// Raft's configuration, or what the members make of it in a store of before etcd 3.5.
    package let confState: ConfState

    package init(_ view: StoreView) throws(StoreError) {
        members = try Self.members(view)
        removed = try Self.removed(view)
        version = try Self.version(view, .cluster, Cluster.versionKey)
        storageVersion = try Self.version(view, .meta, MetaKey.storageVersion)
        downgrade = try Self.downgrade(view)
        confState = try Self.confState(view, members: members)
    }

    private static func members(_ view: StoreView) throws(StoreError) -> [ClusterMember] {
        var members: [ClusterMember] = []
        for (key, record) in try records(of: .members, in: view) {
            guard let id = MemberID(hexadecimal: key), let json = try? JSONValue.parse(record),
                let member = ClusterMember(json: json), member.id == id
            else { throw .corrupt("the record of member \(key.text) is not as it must be") }
            members.append(member)
        }
        return members.sorted { $0.id < $1.id }
    }

    private static func removed(_ view: StoreView) throws(StoreError) -> [MemberID] {
        var removed: [MemberID] = []
        for (key, _) in try records(of: .membersRemoved, in: view) {
            guard let id = MemberID(hexadecimal: key) else {
                throw .corrupt("bucket members_removed has a key that is no id: \(key.text)")
            }
            removed.append(id)
        }
        return removed
    }

    private static func version(_ view: StoreView, _ bucket: Bucket, _ key: Bytes) throws(StoreError) -> EtcdVersion? {
        guard let record = try view.value(bucket, key: key) else { return nil }
        guard let version = EtcdVersion(record.text) else {
            throw .corrupt("\(key.text) in bucket \(bucket) is no version: \(record.text)")
        }
        return version
    }

    private static func downgrade(_ view: StoreView) throws(StoreError) -> DowngradeState {
        guard let record = try view.value(.cluster, key: Cluster.downgradeKey) else { return .none }
        guard let json = try? JSONValue.parse(record), let state = DowngradeState(json: json) else {
            throw .corrupt("the record of a downgrade is not as it must be")
        }
        return state
    }

    private static func confState(_ view: StoreView, members: [ClusterMember]) throws(StoreError) -> ConfState {
        guard let record = try view.value(.meta, key: MetaKey.confState) else {
            var state = ConfState()
            state.voters = members.filter { !$0.isLearner }.map(\.id.rawValue)
            state.learners = members.filter(\.isLearner).map(\.id.rawValue)
            return state
        }
        guard let json = try? JSONValue.parse(record), let state = ConfState(json: json) else {
            throw .corrupt("the record of Raft's configuration is not as it must be")
        }
        return state
    }

    /// The records of a bucket that has few.
    private static func records(
        of bucket: Bucket, in view: StoreView
    ) throws(StoreError) -> [(key: Bytes, value: Bytes)] {
        var records: [(key: Bytes, value: Bytes)] = []
        try view.scan(bucket, from: [], to: nil) { key, value in
            records.append((Bytes(copying: key), Bytes(copying: value)))
            return true
        }
        return records
    }
}
