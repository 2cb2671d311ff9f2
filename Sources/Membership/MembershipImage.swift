package import EtcdMessages
package import Primitives

/// Who belongs to a cluster, as something other than the store's own records tells it: the version 2 store of etcd up to 3.5,
/// which those versions go by. Their records of the members in the store were never read, and are often wrong: etcd 3.5.1
/// writes neither the names nor the promotions there that it takes from its log (etcd issue 19557).
package struct MembershipImage: Equatable, Sendable {
    package var members: [ClusterMember]
    package var removed: [MemberID]
    /// The version all members agreed on; nil until they have.
    package var version: EtcdVersion?
    /// Raft's configuration.
    package var confState: ConfState

    package init(
        members: [ClusterMember] = [], removed: [MemberID] = [], version: EtcdVersion? = nil,
        confState: ConfState = ConfState()
    ) {
        self.members = members
        self.removed = removed
        self.version = version
        self.confState = confState
    }
}

extension Cluster {
    /// Takes members, removed members, version and configuration from an image, whatever the store says of them.
    package func replace(by image: MembershipImage) {
        for member in members where !image.members.contains(where: { $0.id == member.id }) { forget(member.id) }
        for id in removedMembers where !image.removed.contains(id) { forgetRemoval(of: id) }
        for id in image.removed { remove(id) }
        for var member in image.members {
            // Of one that has said nothing of itself yet there is no name in it. The first members' are known all the same.
            if member.name.isEmpty { member.name = self.member(member.id)?.name ?? [] }
            put(member)
        }
        replaceVersion(by: image.version)
        setConfState(image.confState)
    }
}
