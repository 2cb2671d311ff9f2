internal import EtcdMessages
internal import Primitives

/// The alarms that are raised, as the log has them, and what they forbid to apply (etcd v3.6 `server/etcdserver/apply/capped.go`,
/// `corrupt.go`).
struct AlarmModel {
    private var raised: [AlarmMember] = []

    var hasNoSpace: Bool { raised.contains { $0.alarm == .noSpace } }
    private var hasCorrupt: Bool { raised.contains { $0.alarm == .corrupt } }

    /// The alarms, in the order in which they were raised.
    var all: [AlarmMember] { raised }

    mutating func apply(_ request: AlarmRequest) {
        var alarm = AlarmMember()
        (alarm.memberID, alarm.alarm) = (request.memberID, request.alarm)
        switch request.action {
        case .activate: if alarm.alarm != .none, !raised.contains(alarm) { raised.append(alarm) }
        case .deactivate: raised.removeAll { $0 == alarm }
        default: break
        }
    }

    /// Whether nothing comes of an operation but a refusal.
    func forbids(_ operation: RaftOperation) -> Bool {
        switch operation {
        case .put, .leaseGrant: !raised.isEmpty
        case .txn(let txn): hasCorrupt || (hasNoSpace && txn.hasPuts)
        case .range, .deleteRange, .compaction, .leaseRevoke: hasCorrupt
        default: false
        }
    }
}

extension TxnRequest {
    /// Whether one of its branches, or of those within it, puts: then it may take space.
    fileprivate var hasPuts: Bool {
        (success + failure).contains { operation in
            switch operation.request {
            case .put: true
            case .txn(let nested): nested.hasPuts
            case .range, .deleteRange, nil: false
            }
        }
    }
}
