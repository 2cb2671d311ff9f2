internal import Apply
internal import EtcdMessages
internal import Membership
internal import Primitives
internal import Raft
internal import Store

/// The versions of the cluster and of the store's schema, which the leader and each member look after (etcd v3.6
/// `server/etcdserver/version/monitor.go`, `server.go` `monitorClusterVersions` and `monitorDowngrade`).
extension Node {
    /// Time between two looks, in nanoseconds.
    static let versionCheckInterval: UInt64 = 4_000_000_000

    /// The version that a cluster of this member alone should be in; nil if it is, or if others are to be asked first.
    var versionToSet: EtcdVersion? {
        isOnlyMember ? applier.cluster.versionToSet(oldestMember: etcdVersion) : nil
    }

    private var isOnlyMember: Bool { applier.cluster.members.allSatisfy { $0.id == memberID } }

    func proposal(of version: EtcdVersion) -> Proposal {
        var request = ClusterVersionSetRequest()
        request.ver = Bytes(text: version.description)
        return Proposal(.clusterVersionSet, request)
    }

    /// Asks all members for their versions when it is time to and this member leads: at the beginning of its term, and then
    /// now and again.
    func watchVersions() {
        lowerSchemaIfPossible()
        // A look of an earlier term ends with it.
        if let look = versionLook, look.term != raft.term { versionLook = nil }
        guard raft.role == .leader, versionLook == nil, lookedInTerm != raft.term || now >= nextVersionCheck,
            raft.log.term(at: raft.log.appliedIndex) == raft.term
        else { return }
        lookedInTerm = raft.term
        nextVersionCheck = now + Self.versionCheckInterval
        let others = applier.cluster.members.filter { $0.id != memberID }
        versionLook = VersionLook(term: raft.term, own: etcdVersion, otherCount: others.count)
        for member in others { ask(member, .version, for: .version(raft.term)) }
        endVersionLookIfOver()
    }

    /// A member was asked for its version in a term.
    func versionAnswered(in term: Term, _ answer: Result<PeerAnswer, PeerQuestionError>) {
        guard versionLook?.term == term else { return }
        var version: EtcdVersion?
        if case .success(.version(let server, _)) = answer { version = EtcdVersion(server) }
        versionLook?.answered(version)
        endVersionLookIfOver()
    }

    /// Takes the cluster to another version, or a downgrade to its end, once all members are known.
    private func endVersionLookIfOver() {
        guard let look = versionLook, look.isOver else { return }
        versionLook = nil
        let cluster = applier.cluster
        if settings.downgradeCheckNanoseconds > 0, now >= nextDowngradeCheck,
            cluster.isDowngradeDone(oldestMember: look.oldest, newestMember: look.newest)
        {
            nextDowngradeCheck = now + settings.downgradeCheckNanoseconds
            proposeAnew(Proposal(.downgradeInfoSet, DowngradeInfoSetRequest()), in: look.term)
        } else if let version = cluster.versionToSet(oldestMember: look.oldest) {
            proposeAnew(proposal(of: version), in: look.term)
        }
    }

    /// What is refused now is proposed at the next look, should it still be needed.
    private func proposeAnew(_ proposal: Proposal, in term: Term) {
        try? propose(proposal, waiter: nil, leaderTerm: term)
    }

    /// The schema follows the cluster downwards once a snapshot is recorded behind the entry that lowered the version: of
    /// the log, an older etcd then reads only what comes after, and no member puts anything there that it does not know.
    private func lowerSchemaIfPossible() {
        guard applier.cluster.isSchemaAhead, forcedSnapshotIndex == nil, !isSnapshotInFlight else { return }
        applier.cluster.lowerStorageVersion()
        // Nor does it get to read what was before when it joins: a server of etcd 3.5 ends at an entry that says the cluster was
        // once of a version that it does not know. It is sent the snapshot instead.
        raft.compactLog(through: min(snapshotIndex, raft.log.appliedIndex))
    }

    /// Ends a member that is older than its cluster has become: it would not understand what comes next (etcd v3.6
    /// `server/etcdserver/version/downgrade.go`, `MustDetectDowngrade`).
    func stopIfOlderThanCluster() {
        guard let version = applier.cluster.version, !applier.cluster.admits(server: etcdVersion) else { return }
        stop(.olderThanCluster(server: etcdVersion.release, cluster: version))
    }
}
