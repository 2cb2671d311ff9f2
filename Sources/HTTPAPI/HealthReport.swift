internal import EtcdMessages
internal import Primitives

/// What `/health` answers: nil for a healthy member, else the reason.
struct HealthReport {
    let reason: String?

    /// What is wrong before anything is read; nil if nothing is.
    static func problem(_ question: HealthQuestion, alarms: [AlarmType], hasLeader: Bool) -> String? {
        for alarm in alarms {
            let (name, reason) =
                switch alarm {
                case .noSpace: ("NOSPACE", "ALARM NOSPACE")
                case .corrupt: ("CORRUPT", "ALARM CORRUPT")
                default: (String(alarm.rawValue), "ALARM UNKNOWN")
                }
            if !question.excludedAlarms.contains(name) { return reason }
        }
        return hasLeader || question.isSerializable ? nil : "RAFT NO LEADER"
    }

    /// What a read says about the member: one that is refused for want of rights shows that it works.
    static func problem(_ error: EtcdError?) -> String? {
        guard let error, error != .userEmpty, error != .permissionDenied else { return nil }
        return "RANGE ERROR:\(error.message)"
    }

    var response: HTTPResponse {
        guard let reason else {
            return HTTPResponse(
                200, "OK", fields: [HTTPResponse.plainText], body: #"{"health":"true","reason":""}"#)
        }
        let quoted = JSONValue.string(text: reason).encoded().text
        return .error(503, "Service Unavailable", #"{"health":"false","reason":\#(quoted)}"#)
    }
}
