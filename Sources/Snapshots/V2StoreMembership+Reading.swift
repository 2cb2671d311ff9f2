package import Primitives

extension V2StoreMembership {
    /// Reads the members out of a version 2 store's JSON. Parts that are absent are taken for empty, others ignored.
    ///
    /// - Throws: `corrupt` if it is not JSON, or what it says of a member is not as it must be.
    package init(decoding bytes: Bytes) throws(SnapshotError) {
        let json: JSONValue
        do throws(JSONError) {
            json = try JSONValue.parse(bytes)
        } catch {
            throw .corrupt("the version 2 store: \(error)")
        }
        guard let root = json[field: "Root"] else { throw .corrupt("the version 2 store has no root") }
        let cluster = child(of: root, "0")
        var members: [V2StoreMember] = []
        for entry in children(of: child(of: cluster, "members")) {
            members.append(try V2StoreMember(id: try parseID(entry.key), node: entry.value))
        }
        var removed: [MemberID] = []
        for entry in children(of: child(of: cluster, "removed_members")) { removed.append(try parseID(entry.key)) }
        self.init(
            members: members, removed: removed,
            clusterVersion: child(of: cluster, "version")?[field: "Value"]?.stringValue)
    }
}

extension V2StoreMember {
    fileprivate init(id: MemberID, node: JSONValue) throws(SnapshotError) {
        let raftAttributes = try parseValue(of: child(of: node, "raftAttributes"), id)
        guard let raftAttributes else { throw .corrupt("member \(id) has no raftAttributes") }
        let attributes = try parseValue(of: child(of: node, "attributes"), id)
        guard let peerURLs = raftAttributes[field: "peerURLs"]?.orEmptyArray.stringsValue else {
            throw .corrupt("member \(id) has no peer URLs")
        }
        self.init(
            id: id, peerURLs: peerURLs, isLearner: raftAttributes[field: "isLearner"]?.boolValue ?? false,
            name: attributes?[field: "name"]?.stringValue ?? [],
            clientURLs: attributes?[field: "clientURLs"]?.orEmptyArray.stringsValue ?? [])
    }
}

extension JSONValue {
    /// Go writes `null` for a slice that was never made.
    fileprivate var orEmptyArray: JSONValue { self == .null ? .array([]) : self }
}

private func children(of node: JSONValue?) -> [JSONMember] {
    node?[field: "Children"]?.objectValue ?? []
}

private func child(of node: JSONValue?, _ name: String) -> JSONValue? {
    let key = Bytes(text: name)
    return children(of: node).last { $0.key == key }?.value
}

/// The JSON that a file of the store holds; nil if there is no such file.
private func parseValue(of node: JSONValue?, _ id: MemberID) throws(SnapshotError) -> JSONValue? {
    guard let value = node?[field: "Value"]?.stringValue else { return nil }
    do throws(JSONError) {
        return try JSONValue.parse(value)
    } catch {
        throw .corrupt("member \(id): \(error)")
    }
}

/// Reads a member's id in hexadecimal.
private func parseID(_ key: Bytes) throws(SnapshotError) -> MemberID {
    guard let id = UInt64(key.text, radix: 16), !key.isEmpty, key[0] != UInt8(ascii: "+") else {
        throw .corrupt("\"\(key.text)\" is not the id of a member")
    }
    return MemberID(id)
}
