import Apply
import Auth
import EtcdMessages
import MVCC
import Primitives
import Testing

/// Every request that a log can hold, sent by everyone, and who is refused where it is applied.
///
/// A field of `InternalRaftRequest` without a row fails.
@Suite struct AuthorizationTableTests {
    private enum Sender: CaseIterable {
        /// Anyone, while authentication is off.
        case authenticationOff
        /// Nobody in particular.
        case nobody
        /// A user whose role allows other keys.
        case stranger
        /// A user whose role allows the keys asked for.
        case owner
        case root
    }

    /// Whom a request is refused to.
    private enum Rule: Sendable {
        /// Nobody: etcd checks it before it is proposed, or members send it themselves.
        case open
        /// All but the owner and root.
        case owned
        /// All but root.
        case administration

        func refusal(of sender: Sender) -> EtcdError? {
            switch (self, sender) {
            case (.open, _), (_, .authenticationOff), (_, .root), (.owned, .owner): nil
            case (_, .nobody): .userEmpty
            case (_, .stranger), (.administration, .owner): .permissionDenied
            }
        }
    }

    private struct Row: Sendable {
        var rule: Rule
        var set: @Sendable (inout InternalRaftRequest) -> Void

        init(_ rule: Rule, _ set: @escaping @Sendable (inout InternalRaftRequest) -> Void) {
            self.rule = rule
            self.set = set
        }
    }

    private static let key = Bytes(text: "k")

    private static var put: PutRequest {
        var put = PutRequest()
        put.key = key
        return put
    }

    private static var range: RangeRequest {
        var range = RangeRequest()
        range.key = key
        return range
    }

    private static var nestedTxn: TxnRequest {
        var op = RequestOp()
        op.request = .put(put)
        var inner = TxnRequest()
        inner.failure = [op]
        var txn = TxnRequest()
        op.request = .txn(inner)
        txn.success = [op]
        return txn
    }

    /// By the name of the field.
    private static let rows: [String: Row] = [
        "range": Row(.owned) { $0.range = range },
        "put": Row(.owned) { $0.put = put },
        "deleteRange": Row(.owned) {
            $0.deleteRange = DeleteRangeRequest()
            $0.deleteRange?.key = key
        },
        "txn": Row(.owned) { $0.txn = nestedTxn },
        "compaction": Row(.open) { $0.compaction = CompactionRequest() },
        "leaseGrant": Row(.open) { $0.leaseGrant = LeaseGrantRequest() },
        "leaseRevoke": Row(.owned) {
            $0.leaseRevoke = LeaseRevokeRequest()
            $0.leaseRevoke?.id = 1
        },
        "alarm": Row(.open) { $0.alarm = AlarmRequest() },
        "leaseCheckpoint": Row(.open) { $0.leaseCheckpoint = LeaseCheckpointRequest() },
        "authEnable": Row(.administration) { $0.authEnable = AuthEnableRequest() },
        "authDisable": Row(.administration) { $0.authDisable = AuthDisableRequest() },
        "authenticate": Row(.open) { $0.authenticate = InternalAuthenticateRequest() },
        "authStatus": Row(.administration) { $0.authStatus = AuthStatusRequest() },
        "authUserAdd": Row(.administration) { $0.authUserAdd = AuthUserAddRequest() },
        "authUserDelete": Row(.administration) { $0.authUserDelete = AuthUserDeleteRequest() },
        "authUserGet": Row(.owned) {
            $0.authUserGet = AuthUserGetRequest()
            $0.authUserGet?.name = Bytes(text: "owner")
        },
        "authUserChangePassword": Row(.administration) {
            $0.authUserChangePassword = AuthUserChangePasswordRequest()
        },
        "authUserGrantRole": Row(.administration) { $0.authUserGrantRole = AuthUserGrantRoleRequest() },
        "authUserRevokeRole": Row(.administration) { $0.authUserRevokeRole = AuthUserRevokeRoleRequest() },
        "authUserList": Row(.administration) { $0.authUserList = AuthUserListRequest() },
        "authRoleList": Row(.administration) { $0.authRoleList = AuthRoleListRequest() },
        "authRoleAdd": Row(.administration) { $0.authRoleAdd = AuthRoleAddRequest() },
        "authRoleDelete": Row(.administration) { $0.authRoleDelete = AuthRoleDeleteRequest() },
        "authRoleGet": Row(.owned) {
            $0.authRoleGet = AuthRoleGetRequest()
            $0.authRoleGet?.role = Bytes(text: "owning")
        },
        "authRoleGrantPermission": Row(.administration) {
            $0.authRoleGrantPermission = AuthRoleGrantPermissionRequest()
        },
        "authRoleRevokePermission": Row(.administration) {
            $0.authRoleRevokePermission = AuthRoleRevokePermissionRequest()
        },
        "clusterVersionSet": Row(.open) { $0.clusterVersionSet = ClusterVersionSetRequest() },
        "clusterMemberAttrSet": Row(.open) { $0.clusterMemberAttrSet = ClusterMemberAttrSetRequest() },
        "downgradeInfoSet": Row(.open) { $0.downgradeInfoSet = DowngradeInfoSetRequest() },
        "downgradeVersionTest": Row(.open) { $0.downgradeVersionTest = DowngradeVersionTestRequest() },
    ]

    /// The fields that hold a request.
    private static let fields = Mirror(reflecting: InternalRaftRequest()).children.compactMap(\.label)
        .filter { !["id", "v2", "header"].contains($0) }

    /// A member with a key of a lease, a user who may do anything with it, and one who may not.
    private func prepare(_ sender: Sender) throws -> (ApplyFixture, Credentials) {
        let fixture = try ApplyFixture()
        try fixture.grantLease(1)
        try fixture.put("k", lease: 1)
        for (name, role, key) in [("owner", "owning", "k"), ("stranger", "other", "j"), ("root", "root", "i")] {
            try fixture.apply {
                $0.authUserAdd = AuthUserAddRequest()
                $0.authUserAdd?.name = Bytes(text: name)
            }
            try fixture.apply {
                $0.authRoleAdd = AuthRoleAddRequest()
                $0.authRoleAdd?.name = Bytes(text: role)
            }
            try fixture.apply {
                $0.authRoleGrantPermission = AuthRoleGrantPermissionRequest()
                $0.authRoleGrantPermission?.name = Bytes(text: role)
                $0.authRoleGrantPermission?.perm = AuthPermission()
                $0.authRoleGrantPermission?.perm?.permType = .readWrite
                $0.authRoleGrantPermission?.perm?.key = Bytes(text: key)
            }
            try fixture.apply {
                $0.authUserGrantRole = AuthUserGrantRoleRequest()
                $0.authUserGrantRole?.user = Bytes(text: name)
                $0.authUserGrantRole?.role = Bytes(text: role)
            }
        }
        if sender == .authenticationOff { return (fixture, .none) }
        #expect(try fixture.apply { $0.authEnable = AuthEnableRequest() }.refusal == nil)
        let revision = fixture.applier.auth.revision
        let credentials: Credentials =
            switch sender {
            case .authenticationOff, .nobody: .none
            case .stranger: Credentials(username: Bytes(text: "stranger"), authRevision: revision)
            case .owner: Credentials(username: Bytes(text: "owner"), authRevision: revision)
            case .root: Credentials(username: Bytes(text: "root"), authRevision: revision)
            }
        return (fixture, credentials)
    }

    @Test func everyRequestHasARow() {
        #expect(Set(Self.fields) == Set(Self.rows.keys))
        #expect(Self.fields.count == 30)
    }

    @Test(arguments: fields) func whoIsRefused(field: String) throws {
        let row = try #require(Self.rows[field])
        var request = InternalRaftRequest()
        row.set(&request)
        // The row sets its own field, and none else.
        for child in Mirror(reflecting: request).children where Self.fields.contains(child.label ?? "") {
            let isSet = Mirror(reflecting: child.value).children.count > 0
            #expect(isSet == (child.label == field))
        }
        for sender in Sender.allCases {
            let (fixture, credentials) = try prepare(sender)
            let before = try fixture.state().filter { !$0.hasPrefix("meta") }
            let refusal = try fixture.apply(credentials, row.set).refusal
            let rights: [EtcdError] = [.userEmpty, .permissionDenied, .authOldRevision]
            if let expected = row.rule.refusal(of: sender) {
                #expect(refusal == expected, "\(sender)")
                #expect(try fixture.state().filter { !$0.hasPrefix("meta") } == before, "\(sender)")
            } else if field == "authUserAdd" {
                // The row's user has no name, which is refused with the same words as a sender without one.
                #expect(refusal == .userEmpty, "\(sender)")
            } else {
                #expect(refusal.map { !rights.contains($0) } ?? true, "\(sender) \(String(describing: refusal))")
            }
        }
    }
}
