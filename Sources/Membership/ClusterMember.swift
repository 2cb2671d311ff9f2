package import EtcdMessages
package import Primitives

/// A member of the cluster, as the `members` bucket and the contexts of configuration changes describe it
/// (etcd v3.6 `server/etcdserver/api/membership/member.go`).
package struct ClusterMember: Equatable, Sendable {
    package var id: MemberID
    /// Empty until the member has started and published its attributes.
    package var name: Bytes
    package var peerURLs: [Bytes]
    package var clientURLs: [Bytes]
    /// Whether it has no vote.
    package var isLearner: Bool

    package init(
        id: MemberID, name: Bytes = [], peerURLs: [Bytes], clientURLs: [Bytes] = [], isLearner: Bool = false
    ) {
        self.id = id
        self.name = name
        self.peerURLs = peerURLs
        self.clientURLs = clientURLs
        self.isLearner = isLearner
    }

    /// A member of a new cluster, whose id follows from its URLs and the cluster's token.
    package init(bootstrapName name: Bytes, peerURLs: [Bytes], clusterToken: Bytes) {
        let id = MemberID(peerURLs: peerURLs, clusterToken: clusterToken, unixSeconds: nil)
        // etcd keeps its URLs sorted (etcd v3.6 `client/pkg/types/urls.go`).
        self.init(id: id, name: name, peerURLs: peerURLs.sorted { $0.precedes($1) })
    }

    package var isStarted: Bool { !name.isEmpty }

    /// The member as the Cluster service shows it.
    package var message: Member {
        var member = Member()
        member.id = id.rawValue
        member.name = name
        member.peerURLs = peerURLs
        member.clientURLs = clientURLs
        member.isLearner = isLearner
        return member
    }
}

/// JSON, in Go's form: a name or a list that is empty, or a false, is left out, except that no peer URLs are `null`.
extension ClusterMember {
    /// The member's record in the `members` bucket, which is also its description in a configuration change.
    package var json: JSONValue {
        var fields = [
            JSONMember("id", .number(id.rawValue)),
            JSONMember("peerURLs", peerURLs.isEmpty ? .null : .array(peerURLs.map { .string($0) })),
        ]
        if isLearner { fields.append(JSONMember("isLearner", .bool(true))) }
        if !name.isEmpty { fields.append(JSONMember("name", .string(name))) }
        if !clientURLs.isEmpty { fields.append(JSONMember("clientURLs", .array(clientURLs.map { .string($0) }))) }
        return .object(fields)
    }

    /// Reads a record, as Go would: what is absent or null is empty; nil if a field is of another type.
    package init?(json: JSONValue) {
        guard case .object = json, let id = Self.read(json, "id", \.uint64Value, absent: 0),
            let name = Self.read(json, "name", \.stringValue, absent: []),
            let peerURLs = Self.read(json, "peerURLs", \.stringsValue, absent: []),
            let clientURLs = Self.read(json, "clientURLs", \.stringsValue, absent: []),
            let isLearner = Self.read(json, "isLearner", \.boolValue, absent: false)
        else { return nil }
        self.init(
            id: MemberID(id), name: name, peerURLs: peerURLs, clientURLs: clientURLs, isLearner: isLearner)
    }

    /// Reads a field; nil if it has another type.
    static func read<Value>(
        _ json: JSONValue, _ name: String, _ value: (JSONValue) -> Value?, absent: Value
    ) -> Value? {
        switch json[field: name] {
        case nil, .some(.null): absent
        case .some(let field): value(field)
        }
    }
}
