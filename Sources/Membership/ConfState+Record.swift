package import EtcdMessages
package import Primitives

/// Raft's configuration as the `meta` bucket keeps it: JSON, lists left out when empty
/// (etcd v3.6 `server/storage/schema/confstate.go`).
extension ConfState {
    package var json: JSONValue {
        var fields: [JSONMember] = []
        for (name, ids) in [
            ("voters", voters), ("learners", learners), ("voters_outgoing", votersOutgoing),
            ("learners_next", learnersNext),
        ] where !ids.isEmpty {
            fields.append(JSONMember(name, .array(ids.map { .number($0) })))
        }
        fields.append(JSONMember("auto_leave", .bool(autoLeave)))
        return .object(fields)
    }

    /// Reads a record; nil if it is not one.
    package init?(json: JSONValue) {
        guard case .object = json, let voters = Self.ids(json, "voters"), let learners = Self.ids(json, "learners"),
            let outgoing = Self.ids(json, "voters_outgoing"), let next = Self.ids(json, "learners_next"),
            let autoLeave = ClusterMember.read(json, "auto_leave", \.boolValue, absent: false)
        else { return nil }
        self.init()
        self.voters = voters
        self.learners = learners
        votersOutgoing = outgoing
        learnersNext = next
        self.autoLeave = autoLeave
    }

    private static func ids(_ json: JSONValue, _ name: String) -> [UInt64]? {
        guard let values = ClusterMember.read(json, name, \.arrayValue, absent: []) else { return nil }
        let ids = values.compactMap(\.uint64Value)
        return ids.count == values.count ? ids : nil
    }
}

/// The arithmetic of changes of one member at a time (Raft thesis, section 4.1; etcd raft v3.6 `confchange`).
extension ConfState {
    /// The configuration after one change; nil if it cannot be made: it would leave no voter, or a change of several members
    /// is under way.
    package func applying(_ type: ConfChangeType, _ member: MemberID) -> ConfState? {
        guard votersOutgoing.isEmpty, learnersNext.isEmpty else { return nil }
        let id = member.rawValue
        var next = self
        switch type {
        case .addNode:
            next.learners.removeAll { $0 == id }
            next.voters = Self.inserting(id, voters)
        case .addLearnerNode:
            next.voters.removeAll { $0 == id }
            next.learners = Self.inserting(id, learners)
        case .removeNode:
            next.voters.removeAll { $0 == id }
            next.learners.removeAll { $0 == id }
        case .updateNode:
            break
        default:
            return nil
        }
        return next.voters.isEmpty ? nil : next
    }

    private static func inserting(_ id: UInt64, _ ids: [UInt64]) -> [UInt64] {
        ids.contains(id) ? ids : (ids + [id]).sorted()
    }
}
