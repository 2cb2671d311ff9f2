import Apply
import Auth
import EtcdMessages
import Foundation
import Leases
import MVCC
import Primitives

/// As much of the service in front of apply as a transcript needs: it checks what etcd checks before it proposes, proposes,
/// and reads. Passwords are "hashed" by writing `h:` in front, so that no test has to wait for bcrypt.
final class TranscriptService {
    let fixture: ApplyFixture
    private var tokens: [String: Bytes] = [:]

    init() throws {
        fixture = try ApplyFixture()
        // The member's first entry, as a leader.
        try fixture.apply(nil)
    }

    var applier: Applier { fixture.applier }
    private var auth: AuthStore { fixture.applier.auth }

    /// What is answered: a response without its header, and the revision in the header.
    struct Reply {
        var revision: Int64
        var body: Bytes
    }

    enum Failure: Error {
        case notServedHere
        case refused(EtcdError)
    }

    func call(_ line: TranscriptLine) throws -> Reply {
        if line.sleep != nil { try endShortLeases() }
        guard let method = line.rpc?.split(separator: "/").last else { throw Failure.notServedHere }
        do {
            switch method {
            case "Range", "Put", "DeleteRange", "Txn", "Compact": return try key(String(method), line)
            case "LeaseGrant", "LeaseRevoke", "LeaseTimeToLive", "LeaseLeases": return try lease(String(method), line)
            case "Lock", "Unlock": return try lock(String(method), line)
            case "Campaign", "Proclaim", "Leader", "Resign": return try election(String(method), line)
            case "Alarm":
                let request = try AlarmRequest(decoding: line.requestBytes)
                guard (0...2).contains(request.action.rawValue) else { throw Failure.notServedHere }
                return try propose(line, .alarm(request)) { $0.alarm = request }
            default: return try authentication(String(method), line)
            }
        } catch let error as EtcdError {
            throw Failure.refused(error)
        } catch let error as MVCCError {
            throw Failure.refused(error.etcdError)
        }
    }

    // MARK: Who asks

    private func credentials(_ line: TranscriptLine) throws(EtcdError) -> Credentials {
        guard auth.isEnabled else { return .none }
        var token = line.user.map { tokens[$0] ?? Bytes(text: "none") }
        for pair in line.metadata ?? [] where pair.first == "token" || pair.first == "authorization" {
            token = Bytes(text: pair.last ?? "")
        }
        guard let token else { return .none }
        guard let user = auth.tokens.user(of: token) else { throw .invalidAuthToken }
        return Credentials(username: user, authRevision: auth.revision)
    }

    private func propose(
        _ line: TranscriptLine, _ operation: RaftOperation, _ change: (inout InternalRaftRequest) -> Void
    ) throws -> Reply {
        let credentials = try credentials(line)
        try auth.check(.operation(operation), at: .proposal, credentials, leases: applier.leases)
        let answer = try fixture.apply(credentials, change).result.get()
        return Reply(revision: answer.revision, body: answer.body)
    }

    // MARK: Keys

    private func key(_ method: String, _ line: TranscriptLine) throws -> Reply {
        switch method {
        case "Range":
            let request = try RangeRequest(decoding: line.requestBytes)
            try RequestChecks.check(request)
            try auth.check(.operation(.range(request)), at: .execution, try credentials(line), leases: applier.leases)
            var cursor = try applier.mvcc.openRange(request)
            while try !applier.mvcc.step(&cursor, budget: .slice) {}
            return Reply(revision: cursor.answer.revision, body: cursor.answer.body)
        case "Put":
            let request = try PutRequest(decoding: line.requestBytes)
            try RequestChecks.check(request)
            return try propose(line, .put(request)) { $0.put = request }
        case "DeleteRange":
            let request = try DeleteRangeRequest(decoding: line.requestBytes)
            try RequestChecks.check(request)
            return try propose(line, .deleteRange(request)) { $0.deleteRange = request }
        case "Txn":
            let request = try TxnRequest(decoding: line.requestBytes)
            try RequestChecks.check(request, maxTxnOperations: Limits.maxTxnOperations)
            if RequestChecks.isReadOnly(request) {
                try auth.check(.operation(.txn(request)), at: .execution, try credentials(line), leases: applier.leases)
                let answer = try applier.mvcc.readOnlyTxn(request)
                return Reply(revision: answer.revision, body: answer.body)
            }
            return try propose(line, .txn(request)) { $0.txn = request }
        default:
            let request = try CompactionRequest(decoding: line.requestBytes)
            let reply = try propose(line, .compaction(request)) { $0.compaction = request }
            while applier.mvcc.hasPendingCompaction { try applier.mvcc.compactionStep(budget: 1000) }
            return reply
        }
    }

    // MARK: Leases

    private func lease(_ method: String, _ line: TranscriptLine) throws -> Reply {
        switch method {
        case "LeaseGrant":
            var request = try LeaseGrantRequest(decoding: line.requestBytes)
            // The id that the real server chose.
            if request.id == 0 { request.id = try LeaseGrantResponse(decoding: line.responseBytes).id }
            return try propose(line, .leaseGrant(request)) { $0.leaseGrant = request }
        case "LeaseRevoke":
            let request = try LeaseRevokeRequest(decoding: line.requestBytes)
            return try propose(line, .leaseRevoke(request)) { $0.leaseRevoke = request }
        case "LeaseTimeToLive":
            let request = try LeaseTimeToLiveRequest(decoding: line.requestBytes)
            try auth.check(.leaseTimeToLive(request), at: .execution, try credentials(line), leases: applier.leases)
            var response = LeaseTimeToLiveResponse()
            response.id = request.id
            response.ttl = -1
            if let lease = applier.leases.lease(LeaseID(request.id)) {
                response.ttl = lease.remainingTTLSeconds
                response.grantedTTL = lease.grantedTTLSeconds
                if request.keys { response.keys = lease.sortedKeys }
            }
            return Reply(revision: fixture.revision, body: response.encoded())
        default:
            let ids = applier.leases.leaseIDs
            try auth.check(.leaseList(ids), at: .execution, try credentials(line), leases: applier.leases)
            var response = LeaseLeasesResponse()
            response.leases = ids.map {
                var status = LeaseStatus()
                status.id = $0.rawValue
                return status
            }
            return Reply(revision: fixture.revision, body: response.encoded())
        }
    }

    // MARK: Users and roles

    private func hash(_ password: Bytes) -> Bytes {
        Bytes(text: Data(Bytes(text: "h:") + password).base64EncodedString())
    }

    private func authenticate(_ line: TranscriptLine) throws -> Reply {
        let request = try AuthenticateRequest(decoding: line.requestBytes)
        guard auth.isEnabled else { throw EtcdError.authNotEnabled }
        guard let user = auth.user(request.name) else { throw EtcdError.authFailed }
        if user.options?.noPassword == true { throw EtcdError.noPasswordUser }
        guard user.password == Bytes(text: "h:") + request.password else { throw EtcdError.authFailed }
        var entry = InternalAuthenticateRequest()
        entry.name = request.name
        entry.simpleToken = Bytes(text: "abcdefghijklmnop")
        let answer = try fixture.apply { $0.authenticate = entry }.result.get()
        tokens[request.name.text] = try AuthenticateResponse(decoding: answer.body).token
        return Reply(revision: answer.revision, body: answer.body)
    }

    private func authentication(_ method: String, _ line: TranscriptLine) throws -> Reply {
        let bytes = line.requestBytes
        var entry = InternalRaftRequest()
        switch method {
        case "Authenticate": return try authenticate(line)
        case "AuthEnable": entry.authEnable = AuthEnableRequest()
        case "AuthDisable": entry.authDisable = AuthDisableRequest()
        case "AuthStatus": entry.authStatus = AuthStatusRequest()
        case "UserAdd":
            var request = try AuthUserAddRequest(decoding: bytes)
            if request.options?.noPassword != true { request.hashedPassword = hash(request.password) }
            request.password = []
            entry.authUserAdd = request
        case "UserChangePassword":
            var request = try AuthUserChangePasswordRequest(decoding: bytes)
            if !request.password.isEmpty { request.hashedPassword = hash(request.password) }
            request.password = []
            entry.authUserChangePassword = request
        case "UserDelete": entry.authUserDelete = try AuthUserDeleteRequest(decoding: bytes)
        case "UserGet": entry.authUserGet = try AuthUserGetRequest(decoding: bytes)
        case "UserList": entry.authUserList = AuthUserListRequest()
        case "UserGrantRole": entry.authUserGrantRole = try AuthUserGrantRoleRequest(decoding: bytes)
        case "UserRevokeRole": entry.authUserRevokeRole = try AuthUserRevokeRoleRequest(decoding: bytes)
        case "RoleAdd": entry.authRoleAdd = try AuthRoleAddRequest(decoding: bytes)
        case "RoleDelete": entry.authRoleDelete = try AuthRoleDeleteRequest(decoding: bytes)
        case "RoleGet": entry.authRoleGet = try AuthRoleGetRequest(decoding: bytes)
        case "RoleList": entry.authRoleList = AuthRoleListRequest()
        case "RoleGrantPermission":
            entry.authRoleGrantPermission = try AuthRoleGrantPermissionRequest(decoding: bytes)
        case "RoleRevokePermission":
            entry.authRoleRevokePermission = try AuthRoleRevokePermissionRequest(decoding: bytes)
        default: throw Failure.notServedHere
        }
        guard let operation = entry.operation else { throw Failure.notServedHere }
        return try propose(line, operation) { $0 = entry }
    }
}
