import Logging
import Membership
import Primitives
import Testing

@testable import martlet

/// What the log says of members that come, change and go.
@Suite struct ClusterLogTests {
    private func member(_ id: UInt64, _ url: String, isLearner: Bool = false, name: String = "") -> ClusterMember {
        ClusterMember(
            id: MemberID(id), name: Bytes(text: name), peerURLs: [Bytes(text: url)], isLearner: isLearner)
    }

    private func lines(_ old: [ClusterMember], _ new: [ClusterMember]) -> [String] {
        ClusterLog.lines(from: old, to: new).map { line in
            let fields = line.fields.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            return "\(line.message): \(fields.joined(separator: " "))"
        }
    }

    @Test func aLineForEachMember() {
        let old = [member(1, "http://a:1"), member(0x2b, "http://b:1", isLearner: true), member(3, "http://c:1")]
        let new = [
            member(1, "http://a:1", name: "known"), member(0x2b, "http://b:2"),
            member(4, "http://d:1", isLearner: true),
        ]
        #expect(
            lines(old, new) == [
                "removed member: removed-remote-peer-id=3 removed-remote-peer-urls=[\"http://c:1\"]",
                "promote member: promoted-member-id=2b",
                "updated member: updated-remote-peer-id=2b updated-remote-peer-urls=[\"http://b:2\"]",
                "added member: added-peer-id=4 added-peer-is-learner=true added-peer-peer-urls=[\"http://d:1\"]",
            ])
        #expect(lines(new, new).isEmpty)
    }
}
