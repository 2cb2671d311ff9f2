internal import Apply
internal import EtcdMessages
internal import Membership
internal import Primitives
internal import Snapshots
internal import Store
internal import WriteAheadLog

/// Data of etcd 3.5, or of a cluster that was taken back to it.
extension NodeOpening {
    /// Finds out the members as etcd 3.5 does: from the version 2 store in its last snapshot, and what the log says behind that.
    /// What its store records of them is not what it goes by (`MembershipImage`). Answers what an operator should know.
    func recoverMembers(_ log: OpenLog, _ applier: Applier) throws(NodeError) -> [String] {
        let cluster = applier.cluster
        guard store.appliedIndex > .zero, cluster.storageVersion == nil else { return [] }
        var image = MembershipImage()
        if log.snapshot.index > 0 {
            guard let found = try snapshotImage(log.snapshot) else {
                return [
                    "there is no readable .snap file of the snapshot at \(log.snapshot.index): the members are taken from the "
                        + "store, which etcd 3.5 does not keep up to date"
                ]
            }
            image = found
        }
        let before = cluster.members
        cluster.replace(by: image)
        for entry in log.entries.prefix(while: { $0.index <= store.appliedIndex.rawValue }) {
            applier.applyMembershipAgain(entry)
        }
        return cluster.members == before
            ? [] : ["the members in the store were not up to date, and are taken from the log"]
    }

    private func snapshotImage(_ record: WALSnapshot) throws(NodeError) -> MembershipImage? {
        do throws(SnapshotError) {
            let directory = SnapshotDirectory(disk: disk, path: settings.snapDirectory)
            guard let snapshot = try directory.loadNewest(matching: [record]) else { return nil }
            return MembershipImage(snapshot)
        } catch {
            throw .snapshot(error)
        }
    }
}

extension MembershipImage {
    /// The members that a snapshot of a member up to etcd 3.6 tells of; nil if it has nothing that can be read.
    init?(_ snapshot: RaftSnapshot) {
        guard let membership = try? V2StoreMembership(decoding: snapshot.data ?? []) else { return nil }
        self.init(
            members: membership.members.map { member in
                ClusterMember(
                    id: member.id, name: member.name, peerURLs: member.peerURLs, clientURLs: member.clientURLs,
                    isLearner: member.isLearner)
            },
            removed: membership.removed, version: membership.clusterVersion.flatMap { EtcdVersion($0.text) },
            confState: snapshot.metadata.confState)
    }
}
