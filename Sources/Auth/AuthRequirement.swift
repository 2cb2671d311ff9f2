package import EtcdMessages
package import Primitives

/// What one may do with keys.
package enum AccessRight: Equatable, Sendable {
    case read
    case write
}

/// One thing a request needs of whoever sends it.
package enum AuthRequirement: Equatable, Sendable {
    /// A right to all keys of a range, given as in a request: an empty end is one key, `\0` all from the key on.
    case access(key: Bytes, rangeEnd: Bytes, right: AccessRight)
    /// A right to all keys attached to a lease.
    case leaseKeys(LeaseID, right: AccessRight)
    /// To be any user.
    case anyUser
    /// To have the role root.
    case administrator
    /// To have the role root, or be this user.
    case administratorOrUser(Bytes)
    /// To have the role root, or this one.
    case administratorOrRole(Bytes)
}

/// A request, as far as rights go.
package enum AuthorizedRequest: Equatable, Sendable {
    /// One that goes through the log, or a read of the same form.
    case operation(RaftOperation)
    case rangeStream(RangeRequest)
    /// As it was sent, with no key replaced by `\0`.
    case watch(key: Bytes, rangeEnd: Bytes)
    case leaseKeepAlive(LeaseID)
    case leaseTimeToLive(LeaseTimeToLiveRequest)
    /// The leases that would be listed.
    case leaseList([LeaseID])
    case memberList
    /// To add, remove, update or promote one.
    case memberChange
    case status
    case defragment
    case hash
    case hashKV
    case snapshot
    case moveLeader
    case downgrade
}

/// When a request is checked.
package enum AuthCheckpoint: Equatable, Sendable {
    /// By the member that takes it, before it goes into the log. Most requests are not: an alarm that forbids them is the
    /// better answer, and what counts is who may do what when they are carried out.
    case proposal
    /// Where it is carried out: by every member when it is applied, by one for what is only read.
    case execution
}

/// The one place that says what a request needs (ordering rule 10): from the request as it will be carried out, with every
/// operation nested in it. The order is the order of the checks, so the first that fails is the answer
/// (etcd v3.6 `server/etcdserver/apply/auth.go`, `txn/txn.go`, `v3rpc`).
extension AuthorizedRequest {
    package func requirements(at checkpoint: AuthCheckpoint) -> [AuthRequirement] {
        switch (self, checkpoint) {
        case (.operation(let operation), .proposal): operation.requirementsBeforeProposal
        case (.operation(let operation), .execution): operation.requirements
        case (.rangeStream(let range), _): [.read(range.key, range.rangeEnd)]
        case (.watch(let key, let rangeEnd), _): [.read(key.isEmpty ? [0] : key, rangeEnd)]
        case (.leaseKeepAlive(let id), _): [.leaseKeys(id, right: .write)]
        case (.leaseTimeToLive(let request), _):
            request.keys ? [.anyUser, .leaseKeys(LeaseID(request.id), right: .read)] : [.anyUser]
        case (.leaseList(let ids), _): ids.map { .leaseKeys($0, right: .read) }
        case (.memberList, _), (.status, _): [.anyUser]
        case (.memberChange, _), (.defragment, _), (.hash, _), (.hashKV, _), (.snapshot, _), (.moveLeader, _),
            (.downgrade, _):
            [.administrator]
        }
    }
}

extension RaftOperation {
    fileprivate var requirementsBeforeProposal: [AuthRequirement] {
        switch self {
        case .compaction: [.administrator]
        case .leaseGrant, .leaseRevoke: [.anyUser]
        case .alarm(let alarm): [alarm.action == .get ? .anyUser : .administrator]
        default: []
        }
    }

    fileprivate var requirements: [AuthRequirement] {
        switch self {
        case .range(let range): [.read(range.key, range.rangeEnd)]
        case .put(let put): put.requirements
        case .deleteRange(let delete): delete.requirements
        case .txn(let txn): txn.requirements
        case .leaseRevoke(let revoke): [.leaseKeys(LeaseID(revoke.id), right: .write)]
        case .authUserGet(let get): [.administratorOrUser(get.name)]
        case .authRoleGet(let get): [.administratorOrRole(get.role)]
        case .authEnable, .authDisable, .authStatus, .authUserAdd, .authUserDelete, .authUserChangePassword,
            .authUserGrantRole, .authUserRevokeRole, .authUserList, .authRoleAdd, .authRoleGrantPermission,
            .authRoleRevokePermission, .authRoleDelete, .authRoleList:
            [.administrator]
        case .compaction, .leaseGrant, .alarm, .authenticate, .leaseCheckpoint, .clusterVersionSet,
            .clusterMemberAttrSet, .downgradeInfoSet, .downgradeVersionTest:
            []
        }
    }
}

extension AuthRequirement {
    fileprivate static func read(_ key: Bytes, _ rangeEnd: Bytes) -> AuthRequirement {
        .access(key: key, rangeEnd: rangeEnd, right: .read)
    }
}

extension PutRequest {
    fileprivate var requirements: [AuthRequirement] {
        var needed = [AuthRequirement.access(key: key, rangeEnd: [], right: .write)]
        // Else one could have keys deleted, with the lease, that one may not write.
        if lease != 0 { needed.append(.leaseKeys(LeaseID(lease), right: .write)) }
        if prevKv { needed.append(.read(key, [])) }
        return needed
    }
}

extension DeleteRangeRequest {
    fileprivate var requirements: [AuthRequirement] {
        let write = AuthRequirement.access(key: key, rangeEnd: rangeEnd, right: .write)
        return prevKv ? [write, .read(key, rangeEnd)] : [write]
    }
}

extension TxnRequest {
    /// Of both branches, whichever will be taken.
    fileprivate var requirements: [AuthRequirement] {
        var needed: [AuthRequirement] = []
        collect(into: &needed)
        return needed
    }

    private func collect(into needed: inout [AuthRequirement]) {
        for comparison in compare { needed.append(.read(comparison.key, comparison.rangeEnd)) }
        for operation in success + failure {
            switch operation.request {
            case .range(let range): needed.append(.read(range.key, range.rangeEnd))
            case .put(let put): needed += put.requirements
            case .deleteRange(let delete): needed += delete.requirements
            case .txn(let txn): txn.collect(into: &needed)
            case nil: break
            }
        }
    }
}
