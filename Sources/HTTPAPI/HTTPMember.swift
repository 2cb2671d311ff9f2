internal import Alarms
internal import Apply
package import EtcdMessages
internal import Membership
package import Node
internal import Primitives

/// What the HTTP services ask of the core: `Node`, or a test's stand-in. It belongs to the loop's thread.
package protocol HTTPMember: AnyObject {
    var versions: VersionReport { get }
    /// The kinds of the active alarms, of all members.
    var activeAlarms: [AlarmType] { get }
    var hasLeader: Bool { get }
    /// Whether this member has no vote.
    var isLearner: Bool { get }
    /// The smallest read there is, to see whether reads are answered: of the key that nobody can have. The answer comes by
    /// the token, later.
    func probe(isSerializable: Bool, _ token: RequestToken)
}

extension Node: HTTPMember {
    package var versions: VersionReport {
        VersionReport(
            server: etcdVersion, cluster: applier.cluster.version, storage: applier.cluster.schemaVersion)
    }

    package var activeAlarms: [AlarmType] { applier.alarms.alarms.map(\.alarm) }

    package var isLearner: Bool { applier.cluster.member(memberID)?.isLearner ?? false }

    package func probe(isSerializable: Bool, _ token: RequestToken) {
        var request = RangeRequest()
        request.keysOnly = true
        request.limit = 1
        request.serializable = isSerializable
        range(request, token)
    }
}
