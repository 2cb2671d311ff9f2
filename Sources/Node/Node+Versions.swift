internal import Apply
internal import EtcdMessages
internal import Membership
internal import Primitives
internal import Raft
internal import Store

/// The versions of the cluster and of the store's schema, which the leader and each member look after (etcd v3.6
/// `server/etcdserver/version/monitor.go`, `server.go` `monitorClusterVersions`).
extension Node {
    /// Time between two looks, in nanoseconds.
    static let versionCheckInterval: UInt64 = 4_000_000_000

    /// The version that the cluster should be in; nil if it is.
    var versionToSet: EtcdVersion? { applier.cluster.versionToSet(oldestMember: oldestMember) }

    /// The version of the oldest member; nil if others there be: this version does not ask them.
    private var oldestMember: EtcdVersion? {
        applier.cluster.members.allSatisfy { $0.id == memberID } ? etcdVersion : nil
    }

    func proposal(of version: EtcdVersion) -> Proposal {
        var request = ClusterVersionSetRequest()
        request.ver = Bytes(text: version.description)
        return Proposal(.clusterVersionSet, request)
    }

    /// Takes the cluster to another version, or a downgrade to its end, when it is time to look and this member leads.
    func watchVersions() {
        lowerSchemaIfPossible()
        guard publication == .done, now >= nextVersionCheck, raft.role == .leader else { return }
        nextVersionCheck = now + Self.versionCheckInterval
        if applier.cluster.isDowngradeDone(oldestMember: oldestMember) {
            proposeAnew(Proposal(.downgradeInfoSet, DowngradeInfoSetRequest()))
        } else if let version = versionToSet {
            proposeAnew(proposal(of: version))
        }
    }

    /// What is refused now is proposed at the next look, should it still be needed.
    private func proposeAnew(_ proposal: Proposal) {
        try? propose(proposal, waiter: nil)
    }

    /// The schema follows the cluster downwards once a snapshot is recorded behind the entry that lowered the version: of
    /// the log, an older etcd then reads only what comes after, and no member puts anything there that it does not know.
    private func lowerSchemaIfPossible() {
        guard applier.cluster.isSchemaAhead, forcedSnapshotIndex == nil, !isSnapshotInFlight else { return }
        applier.cluster.lowerStorageVersion()
    }
}
