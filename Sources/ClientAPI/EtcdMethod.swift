package import GRPCCore

/// The calls a client can make, in the order in which the server registers them (etcd v3.6
/// `api/etcdserverpb/rpc.proto`; `rangeStream`: etcd v3.7).
package enum EtcdMethod: Int, CaseIterable, Sendable {
    case range, put, deleteRange, txn, compact
    case rangeStream, watch, leaseKeepAlive, snapshot
    case leaseGrant, leaseRevoke, leaseTimeToLive, leaseLeases
    case memberAdd, memberRemove, memberUpdate, memberList, memberPromote
    case alarm, status, hash, hashKV, moveLeader, downgrade, defragment
    case authStatus
    case lock, unlock
    case campaign, proclaim, leader, observe, resign

    var path: String {
        switch self {
        case .range: "/etcdserverpb.KV/Range"
        case .put: "/etcdserverpb.KV/Put"
        case .deleteRange: "/etcdserverpb.KV/DeleteRange"
        case .txn: "/etcdserverpb.KV/Txn"
        case .compact: "/etcdserverpb.KV/Compact"
        case .rangeStream: "/etcdserverpb.KV/RangeStream"
        case .leaseGrant: "/etcdserverpb.Lease/LeaseGrant"
        case .leaseRevoke: "/etcdserverpb.Lease/LeaseRevoke"
        case .leaseTimeToLive: "/etcdserverpb.Lease/LeaseTimeToLive"
        case .leaseLeases: "/etcdserverpb.Lease/LeaseLeases"
        case .memberAdd: "/etcdserverpb.Cluster/MemberAdd"
        case .memberRemove: "/etcdserverpb.Cluster/MemberRemove"
        case .memberUpdate: "/etcdserverpb.Cluster/MemberUpdate"
        case .memberList: "/etcdserverpb.Cluster/MemberList"
        case .memberPromote: "/etcdserverpb.Cluster/MemberPromote"
        case .alarm: "/etcdserverpb.Maintenance/Alarm"
        case .status: "/etcdserverpb.Maintenance/Status"
        case .hash: "/etcdserverpb.Maintenance/Hash"
        case .hashKV: "/etcdserverpb.Maintenance/HashKV"
        case .leaseKeepAlive: "/etcdserverpb.Lease/LeaseKeepAlive"
        case .watch: "/etcdserverpb.Watch/Watch"
        case .snapshot: "/etcdserverpb.Maintenance/Snapshot"
        case .moveLeader: "/etcdserverpb.Maintenance/MoveLeader"
        case .downgrade: "/etcdserverpb.Maintenance/Downgrade"
        case .defragment: "/etcdserverpb.Maintenance/Defragment"
        case .authStatus: "/etcdserverpb.Auth/AuthStatus"
        case .lock: "/v3lockpb.Lock/Lock"
        case .unlock: "/v3lockpb.Lock/Unlock"
        case .campaign: "/v3electionpb.Election/Campaign"
        case .proclaim: "/v3electionpb.Election/Proclaim"
        case .leader: "/v3electionpb.Election/Leader"
        case .observe: "/v3electionpb.Election/Observe"
        case .resign: "/v3electionpb.Election/Resign"
        }
    }

    /// How many messages go each way.
    var kind: GRPCMethod.Kind {
        switch self {
        case .rangeStream, .snapshot, .observe: .serverStream
        case .watch, .leaseKeepAlive: .bidirectional
        default: .unary
        }
    }

    /// What a busy client asks for all the time is requested from the core in larger numbers.
    private var outstandingRequests: Int {
        switch self {
        case .range, .put, .txn: 32
        default: 2
        }
    }

    /// What a server must be made with; `MethodIndex` is the raw value.
    package static var registrations: [GRPCMethod] {
        allCases.map { GRPCMethod(path: $0.path, kind: $0.kind, outstandingRequests: $0.outstandingRequests) }
    }
}
