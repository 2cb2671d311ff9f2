import Auth
import Environment
import EtcdMessages
import Primitives
import Testing

/// What requests need (etcd v3.6; what is checked before it is proposed, and where it is carried out).
@Suite struct AuthRequirementTests {
    private func read(_ key: Bytes, _ rangeEnd: Bytes = []) -> AuthRequirement {
        .access(key: key, rangeEnd: rangeEnd, right: .read)
    }

    private func write(_ key: Bytes, _ rangeEnd: Bytes = []) -> AuthRequirement {
        .access(key: key, rangeEnd: rangeEnd, right: .write)
    }

    private func expect(
        _ operation: RaftOperation, execution: [AuthRequirement], proposal: [AuthRequirement] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let request = AuthorizedRequest.operation(operation)
        #expect(request.requirements(at: .execution) == execution, sourceLocation: sourceLocation)
        #expect(request.requirements(at: .proposal) == proposal, sourceLocation: sourceLocation)
    }

    @Test func keys() {
        var range = RangeRequest()
        range.key = [1]
        range.rangeEnd = [2]
        expect(.range(range), execution: [read([1], [2])])
        var put = PutRequest()
        put.key = [3]
        expect(.put(put), execution: [write([3])])
        put.prevKv = true
        put.lease = -5
        expect(.put(put), execution: [write([3]), .leaseKeys(LeaseID(-5), right: .write), read([3])])
        var delete = DeleteRangeRequest()
        delete.key = [4]
        delete.rangeEnd = [0]
        expect(.deleteRange(delete), execution: [write([4], [0])])
        delete.prevKv = true
        expect(.deleteRange(delete), execution: [write([4], [0]), read([4], [0])])
        expect(.compaction(CompactionRequest()), execution: [], proposal: [.administrator])
    }

    @Test func bothBranchesOfATxnAndAllItsCompares() {
        func op(_ request: RequestOp.Request?) -> RequestOp {
            var op = RequestOp()
            op.request = request
            return op
        }
        var compare = Compare()
        compare.key = [1]
        compare.rangeEnd = [2]
        var put = PutRequest()
        put.key = [3]
        put.prevKv = true
        put.lease = 8
        var nested = TxnRequest()
        nested.compare = [compare]
        nested.failure = [op(.put(put))]
        var range = RangeRequest()
        range.key = [4]
        var txn = TxnRequest()
        txn.success = [op(nil), op(.txn(nested))]
        txn.failure = [op(.range(range)), op(.deleteRange(DeleteRangeRequest()))]
        expect(
            .txn(txn),
            execution: [
                read([1], [2]), write([3]), .leaseKeys(LeaseID(8), right: .write), read([3]), read([4]), write([]),
            ])
        expect(.txn(TxnRequest()), execution: [])
    }

    @Test func leasesAndAlarms() {
        expect(.leaseGrant(LeaseGrantRequest()), execution: [], proposal: [.anyUser])
        var revoke = LeaseRevokeRequest()
        revoke.id = 9
        let keys = AuthRequirement.leaseKeys(LeaseID(9), right: .write)
        expect(.leaseRevoke(revoke), execution: [keys], proposal: [.anyUser])
        var alarm = AlarmRequest()
        expect(.alarm(alarm), execution: [], proposal: [.anyUser])
        alarm.action = .activate
        expect(.alarm(alarm), execution: [], proposal: [.administrator])
    }

    @Test func usersAndRoles() {
        var userGet = AuthUserGetRequest()
        userGet.name = [1]
        expect(.authUserGet(userGet), execution: [.administratorOrUser([1])])
        var roleGet = AuthRoleGetRequest()
        roleGet.role = [2]
        expect(.authRoleGet(roleGet), execution: [.administratorOrRole([2])])
        expect(.authenticate(InternalAuthenticateRequest()), execution: [])
        for operation in [
            .authEnable, .authDisable, .authStatus, .authUserList, .authRoleList,
            .authUserAdd(AuthUserAddRequest()), .authUserDelete(AuthUserDeleteRequest()),
            .authUserChangePassword(AuthUserChangePasswordRequest()),
            .authUserGrantRole(AuthUserGrantRoleRequest()), .authUserRevokeRole(AuthUserRevokeRoleRequest()),
            .authRoleAdd(AuthRoleAddRequest()), .authRoleDelete(AuthRoleDeleteRequest()),
            .authRoleGrantPermission(AuthRoleGrantPermissionRequest()),
            .authRoleRevokePermission(AuthRoleRevokePermissionRequest()),
        ] as [RaftOperation] {
            expect(operation, execution: [.administrator])
        }
    }

    @Test func whatDoesNotGoThroughTheLog() {
        func needs(_ request: AuthorizedRequest) -> [AuthRequirement] { request.requirements(at: .execution) }
        var range = RangeRequest()
        range.key = [1]
        range.rangeEnd = [2]
        #expect(needs(.rangeStream(range)) == [read([1], [2])])
        #expect(needs(.watch(key: [1], rangeEnd: [0])) == [read([1], [0])])
        #expect(needs(.watch(key: [], rangeEnd: [])) == [read([0])])
        #expect(needs(.leaseKeepAlive(LeaseID(3))) == [.leaseKeys(LeaseID(3), right: .write)])
        var timeToLive = LeaseTimeToLiveRequest()
        timeToLive.id = 3
        #expect(needs(.leaseTimeToLive(timeToLive)) == [.anyUser])
        timeToLive.keys = true
        #expect(needs(.leaseTimeToLive(timeToLive)) == [.anyUser, .leaseKeys(LeaseID(3), right: .read)])
        #expect(needs(.leaseList([LeaseID(3)])) == [.leaseKeys(LeaseID(3), right: .read)])
        for request in [.memberList, .status] as [AuthorizedRequest] { #expect(needs(request) == [.anyUser]) }
        for request in [
            .memberChange, .defragment, .hash, .hashKV, .snapshot, .moveLeader, .downgrade,
        ] as [AuthorizedRequest] {
            #expect(needs(request) == [.administrator])
        }
    }

    @Test func whoIsRefusedAndHow() throws {
        let fixture = try AuthFixture()
        try fixture.addUser("u")
        try fixture.auth.addRole(Bytes(text: "r"))
        try fixture.grant("r", .readWrite, [1])
        try fixture.grantRole("u", "r")
        var put = PutRequest()
        put.key = [1]
        let own = AuthorizedRequest.operation(.put(put))
        put.key = [2]
        let other = AuthorizedRequest.operation(.put(put))
        // Nobody is asked while authentication is off.
        #expect(fixture.refusal(other, .none) == nil && fixture.refusal(.snapshot, .none) == nil)
        try fixture.enable()
        let old = fixture.now("u")
        let oldRoot = fixture.now("root")
        #expect(fixture.refusal(own, old) == nil)
        try fixture.addUser("v")
        #expect(fixture.refusal(own, old) == .authOldRevision && fixture.refusal(own, oldRoot) == .authOldRevision)
        #expect(fixture.refusal(own, .none) == .userEmpty)
        #expect(fixture.refusal(own, fixture.now("nobody")) == .permissionDenied)
        #expect(
            fixture.refusal(own, fixture.now("u")) == nil
                && fixture.refusal(other, fixture.now("u")) == .permissionDenied)
        #expect(fixture.refusal(other, fixture.now("root")) == nil)
        #expect(fixture.refusal(.snapshot, .none) == .userEmpty)
        #expect(fixture.refusal(.snapshot, fixture.now("nobody")) == .permissionDenied)
        #expect(fixture.refusal(.snapshot, fixture.now("u")) == .permissionDenied)
        // What an administrator may do does not grow old.
        #expect(fixture.refusal(.snapshot, oldRoot) == nil)
        #expect(fixture.refusal(.status, .none) == .userEmpty && fixture.refusal(.status, old) == nil)

        var userGet = AuthUserGetRequest()
        userGet.name = Bytes(text: "u")
        #expect(fixture.refusal(.operation(.authUserGet(userGet)), old) == nil)
        #expect(fixture.refusal(.operation(.authUserGet(userGet)), fixture.now("v")) == .permissionDenied)
        var roleGet = AuthRoleGetRequest()
        roleGet.role = Bytes(text: "r")
        #expect(fixture.refusal(.operation(.authRoleGet(roleGet)), old) == nil)
        #expect(fixture.refusal(.operation(.authRoleGet(roleGet)), fixture.now("v")) == .permissionDenied)
        #expect(fixture.refusal(.operation(.authRoleGet(roleGet)), oldRoot) == nil)
    }

    @Test func leasesAreWorthTheirKeys() throws {
        let fixture = try AuthFixture()
        try fixture.addUser("u")
        try fixture.auth.addRole(Bytes(text: "r"))
        try fixture.grant("r", .write, [1])
        try fixture.grantRole("u", "r")
        try fixture.enable()
        fixture.leases.keys = [LeaseID(1): [[1]], LeaseID(2): [[1], [2]]]
        var put = PutRequest()
        put.key = [1]
        for (id, refusal) in [(0, nil), (1, nil), (2, .permissionDenied), (3, nil)] as [(Int64, EtcdError?)] {
            put.lease = id
            #expect(fixture.refusal(.operation(.put(put)), fixture.now("u")) == refusal)
            var revoke = LeaseRevokeRequest()
            revoke.id = id
            #expect(fixture.refusal(.operation(.leaseRevoke(revoke)), fixture.now("u")) == refusal)
            #expect(fixture.refusal(.operation(.leaseRevoke(revoke)), fixture.now("root")) == nil)
            #expect(fixture.refusal(.leaseKeepAlive(LeaseID(id)), fixture.now("u")) == refusal)
        }
        #expect(fixture.refusal(.leaseList([LeaseID(1)]), fixture.now("u")) == .permissionDenied)
        #expect(fixture.refusal(.leaseList([]), fixture.now("u")) == nil)
        // A revocation by the cluster itself comes from root; without a user it is refused if there are keys.
        #expect(fixture.refusal(.leaseKeepAlive(LeaseID(1)), .none) == .userEmpty)
    }
}
