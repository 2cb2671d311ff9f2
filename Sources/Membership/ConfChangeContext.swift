package import Primitives

/// What a configuration change says beside the member's id: the member, and whether a learner is given a vote
/// (etcd v3.6 `ConfigChangeContext`). JSON: the member's fields, and `isPromote`.
package struct ConfChangeContext: Equatable, Sendable {
    package var member: ClusterMember
    package var isPromote: Bool

    package init(member: ClusterMember, isPromote: Bool = false) {
        self.member = member
        self.isPromote = isPromote
    }

    /// Reads a context. The bytes may come from anywhere.
    package init(decoding bytes: Bytes) throws(EtcdError) {
        guard let json = try? JSONValue.parse(bytes), let member = ClusterMember(json: json),
            let isPromote = ClusterMember.read(json, "isPromote", \.boolValue, absent: false)
        else { throw .malformedEntry("a configuration change without its member") }
        self.init(member: member, isPromote: isPromote)
    }

    package func encoded() -> Bytes {
        guard case .object(let fields) = member.json else { unreachable("a member is an object") }
        return JSONValue.object(fields + [JSONMember("isPromote", .bool(isPromote))]).encoded()
    }
}
