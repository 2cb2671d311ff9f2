package import Membership
package import Primitives

/// The bodies, in JSON, of what members ask each other; as Go's `encoding/json` writes them.
package enum PeerReports {
    // MARK: Members

    /// What `/members` and `/members/promote` answer.
    package static func members(_ members: [ClusterMember]) -> Bytes {
        JSONValue.array(members.map(\.json)).encoded() + [UInt8(ascii: "\n")]
    }

    /// Reads the answer of `/members`; nil if it is none.
    package static func readMembers(_ body: Bytes) -> [ClusterMember]? {
        guard let json = try? JSONValue.parse(body), let values = json.arrayValue else { return nil }
        var members: [ClusterMember] = []
        for value in values {
            guard let member = ClusterMember(json: value) else { return nil }
            members.append(member)
        }
        return members
    }

    // MARK: Versions

    /// What `/version` answers (etcd v3.6 `server/etcdserver/api/etcdhttp/version.go`).
    package static func version(server: EtcdVersion, cluster: EtcdVersion?, storage: EtcdVersion?) -> Bytes {
        JSONValue.object([
            JSONMember("etcdserver", .string(text: "\(server)")),
            JSONMember("etcdcluster", .string(text: cluster?.description ?? "not_decided")),
            JSONMember("storage", .string(text: storage?.description ?? "unknown")),
        ]).encoded()
    }

    /// Reads what a peer says to `/version`: its own version, and the cluster's if it has one.
    package static func readVersion(_ body: Bytes) -> (server: EtcdVersion, cluster: EtcdVersion?)? {
        guard let json = try? JSONValue.parse(body), let server = json[field: "etcdserver"]?.stringValue,
            let version = EtcdVersion(server.text)
        else { return nil }
        return (version, json[field: "etcdcluster"]?.stringValue.flatMap { EtcdVersion($0.text) })
    }

    // MARK: Hashes

    /// What `/members/hashkv` answers. What is 0 is left out.
    package static func hash(_ report: PeerHash) -> Bytes {
        var fields: [JSONMember] = []
        let revision = report.revision == 0 ? [] : [JSONMember("revision", .number(report.revision))]
        fields.append(JSONMember("header", .object(revision)))
        if report.hash != 0 { fields.append(JSONMember("hash", .number(report.hash))) }
        if report.compactRevision != 0 {
            fields.append(JSONMember("compact_revision", .number(report.compactRevision)))
        }
        if report.hashRevision != 0 { fields.append(JSONMember("hash_revision", .number(report.hashRevision))) }
        return JSONValue.object(fields).encoded()
    }

    /// Reads the answer of `/members/hashkv`; nil if it is none.
    package static func readHash(_ body: Bytes) -> PeerHash? {
        guard let json = try? JSONValue.parse(body), case .object = json else { return nil }
        var report = PeerHash()
        guard let revision = number(json[field: "header"]?[field: "revision"]), let hash = number(json[field: "hash"]),
            let hash = UInt32(exactly: hash), let compact = number(json[field: "compact_revision"]),
            let hashRevision = number(json[field: "hash_revision"])
        else { return nil }
        report.revision = revision
        report.hash = hash
        report.compactRevision = compact
        report.hashRevision = hashRevision
        return report
    }

    /// The question, which stands in the body of a GET.
    package static func hashQuestion(revision: Int64) -> Bytes {
        JSONValue.object(revision == 0 ? [] : [JSONMember("revision", .number(revision))]).encoded()
    }

    /// A number that is 0 if it is left out; nil if it is something else.
    private static func number(_ value: JSONValue?) -> Int64? {
        switch value {
        case nil, .some(.null): 0
        case .some(let value): value.int64Value
        }
    }

    // MARK: Failures

    /// What etcd's handlers say to an error that they have no status for (etcd v3.6
    /// `server/etcdserver/api/etcdhttp/types`).
    package static let internalError = PeerResponse(
        500, fields: [PeerResponse.json], body: Bytes(text: #"{"message":"Internal Server Error"}"#))
}

/// The hash of a peer's keys at a revision.
package struct PeerHash: Equatable, Sendable {
    /// The revision its store is at.
    package var revision: Int64 = 0
    package var hash: UInt32 = 0
    /// What was last compacted; -1 if nothing.
    package var compactRevision: Int64 = 0
    /// What was hashed; 0 from members before 3.5.5, which do not say.
    package var hashRevision: Int64 = 0

    package init() {}
}
