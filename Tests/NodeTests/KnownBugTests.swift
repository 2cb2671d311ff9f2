import Apply
import Auth
import EtcdMessages
import Leases
import MVCC
import Node
import Primitives
import SimulatedPlatform
import Store
import Testing

/// Bugs that etcd had, by the numbers of its issues, where no other test has their shape (docs/internals/known-bugs.md).
@Suite struct KnownBugTests {
    /// 20271: a defragmentation and a snapshot that a leader sent both changed the store's file.
    @Test func aSnapshotComesDuringADefragmentation() throws {
        let member = try TestMember.ready()
        for number in 0..<60 {
            member.put("key \(number % 6)", Bytes(repeating: UInt8(number), count: 9000))
            if number % 10 == 9 { member.commit() }
        }
        let compaction = member.compact(member.node.mvcc.currentRevision, physical: true)
        for _ in 0..<50 where !member.isAnswered(compaction) { member.commit() }
        let snapshot = try TestSnapshot(ahead: member) { future in
            for number in 0..<20 { future.put("later \(number)", Bytes(repeating: 7, count: 900)) }
            future.settle()
        }
        let defragmentation = member.token()
        member.node.defragment(defragmentation)
        member.pump()
        member.stepStore()
        #expect(member.committer != nil && member.node.store.isDefragmenting)
        member.receive(snapshot)
        while !member.preparations.isEmpty { member.runInstaller() }
        while !member.logJobs.isEmpty { member.runLog() }
        #expect(member.node.mvcc.currentRevision < snapshot.revision, "the slice comes to its end first")
        for _ in 0..<500 where !member.isAnswered(defragmentation) {
            member.settle()
            member.advance(milliseconds: 5)
        }
        _ = try #require(member.reply(to: defragmentation)).get()
        member.settle()
        #expect(member.stops.isEmpty && member.installed == [snapshot.index])
        #expect(try member.hashNow().hash == snapshot.hash)
        try member.node.store.check()
        let again = try TestMember(disk: member.crashed(), isStarted: false)
        #expect(again.node.mvcc.currentRevision == snapshot.revision)
        again.close()
        member.close()
    }

    /// 14571: a member that went on from a snapshot knew no users, and refused what the others carried out.
    @Test func rightsComeWithASnapshot() throws {
        let member = try TestMember.ready()
        member.put("a")
        member.commit()
        let auth = member.node.applier.auth
        #expect(!auth.isEnabled)
        let snapshot = try TestSnapshot(ahead: member) { future in
            do {
                try Self.enable(future.node.applier.auth)
            } catch {
                Issue.record(error)
            }
            for number in 0..<20 { future.put("later \(number)") }
            future.settle()
        }
        member.receive(snapshot)
        member.settle()
        #expect(member.installed == [snapshot.index])
        let restored = member.node.applier.auth
        #expect(restored.isEnabled && restored.userNames == [Bytes(text: "alice"), Bytes(text: "root")])
        var put = PutRequest()
        func refusal(_ user: String, _ key: String) -> EtcdError? {
            put.key = Bytes(text: key)
            var header = RequestHeader()
            header.username = Bytes(text: user)
            header.authRevision = restored.revision
            do throws(EtcdError) {
                try restored.check(
                    .operation(.put(put)), at: .execution, Credentials(header), leases: member.node.applier.leases)
                return nil
            } catch {
                return error
            }
        }
        #expect(refusal("alice", "a") == nil && refusal("root", "b") == nil)
        #expect(refusal("alice", "b") == .permissionDenied && refusal("bob", "a") == .permissionDenied)
        member.close()
    }

    private static func enable(_ auth: AuthStore) throws {
        func user(_ name: String) -> AuthUserAddRequest {
            var request = AuthUserAddRequest()
            request.name = Bytes(text: name)
            request.hashedPassword = Bytes(text: "aGFzaA==")
            return request
        }
        func grant(_ name: String, _ role: String) throws {
            var request = AuthUserGrantRoleRequest()
            request.user = Bytes(text: name)
            request.role = Bytes(text: role)
            try auth.grantRole(request)
        }
        for name in ["root", "alice"] { try auth.addUser(user(name)) }
        for name in ["root", "reader"] { try auth.addRole(Bytes(text: name)) }
        var permission = AuthRoleGrantPermissionRequest()
        permission.name = Bytes(text: "reader")
        var granted = AuthPermission()
        granted.permType = .readWrite
        granted.key = Bytes(text: "a")
        permission.perm = granted
        try auth.grantPermission(permission)
        try grant("root", "root")
        try grant("alice", "reader")
        try auth.enable()
    }

    /// 13491, 17132: with each new leader a lease had all its time again, and lived for ever.
    @Test func checkpointsBoundALeaseOverThreeLeaders() throws {
        var settings = TestCluster.settings
        settings.checkpointsLeases = true
        settings.leaseCheckpointIntervalNanoseconds = 10_000_000_000
        let cluster = try TestCluster.ready(settings: settings)
        defer { cluster.close() }
        try cluster.grant(7, ttl: 60, at: try cluster.theLeader())
        var greatest: Int64 = 60
        for _ in 1...3 {
            cluster.advance(milliseconds: 11_000)
            let old = try cluster.theLeader().node.memberID
            cluster.crash(old)
            let new = try cluster.elect()
            try cluster.start(old)
            cluster.settle()
            // Ten seconds are on record; a new leader adds an election.
            greatest -= 9
            let left = try cluster.timeToLive(7, at: new).ttl
            #expect(left > 0 && left <= greatest, "\(left)")
        }
        // Its time, an election, and what it takes to revoke it.
        cluster.advance(milliseconds: 1000 * (Int(greatest) + 3))
        #expect(cluster.up.allSatisfy { $0.node.applier.leases.leaseIDs.isEmpty })
    }

    /// 18667: only the member whose client waited for them carried out the ranges of a transaction, and only it found one of
    /// them refused.
    @Test func aTransactionMeansTheSameWhoeverAsked() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let asked = try cluster.followers()[0]
        for number in 0..<5 { asked.put("key", [UInt8(number)]) }
        cluster.settle()
        let compaction = asked.compact(4)
        cluster.settle()
        _ = try #require(asked.reply(to: compaction)).get()
        let revision = asked.node.mvcc.currentRevision
        var put = PutRequest()
        put.key = Bytes(text: "other")
        var range = RangeRequest()
        range.key = Bytes(text: "key")
        range.revision = 2
        var txn = TxnRequest()
        txn.success = [.put(put), .range(range)].map { (request: RequestOp.Request) in
            var operation = RequestOp()
            operation.request = request
            return operation
        }
        let token = asked.propose(Proposal(.txn, txn))
        cluster.settle()
        #expect(asked.reply(to: token) == .failure(.compacted))
        #expect(cluster.up.allSatisfy { $0.node.mvcc.currentRevision == revision })
        try cluster.expectSameKeys()
    }
}
