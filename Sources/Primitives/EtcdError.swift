/// An answer other than success, as a client sees it: a status code and etcd's exact text.
///
/// Go clients turn a status into a typed error by its **text**, so every byte of it counts (etcd v3.6
/// `api/v3rpc/rpctypes/error.go`).
package struct EtcdError: Error, Hashable, Sendable, CustomStringConvertible {
    package var code: StatusCode
    package var message: String

    package init(_ code: StatusCode, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { "\(code): \(message)" }
}

extension EtcdError {
    package static let emptyKey = EtcdError(.invalidArgument, "etcdserver: key is not provided")
    package static let keyNotFound = EtcdError(.invalidArgument, "etcdserver: key not found")
    package static let valueProvided = EtcdError(.invalidArgument, "etcdserver: value is provided")
    package static let leaseProvided = EtcdError(.invalidArgument, "etcdserver: lease is provided")
    package static let tooManyOps = EtcdError(.invalidArgument, "etcdserver: too many operations in txn request")
    package static let duplicateKey = EtcdError(.invalidArgument, "etcdserver: duplicate key given in txn request")
    package static let invalidClientAPIVersion = EtcdError(.invalidArgument, "etcdserver: invalid client api version")
    package static let invalidSortOption = EtcdError(.invalidArgument, "etcdserver: invalid sort option")
    package static let compacted = EtcdError(.outOfRange, "etcdserver: mvcc: required revision has been compacted")
    package static let futureRev = EtcdError(.outOfRange, "etcdserver: mvcc: required revision is a future revision")
    package static let noSpace = EtcdError(.resourceExhausted, "etcdserver: mvcc: database space exceeded")
    package static let leaseNotFound = EtcdError(.notFound, "etcdserver: requested lease not found")
    package static let leaseExist = EtcdError(.failedPrecondition, "etcdserver: lease already exists")
    package static let leaseTTLTooLarge = EtcdError(.outOfRange, "etcdserver: too large lease TTL")
    package static let watchCanceled = EtcdError(.canceled, "etcdserver: watch canceled")
    package static let memberExist = EtcdError(.failedPrecondition, "etcdserver: member ID already exist")
    package static let peerURLExist = EtcdError(.failedPrecondition, "etcdserver: Peer URLs already exists")
    /// etcd sends this one without its code, so that clients see `Unknown` (etcd v3.6 `v3rpc/util.go`).
    package static let memberNotEnoughStarted = EtcdError(
        .unknown, "etcdserver: re-configuration failed due to not enough started members")
    package static let memberBadURLs = EtcdError(.invalidArgument, "etcdserver: given member URLs are invalid")
    package static let memberNotFound = EtcdError(.notFound, "etcdserver: member not found")
    package static let memberNotLearner = EtcdError(
        .failedPrecondition, "etcdserver: can only promote a learner member")
    package static let learnerNotReady = EtcdError(
        .failedPrecondition, "etcdserver: can only promote a learner member which is in sync with leader")
    package static let tooManyLearners = EtcdError(
        .failedPrecondition, "etcdserver: too many learner members in cluster")
    package static let clusterIDMismatch = EtcdError(.failedPrecondition, "etcdserver: cluster ID mismatch")
    package static let requestTooLarge = EtcdError(.invalidArgument, "etcdserver: request is too large")
    /// etcd sends this one without its code, so that clients see `Unknown` (etcd v3.6 `v3rpc/util.go`).
    package static let tooManyRequests = EtcdError(.unknown, "etcdserver: too many requests")
    package static let rootUserNotExist = EtcdError(.failedPrecondition, "etcdserver: root user does not exist")
    package static let rootRoleNotExist = EtcdError(
        .failedPrecondition, "etcdserver: root user does not have root role")
    package static let userAlreadyExist = EtcdError(.failedPrecondition, "etcdserver: user name already exists")
    package static let userEmpty = EtcdError(.invalidArgument, "etcdserver: user name is empty")
    package static let userNotFound = EtcdError(.failedPrecondition, "etcdserver: user name not found")
    package static let roleAlreadyExist = EtcdError(.failedPrecondition, "etcdserver: role name already exists")
    package static let roleNotFound = EtcdError(.failedPrecondition, "etcdserver: role name not found")
    package static let roleEmpty = EtcdError(.invalidArgument, "etcdserver: role name is empty")
    package static let authFailed = EtcdError(
        .invalidArgument, "etcdserver: authentication failed, invalid user ID or password")
    package static let permissionNotGiven = EtcdError(.invalidArgument, "etcdserver: permission not given")
    package static let permissionDenied = EtcdError(.permissionDenied, "etcdserver: permission denied")
    package static let roleNotGranted = EtcdError(.failedPrecondition, "etcdserver: role is not granted to the user")
    package static let permissionNotGranted = EtcdError(
        .failedPrecondition, "etcdserver: permission is not granted to the role")
    package static let authNotEnabled = EtcdError(.failedPrecondition, "etcdserver: authentication is not enabled")
    package static let invalidAuthToken = EtcdError(.unauthenticated, "etcdserver: invalid auth token")
    package static let invalidAuthMgmt = EtcdError(.invalidArgument, "etcdserver: invalid auth management")
    package static let authOldRevision = EtcdError(.invalidArgument, "etcdserver: revision of auth store is old")
    /// Not one of etcd's client errors, so its text has no prefix (etcd v3.6 `server/lease/lessor.go`).
    package static let notPrimary = EtcdError(.unknown, "not a primary lessor")
    package static let noLeader = EtcdError(.unavailable, "etcdserver: no leader")
    package static let notLeader = EtcdError(.failedPrecondition, "etcdserver: not leader")
    package static let leaderChanged = EtcdError(.unavailable, "etcdserver: leader changed")
    package static let notCapable = EtcdError(.failedPrecondition, "etcdserver: not capable")
    package static let stopped = EtcdError(.unavailable, "etcdserver: server stopped")
    package static let timeout = EtcdError(.unavailable, "etcdserver: request timed out")
    package static let timeoutDueToLeaderFail = EtcdError(
        .unavailable, "etcdserver: request timed out, possibly due to previous leader failure")
    package static let timeoutDueToConnectionLost = EtcdError(
        .unavailable, "etcdserver: request timed out, possibly due to connection lost")
    package static let timeoutWaitAppliedIndex = EtcdError(
        .unavailable, "etcdserver: request timed out, waiting for the applied index took too long")
    /// Not one of etcd's client errors, so that it has no code of its own (etcd v3.6 `server/etcdserver/errors/errors.go`).
    package static let timeoutLeaderTransfer = EtcdError(
        .unknown, "etcdserver: request timed out, leader transfer took too long")
    /// Raft's own error, as it comes through etcd.
    package static let proposalDropped = EtcdError(.unknown, "raft proposal dropped")
    /// The end of a Go context that the server made: what a client hears that waited for a leader in vain.
    package static let contextDeadlineExceeded = EtcdError(.deadlineExceeded, "context deadline exceeded")
    package static let unhealthy = EtcdError(.unavailable, "etcdserver: unhealthy cluster")
    package static let corrupt = EtcdError(.dataLoss, "etcdserver: corrupt cluster")
    package static let notSupportedForLearner = EtcdError(
        .failedPrecondition, "etcdserver: rpc not supported for learner")
    package static let badLeaderTransferee = EtcdError(.failedPrecondition, "etcdserver: bad leader transferee")
    package static let wrongDowngradeVersionFormat = EtcdError(
        .invalidArgument, "etcdserver: wrong downgrade target version format")
    package static let invalidDowngradeTargetVersion = EtcdError(
        .invalidArgument, "etcdserver: invalid downgrade target version")
    package static let clusterVersionUnavailable = EtcdError(
        .failedPrecondition, "etcdserver: cluster version not found during downgrade")
    package static let downgradeInProcess = EtcdError(
        .failedPrecondition, "etcdserver: cluster has a downgrade job in progress")
    package static let noInflightDowngrade = EtcdError(.failedPrecondition, "etcdserver: no inflight downgrade job")
    /// An action that Downgrade does not know. It has no code of its own in etcd.
    package static let unknownMethod = EtcdError(.unknown, "etcdserver: unknown method")
    package static let canceled = EtcdError(.canceled, "etcdserver: request canceled")
    package static let deadlineExceeded = EtcdError(.deadlineExceeded, "etcdserver: context deadline exceeded")
}

extension EtcdError {
    /// An entry that no member of etcd would make, or that would stop it. Every member refuses it, each with this answer,
    /// and goes on.
    package static func malformedEntry(_ what: String) -> EtcdError {
        EtcdError(.unknown, "etcdserver: refused: the log holds \(what)")
    }
}
