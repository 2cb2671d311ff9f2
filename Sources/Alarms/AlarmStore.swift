package import EtcdMessages
package import Primitives
package import Store

/// Alarms that members raised and operators have not taken back: the `alarm` bucket, with a view of it in memory
/// (etcd v3.6 `server/etcdserver/api/v3alarm/alarms.go`).
package final class AlarmStore {
    private let store: Store
    /// In the order of kind and then member.
    package private(set) var alarms: [AlarmMember] = []
    /// Whether any member is out of space, so that nothing may grow.
    package private(set) var hasNoSpace = false
    /// Whether any member's data is not what it should be, so that nothing may change.
    package private(set) var hasCorrupt = false

    package init(store: Store) throws(StoreError) {
        self.store = store
        var records: [Bytes] = []
        try store.scan(.alarm, from: [], to: nil) { key, _ in
            records.append(Bytes(copying: key))
            return true
        }
        for record in records {
            guard let alarm = try? AlarmMember(decoding: record) else {
                throw .corrupt("a record of the bucket alarm is not as it must be")
            }
            alarms.append(alarm)
        }
        alarmsChanged()
    }

    /// The alarms of a kind, or of all kinds.
    package func alarms(of type: AlarmType) -> [AlarmMember] {
        type == .none ? alarms : alarms.filter { $0.alarm == type }
    }

    /// Carries out a client's or member's request. Answers the alarms it is about.
    ///
    /// An alarm that is already active is answered as if it were new; of kind NONE there is none to activate.
    package func apply(_ request: AlarmRequest) throws(EtcdError) -> [AlarmMember] {
        var alarm = AlarmMember()
        alarm.memberID = request.memberID
        alarm.alarm = request.alarm
        switch request.action {
        case .get:
            return alarms(of: request.alarm)
        case .activate:
            guard request.alarm != .none else { return [] }
            if !alarms.contains(alarm) {
                alarms.append(alarm)
                store.put(.alarm, key: alarm.encoded(), value: [])
                alarmsChanged()
            }
            return [alarm]
        case .deactivate:
            guard alarms.contains(alarm) else { return [] }
            alarms.removeAll { $0 == alarm }
            store.delete(.alarm, key: alarm.encoded())
            alarmsChanged()
            return [alarm]
        default:
            // It stops a member of etcd 3.6 that waits for it.
            throw .malformedEntry("an alarm request of unknown action")
        }
    }

    private func alarmsChanged() {
        alarms.sort { ($0.alarm.rawValue, $0.memberID) < ($1.alarm.rawValue, $1.memberID) }
        hasNoSpace = alarms.contains { $0.alarm == .noSpace }
        hasCorrupt = alarms.contains { $0.alarm == .corrupt }
    }

    /// Refuses what no member may apply while alarms are active, the worse alarm first
    /// (etcd v3.6 `server/etcdserver/apply/corrupt.go`, `capped.go`).
    package func check(_ operation: RaftOperation) throws(EtcdError) {
        guard hasNoSpace || hasCorrupt else { return }
        switch operation {
        case .put, .leaseGrant:
            if hasCorrupt { throw .corrupt }
            throw .noSpace
        case .txn(let txn):
            if hasCorrupt { throw .corrupt }
            if QuotaCost.of(txn) > 0 { throw .noSpace }
        case .range, .deleteRange, .compaction, .leaseRevoke:
            if hasCorrupt { throw .corrupt }
        default:
            break
        }
    }
}
