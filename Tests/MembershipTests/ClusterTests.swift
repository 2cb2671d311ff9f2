import Environment
import EtcdMessages
import Membership
import Primitives
import SimulatedPlatform
import Store
import Testing

@Suite struct ClusterTests {
    private let store: Store
    private let cluster: Cluster

    init() throws {
        store = try Store.open(disk: SimulatedDisk(), path: "/db")
        cluster = try Cluster(store: store)
    }

    private func change(
        _ type: ConfChangeType, _ id: UInt64, urls: [String] = [], isLearner: Bool = false, isPromote: Bool = false,
        contextID: UInt64? = nil
    ) -> ConfChange {
        var change = ConfChange()
        change.type = type
        change.nodeID = id
        if type != .removeNode {
            let member = ClusterMember(
                id: MemberID(contextID ?? id), peerURLs: urls.map { Bytes(text: $0) }, isLearner: isLearner)
            change.context = ConfChangeContext(member: member, isPromote: isPromote).encoded()
        }
        return change
    }

    /// The cluster that a restart would find must be the one in memory.
    private func expectStored() throws {
        let restarted = try Cluster(store: store)
        #expect(restarted.members == cluster.members)
        #expect(restarted.removedMembers == cluster.removedMembers)
        #expect(restarted.version == cluster.version)
        #expect(restarted.storageVersion == cluster.storageVersion)
        #expect(restarted.downgrade == cluster.downgrade)
        #expect(restarted.confState == cluster.confState)
    }

    private func expectRefused(_ change: ConfChange, _ error: EtcdError) throws {
        let members = cluster.members
        let state = cluster.confState
        #expect(throws: error) { try cluster.apply(change) }
        #expect(cluster.members == members && cluster.confState == state)
        try expectStored()
    }

    @Test func membersComeAndGo() throws {
        #expect(try cluster.apply(change(.addNode, 1, urls: ["http://a"])).voters == [1])
        #expect(try cluster.apply(change(.addLearnerNode, 2, urls: ["http://b"], isLearner: true)).learners == [2])
        #expect(cluster.members.map(\.isLearner) == [false, true])
        #expect(try cluster.apply(change(.addNode, 2, isLearner: true, isPromote: true)).voters == [1, 2])
        #expect(cluster.member(MemberID(2))?.isLearner == false)
        #expect(cluster.member(MemberID(2))?.peerURLs == [Bytes(text: "http://b")])
        try expectStored()
        #expect(try cluster.apply(change(.removeNode, 1)).voters == [2])
        #expect(cluster.isRemoved(MemberID(1)) && cluster.member(MemberID(1)) == nil)
        #expect(cluster.removedMembers == [MemberID(1)])
        try expectStored()
        #expect(try store.value(.membersRemoved, key: Bytes(text: "1")) == Bytes(text: "removed"))
    }

    /// The first members of a cluster have names before they say anything of themselves, and an image of etcd 3.5 has none of
    /// them. (Found by the simulator, cluster seed 182: a member that restarted had other records than the rest.)
    @Test func aNameThatIsKnownSurvivesAnImageWithoutIt() throws {
        let member = ClusterMember(id: MemberID(1), name: Bytes(text: "a"), peerURLs: [Bytes(text: "http://a")])
        var change = ConfChange()
        (change.type, change.nodeID) = (.addNode, 1)
        change.context = ConfChangeContext(member: member, isPromote: false).encoded()
        let state = try cluster.apply(change)
        var silent = member
        silent.name = []
        cluster.replace(by: MembershipImage(members: [silent], confState: state))
        #expect(cluster.members == [member])
        var renamed = member
        renamed.name = Bytes(text: "b")
        cluster.replace(by: MembershipImage(members: [renamed], confState: state))
        #expect(cluster.members == [renamed])
        try expectStored()
    }

    @Test func additionsThatAreRefused() throws {
        _ = try cluster.apply(change(.addNode, 1, urls: ["http://a"]))
        _ = try cluster.apply(change(.addNode, 0x2a, urls: ["http://b"]))
        _ = try cluster.apply(change(.removeNode, 0x2a))
        try expectRefused(change(.addNode, 1, urls: ["http://c"]), .memberExist)
        try expectRefused(change(.addNode, 0x2a, urls: ["http://c"]), .memberNotFound)
        try expectRefused(change(.addNode, 3, urls: ["http://c", "http://a"]), .peerURLExist)
        try expectRefused(
            change(.addNode, 3, urls: ["http://c"], contextID: 4),
            .malformedEntry("a configuration change of two members"))
        try expectRefused(change(.addNode, 0, urls: ["http://c"]), .malformedEntry("a member without an id"))
        _ = try cluster.apply(change(.addLearnerNode, 3, urls: ["http://c"], isLearner: true))
        try expectRefused(change(.addLearnerNode, 4, urls: ["http://d"], isLearner: true), .tooManyLearners)
        _ = try cluster.apply(change(.addNode, 4, urls: ["http://d"]))
    }

    @Test func promotionsRemovalsAndUpdatesThatAreRefused() throws {
        _ = try cluster.apply(change(.addNode, 1, urls: ["http://a"]))
        _ = try cluster.apply(change(.addNode, 2, urls: ["http://b"]))
        try expectRefused(change(.addNode, 9, isPromote: true), .memberNotFound)
        try expectRefused(change(.addNode, 1, isPromote: true), .memberNotLearner)
        try expectRefused(change(.removeNode, 9), .memberNotFound)
        try expectRefused(change(.updateNode, 9, urls: ["http://z"]), .memberNotFound)
        try expectRefused(change(.updateNode, 1, urls: ["http://b"]), .peerURLExist)
        try expectRefused(
            change(ConfChangeType(rawValue: 7), 1), .malformedEntry("a configuration change of unknown type"))
        _ = try cluster.apply(change(.removeNode, 2))
        try expectRefused(change(.removeNode, 2), .memberNotFound)
        try expectRefused(change(.removeNode, 1), .malformedEntry("a configuration change that leaves no voter"))
        var bare = change(.addNode, 5)
        bare.context = nil
        try expectRefused(bare, .malformedEntry("a configuration change without its member"))
    }

    @Test func anUpdateChangesTheURLsAlone() throws {
        _ = try cluster.apply(change(.addNode, 1, urls: ["http://a"]))
        _ = try cluster.apply(change(.addLearnerNode, 2, urls: ["http://b"], isLearner: true))
        try cluster.setAttributes(MemberID(2), name: Bytes(text: "two"), clientURLs: [Bytes(text: "http://c")])
        let state = cluster.confState
        // As etcd sends it, without saying that the member is a learner.
        #expect(try cluster.apply(change(.updateNode, 2, urls: ["zz", "http://b"])) == state)
        let member = try #require(cluster.member(MemberID(2)))
        #expect(member.isLearner && member.name == Bytes(text: "two"))
        #expect(member.peerURLs == [Bytes(text: "zz"), Bytes(text: "http://b")])
        try expectStored()
    }

    @Test func attributes() throws {
        _ = try cluster.apply(change(.addNode, 1, urls: ["http://a"]))
        _ = try cluster.apply(change(.addNode, 2, urls: ["http://b"]))
        _ = try cluster.apply(change(.removeNode, 2))
        #expect(cluster.members[0].isStarted == false)
        // A name that is not UTF-8 is at once what a restart would read.
        try cluster.setAttributes(MemberID(1), name: [0x61, 0xff], clientURLs: [])
        #expect(cluster.members[0].name == Bytes(text: "a\u{fffd}") && cluster.members[0].isStarted)
        try expectStored()
        try cluster.setAttributes(MemberID(2), name: [1], clientURLs: [])
        #expect(throws: EtcdError.malformedEntry("attributes of a member that never was")) {
            try cluster.setAttributes(MemberID(3), name: [1], clientURLs: [])
        }
        #expect(cluster.members.count == 1)
    }

    @Test func versions() throws {
        #expect(try cluster.setVersion(Bytes(text: "3.5.0")) == false)
        #expect(cluster.storageVersion == nil)
        #expect(try store.value(.cluster, key: Cluster.versionKey) == Bytes(text: "3.5.0"))
        #expect(try cluster.setVersion(Bytes(text: "3.6.0")) == false)
        #expect(try store.value(.meta, key: MetaKey.storageVersion) == Bytes(text: "3.6.0"))
        try expectStored()
        #expect(throws: EtcdError.self) { try cluster.setVersion(Bytes(text: "3.6")) }
        #expect(try cluster.setVersion(Bytes(text: "3.5.0")))
        // The schema does not follow downwards by itself.
        #expect(cluster.storageVersion == .etcd36 && cluster.version == EtcdVersion(major: 3, minor: 5))
        #expect(try cluster.setVersion(Bytes(text: "3.7.0")) == false)
        #expect(cluster.storageVersion == EtcdVersion(major: 3, minor: 7))
    }

    @Test func aStoreOf35GetsItsVersionWhenItStartsIn36() throws {
        store.put(.cluster, key: Cluster.versionKey, value: Bytes(text: "3.6.0"))
        #expect(try Cluster(store: store).storageVersion == .etcd36)
        #expect(try store.value(.meta, key: MetaKey.storageVersion) == Bytes(text: "3.6.0"))
    }

    @Test func downgrade() throws {
        cluster.setDowngrade(DowngradeState(isEnabled: true, targetVersion: Bytes(text: "3.5.0")))
        try expectStored()
        // A target that is not UTF-8 is at once what a restart would read.
        cluster.setDowngrade(DowngradeState(isEnabled: true, targetVersion: [0x33, 0xff]))
        #expect(cluster.downgrade.targetVersion == Bytes(text: "3\u{fffd}"))
        try expectStored()
        cluster.setDowngrade(.none)
        #expect(cluster.downgrade == .none)
        try expectStored()
    }

    @Test func aStoreWithoutAConfigurationIsOfItsMembers() throws {
        _ = try cluster.apply(change(.addNode, 7, urls: ["http://a"]))
        _ = try cluster.apply(change(.addLearnerNode, 3, urls: ["http://b"], isLearner: true))
        store.delete(.meta, key: MetaKey.confState)
        try expectStored()
    }

    @Test func memberList() throws {
        _ = try cluster.apply(change(.addNode, 9, urls: ["http://a"]))
        _ = try cluster.apply(change(.addNode, 3, urls: ["http://b"]))
        let response = try MemberListResponse(decoding: cluster.memberListBody())
        #expect(response.header == nil && response.members.map(\.id) == [3, 9])
        #expect(response.members[1].peerURLs == [Bytes(text: "http://a")])
    }

    @Test func recordsThatAreNotAsTheyMustBe() throws {
        for (bucket, key, value) in [
            (Bucket.members, "1", "{"), (.members, "1", "{\"id\":2}"), (.members, "x", "{\"id\":1}"),
            (.membersRemoved, "zz", "removed"), (.cluster, "clusterVersion", "three"), (.cluster, "downgrade", "[]"),
            (.meta, "confState", "{\"voters\":0}"), (.meta, "storageVersion", ""),
        ] {
            let store = try Store.open(disk: SimulatedDisk(), path: "/db")
            store.put(bucket, key: Bytes(text: key), value: Bytes(text: value))
            #expect(throws: StoreError.self) { try Cluster(store: store) }
        }
    }
}
