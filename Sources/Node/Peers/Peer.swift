internal import Membership
package import Primitives

/// Another member, as far as one must know it to speak with it.
package struct Peer: Hashable, Sendable {
    package let id: MemberID
    /// Where it listens for members, as the cluster knows them. They need not be well formed.
    package let peerURLs: [Bytes]
    package let isLearner: Bool

    package init(id: MemberID, peerURLs: [Bytes], isLearner: Bool = false) {
        self.id = id
        self.peerURLs = peerURLs
        self.isLearner = isLearner
    }

    init(_ member: ClusterMember) {
        self.init(id: member.id, peerURLs: member.peerURLs, isLearner: member.isLearner)
    }
}
