internal import Alarms
internal import Apply
internal import EtcdMessages
internal import Primitives
internal import Store

/// The check of the database's size before a request is proposed (etcd v3.6 `server/etcdserver/api/v3rpc/quota.go`).
extension Node {
    /// Whether the database may grow by a request. If not, its client is refused here, once the alarm is raised that says
    /// so to all members; there is nothing more to do for it.
    ///
    /// - Parameter cost: as `QuotaCost` estimates it, in bytes.
    package func admits(quotaCost cost: Int, _ token: RequestToken) -> Bool {
        guard !applier.settings.quota.admits(cost: cost, databaseByteCount: store.sizeByteCount) else { return true }
        guard !applier.alarms.alarms.contains(spaceAlarm) else {
            reply(token, .failure(.noSpace))
            return false
        }
        spaceRefusals.append(token)
        // One alarm is enough for all that are refused while it is under way.
        if spaceRefusals.count == 1 { raiseSpaceAlarm() }
        return false
    }

    /// The alarm is applied, or did not come through: whoever was refused for it hears so.
    func spaceAlarmSettled() {
        let tokens = spaceRefusals
        spaceRefusals = []
        for token in tokens { reply(token, .failure(.noSpace)) }
    }

    private var spaceAlarm: AlarmMember {
        var alarm = AlarmMember()
        alarm.memberID = memberID.rawValue
        alarm.alarm = .noSpace
        return alarm
    }

    private func raiseSpaceAlarm() {
        var request = AlarmRequest()
        request.action = .activate
        request.memberID = memberID.rawValue
        request.alarm = .noSpace
        proposeOwn(Proposal(.alarm, request), .spaceAlarm)
    }
}
