internal import Apply
internal import Logging
internal import Membership
internal import Node
internal import Primitives

/// Tells of changes of the members and of versions, in etcd's words (etcd v3.6 `server/etcdserver/api/membership/cluster.go`,
/// `server/etcdserver/version/monitor.go`).
struct ClusterLog {
    /// What was last told of.
    private struct State {
        var changeCount: UInt64
        var members: [ClusterMember]
        var version: EtcdVersion?
        var schema: EtcdVersion
    }

    private var last: State?
    private let logger: Logger

    init(logger: Logger = Logger(label: "martlet")) {
        self.logger = logger
    }

    /// Looks at the member; to be called in each round of the loop. What there is at the start is nothing new.
    mutating func look(at node: Node) {
        look(at: node.applier.cluster, of: node)
    }

    private mutating func look(at cluster: Cluster, of node: Node) {
        if let last, last.changeCount == cluster.changeCount { return }
        let state = State(
            changeCount: cluster.changeCount, members: cluster.members, version: cluster.version,
            schema: cluster.schemaVersion)
        defer { last = state }
        guard let last else { return }
        let own: Logger.Metadata = ["cluster-id": "\(node.clusterID)", "local-member-id": "\(node.memberID)"]
        for line in Self.lines(from: last.members, to: state.members) {
            logger.info("\(line.message)", metadata: own.merging(line.fields) { $1 })
        }
        tellVersions(from: last, to: state, cluster, own)
    }

    private func tellVersions(from last: State, to state: State, _ cluster: Cluster, _ own: Logger.Metadata) {
        if let version = state.version, version != last.version {
            if let before = last.version {
                let fields: Logger.Metadata = ["from": "\(Self.short(before))", "to": "\(Self.short(version))"]
                logger.info("updated cluster version", metadata: own.merging(fields) { $1 })
            } else {
                let fields: Logger.Metadata = ["cluster-version": "\(Self.short(version))"]
                logger.info("set initial cluster version", metadata: own.merging(fields) { $1 })
            }
        }
        guard state.schema != last.schema else { return }
        logger.info("updated storage version", metadata: ["new-storage-version": "\(state.schema)"])
        if cluster.downgrade.isEnabled, cluster.downgrade.targetVersion.text == state.schema.description {
            logger.info("The server is ready to downgrade", metadata: ["target-version": "\(state.schema)"])
        }
    }

    private static func short(_ version: EtcdVersion) -> String { "\(version.major).\(version.minor)" }

    /// A line for each member that came, went or changed. That one told its name and URLs is no news.
    static func lines(
        from old: [ClusterMember], to new: [ClusterMember]
    ) -> [(message: String, fields: Logger.Metadata)] {
        var lines: [(message: String, fields: Logger.Metadata)] = []
        for member in old where !new.contains(where: { $0.id == member.id }) {
            lines.append(
                (
                    "removed member",
                    ["removed-remote-peer-id": "\(member.id)", "removed-remote-peer-urls": urls(member)]
                ))
        }
        for member in new {
            guard let before = old.first(where: { $0.id == member.id }) else {
                lines.append(
                    (
                        "added member",
                        [
                            "added-peer-id": "\(member.id)", "added-peer-peer-urls": urls(member),
                            "added-peer-is-learner": "\(member.isLearner)",
                        ]
                    ))
                continue
            }
            if before.isLearner, !member.isLearner {
                lines.append(("promote member", ["promoted-member-id": "\(member.id)"]))
            }
            if before.peerURLs != member.peerURLs {
                lines.append(
                    (
                        "updated member",
                        ["updated-remote-peer-id": "\(member.id)", "updated-remote-peer-urls": urls(member)]
                    ))
            }
        }
        return lines
    }

    private static func urls(_ member: ClusterMember) -> Logger.MetadataValue {
        .array(member.peerURLs.map { .string($0.text) })
    }
}
