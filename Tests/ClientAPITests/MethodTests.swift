import ClientAPI
import EtcdMessages
import GRPCCore
import Node
import Primitives
import Raft
import Store
import Testing

/// Every method, over the wire.
@Suite struct MethodTests {
    /// The unary methods of etcd's services that are served, as clients call them.
    private static let paths = [
        "KV/Range", "KV/Put", "KV/DeleteRange", "KV/Txn", "KV/Compact", "Lease/LeaseGrant", "Lease/LeaseRevoke",
        "Lease/LeaseTimeToLive", "Lease/LeaseLeases", "Cluster/MemberAdd", "Cluster/MemberRemove",
        "Cluster/MemberUpdate", "Cluster/MemberList",
        "Cluster/MemberPromote", "Maintenance/Alarm", "Maintenance/Status", "Maintenance/Hash", "Maintenance/HashKV",
        "Maintenance/MoveLeader", "Maintenance/Downgrade", "Maintenance/Defragment", "Auth/AuthStatus",
    ]

    /// Those of the other services. Who locks nothing in particular is in the way of who campaigns for it.
    private static let recipePaths = [
        "/v3lockpb.Lock/Lock", "/v3lockpb.Lock/Unlock", "/v3electionpb.Election/Campaign",
        "/v3electionpb.Election/Proclaim", "/v3electionpb.Election/Leader", "/v3electionpb.Election/Resign",
    ]

    /// What a request without a single byte is answered with; nil is success.
    private static let answersToNothing: [String: EtcdError] = [
        "KV/Range": .emptyKey, "KV/Put": .emptyKey, "KV/DeleteRange": .emptyKey,
        "Lease/LeaseRevoke": .leaseNotFound, "Cluster/MemberAdd": .memberBadURLs,
        "Cluster/MemberRemove": .memberNotFound,
        "Cluster/MemberUpdate": .memberNotFound, "Cluster/MemberPromote": .memberNotFound,
        "Maintenance/MoveLeader": .badLeaderTransferee, "Maintenance/Downgrade": .wrongDowngradeVersionFormat,
        "/v3lockpb.Lock/Unlock": EtcdError(.unknown, "etcdserver: key is not provided"),
        "/v3electionpb.Election/Proclaim": EtcdError(.unknown, "\"leader\" field must be provided"),
        "/v3electionpb.Election/Leader": EtcdError(.unknown, "election: no leader"),
        "/v3electionpb.Election/Resign": EtcdError(.unknown, "\"leader\" field must be provided"),
    ]

    @Test func everyMethodAnswersAnEmptyRequest() throws {
        let unary = EtcdMethod.registrations.filter { $0.kind == .unary }
        #expect(Set(unary.map(\.path)) == Set(Self.paths.map { "/etcdserverpb.\($0)" } + Self.recipePaths))
        for paths in [Self.paths] + Self.recipePaths.map({ [$0] }) {
            try TestService.with { service in
                for path in paths {
                    switch try service.call(path) {
                    case .success: #expect(Self.answersToNothing[path] == nil, "\(path)")
                    case .failure(let error): #expect(error == Self.answersToNothing[path], "\(path)")
                    }
                }
            }
        }
    }

    @Test func everyMethodRefusesWhatIsNoMessage() throws {
        try TestService.with { service in
            let before = service.node.raft.log.lastIndex
            for path in Self.paths + Self.recipePaths {
                guard case .failure(let error) = try service.call(path, [0xff]) else {
                    Issue.record("\(path) took garbage")
                    continue
                }
                #expect(error == EtcdError(.internal, "grpc: error unmarshalling request: unexpected EOF"), "\(path)")
            }
            #expect(service.node.raft.log.lastIndex == before)
        }
    }

    @Test func whatIsNotThereIsUnimplemented() throws {
        try TestService.with { service in
            let calls = [
                ("KV/Rang", "unknown method Rang for service etcdserverpb.KV"),
                ("Nest/Egg", "unknown service etcdserverpb.Nest"),
            ]
            for (path, text) in calls {
                let result = try service.call(path)
                #expect(result == .failure(EtcdError(.unimplemented, text)))
            }
        }
    }

    @Test func everyAnswerButThatOfMembersTellsTheRevision() throws {
        try TestService.with { service in
            try service.put("a")
            var range = RangeRequest()
            range.key = [1]
            var delete = DeleteRangeRequest()
            delete.key = [1]
            let headers: [(String, ResponseHeader?)] = [
                ("range", try service.answer("KV/Range", range, as: RangeResponse.self).header),
                ("delete", try service.answer("KV/DeleteRange", delete, as: DeleteRangeResponse.self).header),
                ("txn", try service.answer("KV/Txn", TxnRequest(), as: TxnResponse.self).header),
                (
                    "leases",
                    try service.answer("Lease/LeaseLeases", LeaseLeasesRequest(), as: LeaseLeasesResponse.self).header
                ),
                ("alarm", try service.answer("Maintenance/Alarm", AlarmRequest(), as: AlarmResponse.self).header),
                ("status", try service.answer("Maintenance/Status", StatusRequest(), as: StatusResponse.self).header),
                ("hash", try service.answer("Maintenance/Hash", HashRequest(), as: HashResponse.self).header),
                ("hashKV", try service.answer("Maintenance/HashKV", HashKVRequest(), as: HashKVResponse.self).header),
            ]
            for (name, header) in headers {
                let header = try #require(header)
                #expect(header.clusterID == service.node.clusterID.rawValue && header.clusterID != 0, "\(name)")
                #expect(header.memberID == service.node.memberID.rawValue && header.memberID != 0, "\(name)")
                #expect(header.raftTerm == service.node.raft.term.rawValue && header.raftTerm == 2, "\(name)")
                #expect(header.revision == 2, "\(name)")
            }
            let members = try service.answer("Cluster/MemberList", MemberListRequest(), as: MemberListResponse.self)
            #expect(members.header?.revision == 0 && members.header?.raftTerm == 2)
        }
    }

    @Test(arguments: [false, true])
    func membersAreListed(isLinearizable: Bool) throws {
        try TestService.with { service in
            var request = MemberListRequest()
            request.linearizable = isLinearizable
            let response = try service.answer("Cluster/MemberList", request, as: MemberListResponse.self)
            #expect(response.members.map(\.id) == [service.node.memberID.rawValue])
            #expect(response.members.map(\.name) == [Bytes(text: "default")])
            #expect(response.members.first?.clientURLs == [Bytes(text: "http://localhost:2379")])
            #expect(response.members.first?.peerURLs == [Bytes(text: "http://localhost:2380")])
        }
    }

    @Test func statusTellsHowTheMemberIs() throws {
        try TestService.with { service in
            for number in 1...5 { try service.put("key \(number)", "value") }
            service.advance(seconds: 1)
            for _ in 0..<5 { service.turn() }
            let status = try service.answer("Maintenance/Status", StatusRequest(), as: StatusResponse.self)
            #expect(status.version == Bytes(text: "3.6.14") && status.storageVersion == Bytes(text: "3.6.0"))
            #expect(status.leader == service.node.memberID.rawValue && !status.isLearner)
            #expect(status.raftTerm == 2 && status.raftIndex == service.node.raft.log.committedIndex.rawValue)
            #expect(status.raftAppliedIndex == status.raftIndex && status.raftIndex >= 8)
            #expect(status.dbSize == Int64(service.node.store.sizeByteCount) && status.dbSize > 0)
            #expect(status.dbSizeInUse > 0 && status.dbSizeInUse <= status.dbSize)
            #expect(status.dbSizeQuota == TestService.quotaByteCount)
            #expect(status.errors.isEmpty && status.downgradeInfo?.enabled == false)
        }
    }

    @Test func alarmsShowInTheStatus() throws {
        try TestService.with { service in
            var request = AlarmRequest()
            request.action = .activate
            request.alarm = .noSpace
            request.memberID = service.node.memberID.rawValue
            let response = try service.answer("Maintenance/Alarm", request, as: AlarmResponse.self)
            #expect(response.alarms.map(\.alarm) == [.noSpace])
            let status = try service.answer("Maintenance/Status", StatusRequest(), as: StatusResponse.self)
            #expect(status.errors == [Bytes(text: "memberID:\(service.node.memberID.rawValue) alarm:NOSPACE ")])
            var put = PutRequest()
            put.key = [1]
            #expect(try service.refusal("KV/Put", put) == .noSpace)
            request.action = .deactivate
            _ = try service.answer("Maintenance/Alarm", request, as: AlarmResponse.self)
            try service.put("a")
        }
    }

    @Test func leasesAreGrantedListedAndRevoked() throws {
        try TestService.with { service in
            var grant = LeaseGrantRequest()
            grant.ttl = 60
            let chosen = try service.answer("Lease/LeaseGrant", grant, as: LeaseGrantResponse.self)
            #expect(chosen.id > 0 && chosen.ttl == 60)
            grant.id = 77
            #expect(try service.answer("Lease/LeaseGrant", grant, as: LeaseGrantResponse.self).id == 77)
            #expect(try service.refusal("Lease/LeaseGrant", grant) == .leaseExist)
            let leases = try service.answer("Lease/LeaseLeases", LeaseLeasesRequest(), as: LeaseLeasesResponse.self)
            #expect(Set(leases.leases.map(\.id)) == [77, chosen.id])
            var put = PutRequest()
            put.key = Bytes(text: "leased")
            put.lease = 77
            _ = try service.answer("KV/Put", put, as: PutResponse.self)
            #expect(try service.get("leased")?.lease == 77)
            var revoke = LeaseRevokeRequest()
            revoke.id = 77
            _ = try service.answer("Lease/LeaseRevoke", revoke, as: LeaseRevokeResponse.self)
            #expect(try service.get("leased") == nil)
        }
    }
}
