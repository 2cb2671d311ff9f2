import Alarms
import Apply
import EtcdMessages
import Leases
import MVCC
import Membership
import Primitives
import Store
import Testing

/// What each kind of entry does, how its answer looks, and what is refused.
@Suite struct ApplyTests {
    private let fixture: ApplyFixture

    init() throws {
        fixture = try ApplyFixture()
    }

    @Test func aLeadersFirstEntry() throws {
        let outcome = try fixture.apply(nil)
        #expect(outcome.requestID == 0 && outcome.refusal == nil && outcome.answer?.body == [])
        #expect(try fixture.apply([]).refusal == nil)
    }

    @Test func keys() throws {
        #expect(try fixture.put("foo", "bar").answer == MVCCAnswer(revision: 2, body: []))
        #expect(try fixture.value("foo") == "bar")
        let deletion = try fixture.apply {
            var delete = DeleteRangeRequest()
            delete.key = Bytes(text: "foo")
            delete.prevKv = true
            $0.deleteRange = delete
        }
        let response = try DeleteRangeResponse(decoding: try #require(deletion.answer?.body))
        #expect(deletion.answer?.revision == 3 && response.deleted == 1)
        #expect(response.prevKvs.first?.value.text == "bar")
        let txn = try fixture.apply {
            var put = PutRequest()
            put.key = Bytes(text: "a")
            var op = RequestOp()
            op.request = .put(put)
            $0.txn = TxnRequest()
            $0.txn?.success = [op, op]
            $0.txn?.success[1].request = .range(RangeRequest())
        }
        #expect(txn.refusal == nil && fixture.revision == 4)
        let range = try fixture.apply {
            $0.range = RangeRequest()
            $0.range?.key = Bytes(text: "a")
        }
        #expect(try RangeResponse(decoding: try #require(range.answer?.body)).count == 1)
    }

    @Test func refusalsOfKeysMoveTheIndexToo() throws {
        #expect(try fixture.put("a", lease: 5).refusal == .leaseNotFound)
        #expect(fixture.revision == 1)
        let ignore = try fixture.apply {
            $0.put = PutRequest()
            $0.put?.key = [1]
            $0.put?.ignoreValue = true
        }
        #expect(ignore.refusal == .keyNotFound)
        try fixture.restart()
        #expect(fixture.store.appliedIndex == LogIndex(2) && fixture.store.appliedTerm == Term(1))
    }

    @Test func numbersOfProposals() throws {
        var request = InternalRaftRequest()
        request.put = PutRequest()
        request.put?.key = [1]
        #expect(try fixture.apply(request.encoded()).requestID == 0)
        request.header = RequestHeader()
        request.header?.id = 5
        #expect(try fixture.apply(request.encoded()).requestID == 5)
        request.id = 6
        #expect(try fixture.apply(request.encoded()).requestID == 6)
    }

    @Test func compaction() throws {
        for value in ["1", "2", "3"] { try fixture.put("a", value) }
        func compact(_ revision: Int64, physical: Bool = false) throws -> ApplyOutcome {
            try fixture.apply {
                $0.compaction = CompactionRequest()
                $0.compaction?.revision = revision
                $0.compaction?.physical = physical
            }
        }
        #expect(try compact(5).refusal == .futureRev)
        let logical = try compact(2)
        #expect(logical.answer?.revision == 4 && logical.physicalCompaction == nil)
        #expect(try compact(2).refusal == .compacted)
        let physical = try compact(3, physical: true)
        #expect(physical.answer?.revision == 4 && physical.physicalCompaction == 3)
        let again = try compact(3, physical: true)
        #expect(again.refusal == .compacted && again.physicalCompaction == 3)
    }

    @Test func leases() throws {
        let grant = try fixture.grantLease(7, ttl: 1)
        let response = try LeaseGrantResponse(decoding: try #require(grant.answer?.body))
        #expect(response.id == 7 && response.ttl == 2 && grant.answer?.revision == 1)
        #expect(try fixture.grantLease(7).refusal == .leaseExist)
        #expect(try fixture.grantLease(0).refusal == .leaseNotFound)
        #expect(try fixture.grantLease(8, ttl: .max).refusal == .leaseTTLTooLarge)
        #expect(try fixture.revokeLease(8).refusal == .leaseNotFound)
        for key in ["b", "c", "a"] { try fixture.put(key, lease: 7) }
        try fixture.put("c")
        #expect(fixture.revision == 5)
        #expect(fixture.applier.leases.lease(LeaseID(7))?.sortedKeys.map(\.text) == ["a", "b"])
        try fixture.restart()
        #expect(fixture.applier.leases.lease(LeaseID(7))?.sortedKeys.map(\.text) == ["a", "b"])
        let revoke = try fixture.revokeLease(7)
        #expect(revoke.answer == MVCCAnswer(revision: 6, body: []))
        #expect(try fixture.range("a", [0]).kvs.map(\.key.text) == ["c"])
        // In the order of keys: `a` was deleted first.
        #expect(
            try fixture.store.value(.key, key: Revision(main: 6, sub: 0).bucketKey(isTombstone: true)) == [
                0x0a, 1, 0x61,
            ])
        #expect(try fixture.store.value(.lease, key: [0, 0, 0, 0, 0, 0, 0, 7]) == nil)
        try fixture.grantLease(7)
        #expect(try fixture.revokeLease(7).answer == MVCCAnswer(revision: 6, body: []))
    }

    @Test func aKeyMovesFromLeaseToLease() throws {
        try fixture.grantLease(1)
        try fixture.grantLease(2)
        try fixture.put("a", lease: 1)
        try fixture.put("a", lease: 2)
        #expect(fixture.applier.leases.lease(LeaseID(1))?.sortedKeys == [])
        #expect(fixture.applier.leases.lease(LeaseID(2))?.sortedKeys == [Bytes(text: "a")])
        try fixture.revokeLease(1)
        #expect(try fixture.value("a") == "")
        try fixture.revokeLease(2)
        #expect(try fixture.value("a") == nil)
    }

    @Test func checkpointsLastFromVersion36() throws {
        func checkpoint(_ remaining: Int64) throws {
            var checkpoint = LeaseCheckpoint()
            checkpoint.id = 1
            checkpoint.remainingTTL = remaining
            var gone = checkpoint
            gone.id = 9
            let outcome = try fixture.apply {
                $0.leaseCheckpoint = LeaseCheckpointRequest()
                $0.leaseCheckpoint?.checkpoints = [gone, checkpoint]
            }
            #expect(outcome.answer?.body == [])
        }
        try fixture.grantLease(1, ttl: 600)
        try checkpoint(500)
        #expect(fixture.applier.leases.lease(LeaseID(1))?.remainingTTLSeconds == 500)
        try fixture.rebuild()
        #expect(fixture.applier.leases.lease(LeaseID(1))?.remainingTTLSeconds == 600)
        try setVersion("3.6.0")
        try checkpoint(400)
        try fixture.restart()
        #expect(fixture.applier.leases.lease(LeaseID(1))?.remainingTTLSeconds == 400)
    }

    @discardableResult
    private func setVersion(_ version: String) throws -> ApplyOutcome {
        try fixture.apply {
            $0.clusterVersionSet = ClusterVersionSetRequest()
            $0.clusterVersionSet?.ver = Bytes(text: version)
        }
    }

    @Test func versions() throws {
        #expect(try setVersion("3.6.0").forcesSnapshot == false)
        #expect(fixture.applier.cluster.version == EtcdVersion.etcd36)
        #expect(try fixture.store.value(.meta, key: MetaKey.storageVersion) == Bytes(text: "3.6.0"))
        #expect(try setVersion("three").refusal == .malformedEntry("a cluster version that is none"))
        #expect(try setVersion("3.5.0").forcesSnapshot)
        let downgrade = try fixture.apply {
            $0.downgradeInfoSet = DowngradeInfoSetRequest()
            $0.downgradeInfoSet?.enabled = true
            $0.downgradeInfoSet?.ver = Bytes(text: "3.5.0")
        }
        #expect(downgrade.refusal == nil && fixture.applier.cluster.downgrade.isEnabled)
        #expect(
            try fixture.store.value(.cluster, key: Cluster.downgradeKey)
                == Bytes(text: "{\"target-version\":\"3.5.0\",\"enabled\":true}"))
        #expect(try fixture.apply { $0.downgradeInfoSet = DowngradeInfoSetRequest() }.refusal == nil)
        #expect(!fixture.applier.cluster.downgrade.isEnabled)
        #expect(try fixture.apply { $0.downgradeVersionTest = DowngradeVersionTestRequest() }.refusal == nil)
    }

    @Test func aNewClusterFromItsFirstEntries() throws {
        let member = ClusterMember(
            bootstrapName: Bytes(text: "s1"), peerURLs: [Bytes(text: "http://localhost:2380")],
            clusterToken: Bytes(text: "etcd-cluster"))
        let bootstrap = ClusterBootstrap(members: [member])
        for entry in bootstrap.entries {
            let outcome = try fixture.apply(entry.data, type: entry.type)
            #expect(outcome.confState == bootstrap.confState && outcome.refusal == nil)
        }
        #expect(fixture.applier.cluster.members == [member])
        let attributes = try fixture.apply {
            $0.clusterMemberAttrSet = ClusterMemberAttrSetRequest()
            $0.clusterMemberAttrSet?.memberID = member.id.rawValue
            var attributes = MembershipAttributes()
            attributes.name = Bytes(text: "s1")
            attributes.clientURLs = [Bytes(text: "http://localhost:2379")]
            $0.clusterMemberAttrSet?.memberAttributes = attributes
        }
        #expect(attributes.refusal == nil)
        #expect(
            try fixture.store.value(.members, key: Bytes(text: "8e9e05c52164694d"))?.text
                == "{\"id\":10276657743932975437,\"peerURLs\":[\"http://localhost:2380\"],\"name\":\"s1\","
                + "\"clientURLs\":[\"http://localhost:2379\"]}")
        #expect(
            try fixture.store.value(.meta, key: MetaKey.confState)?.text
                == "{\"voters\":[10276657743932975437],\"auto_leave\":false}")
    }

    @Test func changesOfMembers() throws {
        let one = ClusterMember(id: MemberID(1), peerURLs: [Bytes(text: "http://a")])
        let outcome = try fixture.addMember(one, id: 42)
        #expect(outcome.requestID == 42 && outcome.confState?.voters == [1] && outcome.answer?.revision == 0)
        #expect(try MemberListResponse(decoding: try #require(outcome.answer?.body)).members == [one.message])
        let refused = try fixture.addMember(one, id: 43)
        #expect(refused.requestID == 43 && refused.refusal == .memberExist && refused.confState == nil)
        var single = ConfChangeSingle()
        single.type = .addLearnerNode
        single.nodeID = 2
        var changes = ConfChangeV2()
        changes.changes = [single]
        changes.context = ConfChangeContext(
            member: ClusterMember(id: MemberID(2), peerURLs: [Bytes(text: "http://b")], isLearner: true)
        ).encoded()
        #expect(try fixture.apply(changes.encoded(), type: .confChangeV2).confState?.learners == [2])
        changes.changes = [single, single]
        #expect(try fixture.apply(changes.encoded(), type: .confChangeV2).refusal != nil)
        #expect(try fixture.apply([0xff], type: .confChangeV2).refusal != nil)
        #expect(try fixture.apply([0xff], type: .confChange).refusal != nil)
        #expect(try fixture.apply([], type: RaftEntryType(rawValue: 9)).refusal != nil)
        let state = fixture.applier.cluster.confState
        try fixture.restart()
        #expect(fixture.applier.cluster.confState == state)
    }

    @Test func whatTheStoreHoldsIsNotAppliedAgain() throws {
        try fixture.put("a", "1")
        var entry = RaftEntry()
        entry.index = 1
        entry.term = 1
        var request = InternalRaftRequest()
        request.put = PutRequest()
        request.put?.key = [2]
        entry.data = request.encoded()
        let state = try fixture.state()
        #expect(try fixture.applier.apply(entry).requestID == 0)
        #expect(try fixture.state() == state)
    }

    @Test func theOldDialect() throws {
        try fixture.addMember(ClusterMember(id: MemberID(0xf4), peerURLs: [Bytes(text: "http://a")]))
        var old = V2Request()
        old.id = 77
        old.method = Bytes(text: "PUT")
        old.path = Bytes(text: "/0/members/f4/attributes")
        old.val = Bytes(text: "{\"name\":\"s1\",\"clientURLs\":[\"http://c\"]}")
        let outcome = try fixture.apply(old.encoded())
        #expect(outcome.requestID == 77 && outcome.refusal == nil)
        #expect(fixture.applier.cluster.members.first?.name == Bytes(text: "s1"))
        // The same inside the current form.
        old.val = Bytes(text: "{\"name\":\"s2\"}")
        var request = InternalRaftRequest()
        request.v2 = old.encoded()
        #expect(try fixture.apply(request.encoded()).requestID == 77)
        #expect(fixture.applier.cluster.members.first?.name == Bytes(text: "s2"))
        #expect(fixture.applier.cluster.members.first?.clientURLs == [])
        old.path = Bytes(text: "/0/version")
        old.val = Bytes(text: "3.5.0")
        #expect(try fixture.apply(old.encoded()).refusal == nil)
        #expect(fixture.applier.cluster.version == EtcdVersion(major: 3, minor: 5))
        for (method, path, value) in [
            ("PUT", "/0/members/f5/attributes", "{}"), ("PUT", "/0/members/f4/attributes", "["),
            ("PUT", "/0/members/zz/attributes", "{}"), ("PUT", "/1/key", "v"), ("PUT", "/0/version", ""),
            ("DELETE", "/0/version", "3.5.0"), ("", "", ""), ("PUT", "0/members/f4/attributes", "{}"),
        ] {
            old.method = Bytes(text: method)
            old.path = Bytes(text: path)
            old.val = Bytes(text: value)
            #expect(try fixture.apply(old.encoded()).refusal != nil, "\(method) \(path)")
        }
        #expect(fixture.applier.cluster.version == EtcdVersion(major: 3, minor: 5))
    }

    @Test func anEntryThatAsksForNothingIsRefused() throws {
        #expect(try fixture.apply { _ in }.refusal == .malformedEntry("an entry that asks for nothing"))
        #expect(try fixture.apply([0xff, 0xff]).refusal == .malformedEntry("a request that cannot be read"))
    }

    @Test func theFirstOfSeveralRequestsCounts() throws {
        try fixture.apply {
            $0.put = PutRequest()
            $0.put?.key = [1]
            $0.leaseGrant = LeaseGrantRequest()
            $0.leaseGrant?.id = 1
        }
        #expect(fixture.revision == 2 && fixture.applier.leases.leaseCount == 0)
        try fixture.apply {
            $0.put = PutRequest()
            $0.put?.key = [1]
            $0.clusterVersionSet = ClusterVersionSetRequest()
            $0.clusterVersionSet?.ver = Bytes(text: "3.6.0")
        }
        #expect(fixture.revision == 2 && fixture.applier.cluster.version == EtcdVersion.etcd36)
    }

    @Test func alarms() throws {
        let raised = try fixture.alarm(.activate, .noSpace)
        #expect(raised.answer?.revision == 1)
        #expect(try AlarmResponse(decoding: try #require(raised.answer?.body)).alarms.map(\.memberID) == [7])
        #expect(try fixture.put("a").refusal == .noSpace && fixture.revision == 1)
        #expect(try fixture.grantLease(1).refusal == .noSpace)
        #expect(try fixture.revokeLease(1).refusal == .leaseNotFound)
        try fixture.restart()
        #expect(fixture.store.appliedIndex == LogIndex(4))
        #expect(try fixture.put("a").refusal == .noSpace)
        try fixture.alarm(.activate, .corrupt)
        #expect(try fixture.revokeLease(1).refusal == .corrupt)
        try fixture.alarm(.deactivate, .corrupt)
        try fixture.alarm(.deactivate, .noSpace)
        #expect(try fixture.put("a").refusal == nil)
        #expect(try fixture.alarm(AlarmAction(rawValue: 5), .noSpace).refusal != nil)
        #expect(try AlarmResponse(decoding: try #require(try fixture.alarm(.get).answer?.body)).alarms == [])
    }

    @Test func beyondTheQuotaARequestIsDoneAndAnsweredNoSpace() throws {
        var settings = ApplySettings()
        settings.quota = Quota(setting: 1)
        let fixture = try ApplyFixture(settings)
        #expect(try fixture.put("a", "1").refusal == .noSpace)
        #expect(try fixture.value("a") == "1" && fixture.revision == 2)
        #expect(try fixture.grantLease(5).refusal == .noSpace && fixture.applier.leases.exists(LeaseID(5)))
        // What is refused for another reason is told that.
        #expect(try fixture.grantLease(5).refusal == .leaseExist)
        let deletion = try fixture.apply {
            $0.deleteRange = DeleteRangeRequest()
            $0.deleteRange?.key = Bytes(text: "a")
        }
        #expect(deletion.refusal == nil && fixture.revision == 3)
    }
}
