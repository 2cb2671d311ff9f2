import Apply
import EtcdMessages
import MVCC
import Membership
import Node
import Primitives
import Raft
import SimulatedPlatform
import Store
import Testing

/// Versions of the cluster and the schema, and the way back to the release before.
@Suite struct DowngradeTests {
    private func request(
        _ member: TestMember, _ action: DowngradeAction, _ version: String = ""
    ) throws -> Result<DowngradeResponse, EtcdError> {
        var request = DowngradeRequest()
        request.action = action
        request.version = Bytes(text: version)
        let token = member.token()
        member.node.downgrade(request, token)
        member.pump()
        member.settle()
        switch try #require(member.reply(to: token)) {
        case .success(let reply): return .success(try DowngradeResponse(decoding: reply.body))
        case .failure(let error): return .failure(error)
        }
    }

    private func answer(_ version: String) -> Result<DowngradeResponse, EtcdError> {
        var response = DowngradeResponse()
        response.version = Bytes(text: version)
        return .success(response)
    }

    /// Lets enough time pass for the leader to look at the versions.
    private func wait(_ member: TestMember) {
        for _ in 0..<45 {
            member.advance(milliseconds: 100)
            member.settle()
        }
    }

    @Test func whatIsAnswered() throws {
        let member = try TestMember.ready()
        #expect(try request(member, .validate, "3.5") == answer("3.6"))
        #expect(try request(member, .validate, "3.4.0") == .failure(.invalidDowngradeTargetVersion))
        #expect(try request(member, .validate, "v3.5") == .failure(.wrongDowngradeVersionFormat))
        #expect(try request(member, .enable, "zz") == .failure(.wrongDowngradeVersionFormat))
        #expect(try request(member, .enable, "3.6.0") == .failure(.invalidDowngradeTargetVersion))
        #expect(try request(member, .cancel, "whatever") == answer("3.6"))
        #expect(try request(member, DowngradeAction(rawValue: 9), "3.5") == .failure(.unknownMethod))
        #expect(try request(member, .enable, "3.5.7") == answer("3.6"))
        #expect(member.node.applier.cluster.downgrade.targetVersion == Bytes(text: "3.5.0"))
        #expect(try request(member, .validate, "3.5") == .failure(.downgradeInProcess))
        #expect(try request(member, .enable, "3.5") == .failure(.downgradeInProcess))
        #expect(try request(member, .cancel) == answer("3.6"))
        #expect(member.node.applier.cluster.downgrade == .none)
    }

    @Test func anEnabledDowngradeTakesClusterAndSchemaBackAndACancelForth() throws {
        let member = try TestMember.ready()
        member.put("a")
        _ = try request(member, .enable, "3.5")
        #expect(member.node.applier.cluster.version == .etcd36, "not before the leader looks")
        wait(member)
        let cluster = member.node.applier.cluster
        #expect(cluster.version == .etcd35 && cluster.schemaVersion == .etcd35)
        member.commit()
        let disk = member.crashed()
        try TestMember.withStore(on: disk) { store in
            let schema = try store.value(.meta, key: MetaKey.storageVersion)
            let version = try store.value(.cluster, key: Cluster.versionKey)
            #expect(schema == nil && version == Bytes(text: "3.5.0"))
        }
        // Behind the snapshot that an older etcd begins with.
        #expect(try disk.list("/data/member/snap").contains { $0.hasSuffix(".snap") })

        let again = try TestMember.ready(disk: disk)
        wait(again)
        #expect(again.node.applier.cluster.version == .etcd35, "a start ends no downgrade")
        #expect(try request(again, .validate, "3.4") == .failure(.downgradeInProcess))
        #expect(try request(again, .cancel) == answer("3.5"))
        wait(again)
        #expect(again.node.applier.cluster.version == .etcd36 && again.node.applier.cluster.storageVersion == .etcd36)
    }

    @Test func theSchemaStaysUntilTheSnapshotIsRecorded() throws {
        let member = try TestMember.ready()
        _ = try request(member, .enable, "3.5")
        member.advance(milliseconds: 4000)
        while member.node.applier.cluster.version == .etcd36 { member.runLog() }
        #expect(member.node.applier.cluster.storageVersion == .etcd36)
        member.onEffect = { effect in
            if case .saveSnapshot = effect { #expect(member.node.applier.cluster.storageVersion == .etcd36) }
        }
        wait(member)
        #expect(member.node.applier.cluster.storageVersion == nil)
    }

    /// As far as the entry that lowers the version is applied, and no further.
    private func lowered(_ settings: NodeSettings = TestMember.settings) throws -> TestMember {
        let member = try TestMember.ready(settings: settings)
        member.commit()
        _ = try request(member, .enable, "3.5")
        member.advance(milliseconds: 4000)
        while member.node.applier.cluster.version == .etcd36 { member.runLog() }
        return member
    }

    /// An older etcd would read what it does not know, if the schema let it.
    @Test func theSchemaStaysUntilTheSnapshotIsRecordedWhateverHappensBefore() throws {
        let member = try lowered()
        member.advance(milliseconds: 100)
        while member.committer != nil { member.runStore() }
        // Its file has it; the record is not written, and the power goes.
        let again = try TestMember(disk: member.crashed())
        #expect(again.node.applier.cluster.version == .etcd35)
        var isSaved = false
        again.onEffect = { effect in
            if case .saveSnapshot = effect {
                isSaved = true
                #expect(again.node.applier.cluster.storageVersion == .etcd36)
            }
        }
        wait(again)
        #expect(again.node.applier.cluster.storageVersion == nil && isSaved)
    }

    @Test func aSnapshotThatMustBeIsNotForgottenForOneThatIsUnderWay() throws {
        var settings = TestMember.settings
        settings.snapshotEntryCount = 5
        let member = try lowered(settings)
        // One of entries before it is on its way to the log.
        var isUnderWay = false
        member.onEffect = { if case .saveSnapshot = $0 { isUnderWay = true } }
        if member.committer == nil { member.advance(milliseconds: 100) }
        member.runStore()
        try #require(isUnderWay)
        try #require(member.node.store.committedIndex < member.node.raft.log.appliedIndex)
        member.advance(milliseconds: 100)
        while member.committer != nil { member.runStore() }
        #expect(member.node.store.committedIndex == member.node.raft.log.appliedIndex)
        // Nothing else is written any more.
        member.settle()
        #expect(member.node.applier.cluster.storageVersion == nil)
    }

    @Test func nothingIsAppliedBehindWhatTheMemberDoesNotUnderstand() throws {
        let member = try TestMember.ready()
        let revision = member.node.mvcc.currentRevision
        member.put("first")
        var request = ClusterVersionSetRequest()
        request.ver = Bytes(text: "3.8.0")
        _ = member.propose(Proposal(.clusterVersionSet, request))
        let late = member.put("late")
        member.settle()
        #expect(member.stops.count == 1)
        #expect(!member.isAnswered(late) && member.node.mvcc.currentRevision <= revision + 1)
    }

    @Test func withALearnerTheVersionStays() throws {
        let member = try TestMember.ready()
        let token = member.token()
        member.node.addMember(peerURLs: [Bytes(text: "http://a:1")], isLearner: true, token)
        member.pump()
        member.settle()
        _ = try request(member, .enable, "3.5")
        wait(member)
        #expect(member.node.applier.cluster.version == .etcd36, "nobody knows which version the learner has")
        let again = try TestMember.ready(disk: member.crashed())
        #expect(again.node.applier.cluster.members.count == 2)
    }

    @Test func authStatusAndItsRevision() throws {
        let member = try TestMember.ready()
        let token = member.token()
        member.node.authStatus(token)
        member.pump()
        let reply = try #require(try member.reply(to: token)?.get())
        let status = try AuthStatusResponse(decoding: reply.body)
        #expect(reply.revision == 1 && !status.enabled && status.authRevision == 1)
    }
}
