internal import EtcdMessages
internal import Primitives
internal import Store

/// Reading the cluster's records when a member starts.
extension Cluster {
    static func readMembers(_ store: Store) throws(StoreError) -> [ClusterMember] {
        var members: [ClusterMember] = []
        for key in try store.keys(of: .members) {
            guard let id = MemberID(hexadecimal: key), let record = try store.value(.members, key: key),
                let json = try? JSONValue.parse(record), let member = ClusterMember(json: json), member.id == id
            else { throw .corrupt("the record of member \(key.text) is not as it must be") }
            members.append(member)
        }
        return members.sorted { $0.id < $1.id }
    }

    static func readVersion(_ store: Store, _ bucket: Bucket, _ key: Bytes) throws(StoreError) -> EtcdVersion? {
        guard let record = try store.value(bucket, key: key) else { return nil }
        guard let version = EtcdVersion(record.text) else {
            throw .corrupt("\(key.text) in bucket \(bucket) is no version: \(record.text)")
        }
        return version
    }

    /// Raft's configuration, or what the members make of it in a store of before etcd 3.5.
    static func readConfState(_ store: Store, members: [ClusterMember]) throws(StoreError) -> ConfState {
        guard let record = try store.value(.meta, key: MetaKey.confState) else {
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
}

extension Store {
    /// The keys of a bucket that has few.
    func keys(of bucket: Bucket) throws(StoreError) -> [Bytes] {
        var keys: [Bytes] = []
        try scan(bucket, from: [], to: nil) { key, _ in
            keys.append(Bytes(copying: key))
            return true
        }
        return keys
    }
}
