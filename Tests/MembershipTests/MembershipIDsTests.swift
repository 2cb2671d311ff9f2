import EtcdMessages
import Membership
import Primitives
import Testing

@Suite struct MembershipIDsTests {
    private func member(_ url: String, token: String) -> MemberID {
        MemberID(peerURLs: [Bytes(text: url)], clusterToken: Bytes(text: token), unixSeconds: nil)
    }

    @Test func idsOfEtcdsDefaultCluster() {
        let id = member("http://localhost:2380", token: "etcd-cluster")
        #expect(id.description == "8e9e05c52164694d")
        #expect(ClusterID(bootstrapMembers: [id]).description == "cdf818194e3a8c32")
    }

    @Test func idsOfThreeMembersInAnyOrder() {
        let ids = (1...3).map { member("http://10.0.0.\($0):2380", token: "tok") }
        #expect(ids.map(\.description) == ["98521e8c6c48c6da", "61b046c1789d11d8", "7aa181191753809e"])
        #expect(ClusterID(bootstrapMembers: ids).description == "8e67f3b977698ab3")
        #expect(ClusterID(bootstrapMembers: ids.reversed()) == ClusterID(bootstrapMembers: ids))
    }

    @Test func idOfAMemberAddedLater() {
        let id = MemberID(
            peerURLs: [Bytes(text: "http://10.0.0.4:2380")], clusterToken: [], unixSeconds: 1_700_000_000)
        #expect(id.description == "515379a90beb2a3e")
    }

    @Test func theOrderOfURLsDoesNotCount() {
        let urls = [Bytes(text: "http://b:1"), Bytes(text: "http://a:1")]
        #expect(
            MemberID(peerURLs: urls, clusterToken: [1], unixSeconds: nil)
                == MemberID(peerURLs: urls.reversed(), clusterToken: [1], unixSeconds: nil))
    }

    @Test(arguments: ["", "+1", "-0", "g", "10000000000000000", "0x1", " 1"])
    func whatIsNoID(text: String) {
        #expect(MemberID(hexadecimal: Bytes(text: text)) == nil)
    }

    @Test func bootstrapMakesTheEntriesThatEtcdMakes() throws {
        let first = ClusterMember(
            bootstrapName: Bytes(text: "s1"), peerURLs: [Bytes(text: "http://127.0.0.1:34791")], clusterToken: [])
        let second = ClusterMember(
            bootstrapName: Bytes(text: "s2"), peerURLs: [Bytes(text: "http://127.0.0.1:34792")], clusterToken: [])
        let bootstrap = ClusterBootstrap(members: [first, second])
        #expect(bootstrap.entries == ClusterBootstrap(members: [second, first]).entries)
        #expect(bootstrap.entries.map(\.index) == [1, 2])
        #expect(bootstrap.entries.allSatisfy { $0.term == 1 && $0.type == .confChange })
        #expect(bootstrap.confState.voters == [first, second].map(\.id.rawValue).sorted())
        let lowest = try #require([first, second].min { $0.id < $1.id })
        let change = try ConfChange(decoding: try #require(bootstrap.entries[0].data))
        #expect(change.nodeID == lowest.id.rawValue && change.type == .addNode && change.id == 0)
        let text =
            "{\"id\":\(lowest.id.rawValue),\"peerURLs\":[\"\(lowest.peerURLs[0].text)\"],\"name\":\"\(lowest.name.text)\"}"
        #expect(change.context?.text == text)
    }
}
