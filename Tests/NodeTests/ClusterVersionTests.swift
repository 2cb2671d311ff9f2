import Apply
import EtcdMessages
import Membership
import Node
import Primitives
import Raft
import SimulatedPlatform
import Testing
import WriteAheadLog

/// The version of a cluster of several members, some of which are other servers.
@Suite struct ClusterVersionTests {
    private func versions(_ cluster: TestCluster) -> [String] {
        cluster.up.map { $0.node.applier.cluster.version?.description ?? "" }
    }

    /// The entry that set a version, in the log on a disk.
    private func lowering(_ cluster: TestCluster, to version: String) -> LogIndex? {
        let disk = cluster.up[0].crashed(.keepAll)
        let log = try? WALReader.read(disk: disk, directory: "/data/member/wal")
        return log?.entries.last { entry in
            let request = try? InternalRaftRequest(decoding: entry.data ?? [])
            return request?.clusterVersionSet?.ver == Bytes(text: version)
        }.map { LogIndex($0.index) }
    }

    private func downgrade(_ cluster: TestCluster, _ action: DowngradeAction, _ version: String) throws {
        var request = DowngradeRequest()
        request.action = action
        request.version = Bytes(text: version)
        let member = try #require(try cluster.followers().first)
        let token = member.token()
        member.node.downgrade(request, token)
        member.pump()
        cluster.settle()
        #expect(try member.reply(to: token)?.get() != nil)
    }

    @Test func aNewClusterHasAVersionBeforeItServes() throws {
        let cluster = try TestCluster(count: 3)
        while cluster.up.allSatisfy({ $0.readyCount == 0 }) {
            cluster.advance(milliseconds: 10)
            for member in cluster.up where member.readyCount > 0 {
                #expect(member.node.applier.cluster.version == .etcd36)
            }
        }
        cluster.close()
    }

    @Test func theOldestMemberSaysWhichAndItRisesWithThat() throws {
        let cluster = try TestCluster(count: 3)
        cluster.versions[cluster.ids[1]] = "3.5.1"
        try cluster.advance(until: "all are ready") { $0.up.allSatisfy { $0.readyCount == 1 } }
        // Whoever leads; only if that is the old one itself does it not ask.
        let isOldLeading = try cluster.theLeader().node.memberID == cluster.ids[1]
        #expect(Set(versions(cluster)) == (isOldLeading ? ["3.6.0"] : ["3.5.0"]))
        cluster.versions = [:]
        cluster.advance(milliseconds: 4200)
        #expect(Set(versions(cluster)) == ["3.6.0"])
        cluster.close()
    }

    @Test func whileOneMemberIsUnknownTheVersionIsTheOldestThatThereIsOrStays() throws {
        let cluster = try TestCluster(count: 3)
        cluster.crash(cluster.ids[0])
        try cluster.advance(until: "the others are ready") { $0.up.allSatisfy { $0.readyCount == 1 } }
        #expect(Set(versions(cluster)) == ["3.0.0"])
        try cluster.start(cluster.ids[0])
        cluster.advance(milliseconds: 6000)
        #expect(Set(versions(cluster)) == ["3.6.0"])
        let follower = try #require(try cluster.followers().first)
        cluster.crash(follower.node.memberID)
        try downgrade(cluster, .enable, "3.5")
        cluster.advance(milliseconds: 10_000)
        #expect(Set(versions(cluster)) == ["3.6.0"], "nobody knows what the one that is away has")
        cluster.close()
    }

    @Test func aDowngradeTakesAllBackAndEndsWhenNoneIsNewer() throws {
        let cluster = try TestCluster.ready()
        try downgrade(cluster, .enable, "3.5.0")
        #expect(cluster.up.allSatisfy { $0.node.applier.cluster.isDowngradeUnderWay })
        cluster.advance(milliseconds: 5000)
        #expect(Set(versions(cluster)) == ["3.5.0"])
        #expect(cluster.up.allSatisfy { $0.node.applier.cluster.schemaVersion == .etcd35 })
        #expect(cluster.up.allSatisfy { !$0.node.applier.cluster.isDowngradeUnderWay }, "others of 3.5 may join")
        let lowered = try #require(lowering(cluster, to: "3.5.0"))
        #expect(
            cluster.up.allSatisfy { $0.node.raft.log.compactedIndex >= lowered },
            "and are not sent entries that say the cluster was of 3.6")
        // One member after another becomes a real one of 3.5; none of them leads here.
        let leader = try cluster.theLeader().node.memberID
        for id in cluster.ids where id != leader { cluster.versions[id] = "3.5.1" }
        cluster.advance(milliseconds: 11_000)
        #expect(cluster.up.allSatisfy { $0.node.applier.cluster.downgrade.isEnabled }, "the leader is still of 3.6")
        #expect(Set(versions(cluster)) == ["3.5.0"])
        cluster.versions = [:]
        try downgrade(cluster, .cancel, "")
        cluster.advance(milliseconds: 5000)
        #expect(Set(versions(cluster)) == ["3.6.0"])
        #expect(cluster.up.allSatisfy { $0.node.applier.cluster.storageVersion == .etcd36 })
        cluster.close()
    }

    @Test func aMemberThatTheClusterOutgrowsEnds() throws {
        let cluster = try TestCluster.ready()
        var request = ClusterVersionSetRequest()
        request.ver = Bytes(text: "3.8.0")
        let leader = try cluster.theLeader()
        _ = leader.propose(Proposal(.clusterVersionSet, request))
        cluster.settle()
        #expect(
            leader.stops.map(\.description) == [
                "invalid downgrade; server version is lower than determined cluster version "
                    + "(current-server-version: 3.6.0, determined-cluster-version: 3.8)"
            ])
        // The others end when one of them leads and commits it.
        cluster.crash(leader.node.memberID)
        cluster.advance(milliseconds: 5000)
        #expect(cluster.up.contains { !$0.stops.isEmpty })
        cluster.close()
    }
}
