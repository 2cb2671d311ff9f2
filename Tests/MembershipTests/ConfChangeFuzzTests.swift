import Environment
import EtcdMessages
import Membership
import Primitives
import SimulatedPlatform
import Store
import Testing

/// Configuration changes that say anything: each is carried out or refused, by all members alike, and leaves what a restart
/// would read back.
@Suite struct ConfChangeFuzzTests {
    /// What a change says beside the member's id: most often what fits, else what is cut, spoilt, or something else.
    private static func context(of id: UInt64, _ entropy: inout SeededEntropy) -> Bytes? {
        let said = entropy.next() % 8 == 0 ? entropy.next() % 40 : id
        let urls = ["\"http://h\(said):1\"", "null", "\"zz\"", "\"http://h\(entropy.next() % 40):1\",\"x\""]
        let url = urls[entropy.next() % 4 == 0 ? Int(entropy.next() % 4) : 0]
        let flags = ["", ",\"isLearner\":true", ",\"isPromote\":true", ",\"name\":\"n\",\"isPromote\":false"]
        let flag = flags[Int(entropy.next() % 4)]
        var bytes = Bytes(text: "{\"id\":\(said),\"peerURLs\":[\(url)]\(flag)}")
        switch entropy.next() % 16 {
        case 0: return nil
        case 1: return Bytes(bytes.prefix(Int(entropy.next() % UInt64(bytes.count))))
        case 2:
            for _ in 0..<(1 + entropy.next() % 3) {
                bytes[Int(entropy.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: entropy.next())
            }
            return bytes
        case 3: return Bytes(repeating: UInt8(ascii: "["), count: Int(entropy.next() % 20_000))
        default: return bytes
        }
    }

    private static func change(_ entropy: inout SeededEntropy) -> ConfChange {
        var change = ConfChange()
        let types: [ConfChangeType] = [
            .addNode, .addNode, .addLearnerNode, .removeNode, .updateNode, ConfChangeType(rawValue: 9),
        ]
        change.type = types[Int(entropy.next() % UInt64(types.count))]
        change.nodeID = entropy.next() % 16 == 0 ? entropy.next() : entropy.next() % 40
        change.context = context(of: change.nodeID, &entropy)
        return change
    }

    private func outcome(_ cluster: Cluster, _ change: ConfChange) -> Result<ConfState, EtcdError> {
        Result { () throws(EtcdError) in try cluster.apply(change) }
    }

    @Test(arguments: 1...20)
    func anythingIsCarriedOutOrRefused(seed: Int) throws {
        var entropy = SeededEntropy(seed: UInt64(seed))
        let stores = try (0..<2).map { _ in try Store.open(disk: SimulatedDisk(), path: "/db") }
        let clusters = try stores.map { try Cluster(store: $0, maxLearnerCount: 2) }
        var doneCount = 0
        for _ in 0..<300 {
            let change = Self.change(&entropy)
            let (state, members) = (clusters[0].confState, clusters[0].members)
            let outcomes = clusters.map { outcome($0, change) }
            #expect(outcomes[0] == outcomes[1])
            if case .failure = outcomes[0] {
                #expect(
                    clusters[0].confState == state && clusters[0].members == members, "what is refused changes nothing")
            } else {
                doneCount += 1
                #expect(!clusters[0].confState.voters.isEmpty)
            }
        }
        #expect(doneCount > 20)
        let restarted = try Cluster(store: stores[0], maxLearnerCount: 2)
        #expect(restarted.members == clusters[0].members && restarted.confState == clusters[0].confState)
        #expect(restarted.removedMembers == clusters[0].removedMembers)
    }

    /// What is checked before it is proposed never traps either, whatever a client asks for.
    @Test func questionsOfClientsAreAnswered() throws {
        var entropy = SeededEntropy(seed: 99)
        let cluster = try Cluster(store: Store.open(disk: SimulatedDisk(), path: "/db"))
        for _ in 0..<2000 {
            let id = MemberID(entropy.next() % 6)
            let urls = (0..<Int(entropy.next() % 3)).map { _ in Self.context(of: id.rawValue, &entropy) ?? [] }
            let changes: [MemberChange] = [
                .add(ClusterMember(id: id, peerURLs: urls, isLearner: entropy.next() % 2 == 0)), .remove(id),
                .update(id, peerURLs: urls), .promote(id),
            ]
            let change = changes[Int(entropy.next() % 4)]
            let reach = MemberReach(
                own: MemberID(1), steady: [MemberID(2)], connected: [MemberID(2), MemberID(3)],
                isLearnerInSync: entropy.next() % 2 == 0)
            let check: Result<Void, EtcdError> = Result { () throws(EtcdError) in
                try cluster.check(change, isStrict: entropy.next() % 2 == 0, reach)
            }
            // What passes is not refused where it is applied.
            guard case .success = check else { continue }
            guard case .success = outcome(cluster, change.confChange) else {
                Issue.record("checked, and refused: \(change)")
                return
            }
        }
    }
}
