import EtcdMessages
import Membership
import Primitives
import Testing

/// What members, configurations and downgrades look like in the store.
@Suite struct RecordsTests {
    private func json(_ text: String) throws -> JSONValue {
        try JSONValue.parse(Bytes(text: text))
    }

    @Test func aMemberIsWrittenAsGoWritesIt() {
        let full = ClusterMember(
            id: MemberID(.max), name: Bytes(text: "a<b"), peerURLs: [Bytes(text: "http://h:1")],
            clientURLs: [Bytes(text: "http://h:2")], isLearner: true)
        #expect(
            full.json.encoded().text
                == "{\"id\":18446744073709551615,\"peerURLs\":[\"http://h:1\"],\"isLearner\":true,"
                + "\"name\":\"a\\u003cb\",\"clientURLs\":[\"http://h:2\"]}")
        let bare = ClusterMember(id: MemberID(5), peerURLs: [])
        #expect(bare.json.encoded().text == "{\"id\":5,\"peerURLs\":null}")
        for member in [full, bare] { #expect(ClusterMember(json: member.json) == member) }
    }

    @Test(arguments: [
        "[]", "null", "{\"id\":\"5\"}", "{\"id\":-1}", "{\"id\":1.0}", "{\"peerURLs\":[1]}", "{\"peerURLs\":\"u\"}",
        "{\"name\":5}", "{\"isLearner\":1}", "{\"clientURLs\":{}}",
    ])
    func whatIsNoMember(text: String) throws {
        #expect(ClusterMember(json: try json(text)) == nil)
    }

    @Test func aMemberIsReadAsGoReadsIt() throws {
        let member = try #require(ClusterMember(json: try json("{\"ID\":7,\"name\":null,\"other\":[1,{}]}")))
        #expect(member == ClusterMember(id: MemberID(7), peerURLs: []))
    }

    @Test func contextsOfChanges() throws {
        let member = ClusterMember(id: MemberID(1234), peerURLs: [Bytes(text: "http://h:2380")], isLearner: true)
        let context = ConfChangeContext(member: member)
        #expect(
            context.encoded().text
                == "{\"id\":1234,\"peerURLs\":[\"http://h:2380\"],\"isLearner\":true,\"isPromote\":false}")
        #expect(try ConfChangeContext(decoding: context.encoded()) == context)
        let promotion = ConfChangeContext(member: member, isPromote: true)
        #expect(try ConfChangeContext(decoding: promotion.encoded()) == promotion)
        // Bootstrap entries have no `isPromote`.
        #expect(try ConfChangeContext(decoding: member.json.encoded()) == context)
        #expect(throws: EtcdError.self) { try ConfChangeContext(decoding: []) }
        #expect(throws: EtcdError.self) { try ConfChangeContext(decoding: Bytes(text: "{\"isPromote\":0}")) }
    }

    @Test func configurationsOfRaft() throws {
        var state = ConfState()
        state.voters = [1, 2]
        #expect(state.json.encoded().text == "{\"voters\":[1,2],\"auto_leave\":false}")
        state.learners = [3]
        state.votersOutgoing = [4]
        state.learnersNext = [5]
        state.autoLeave = true
        #expect(
            state.json.encoded().text
                == "{\"voters\":[1,2],\"learners\":[3],\"voters_outgoing\":[4],\"learners_next\":[5],\"auto_leave\":true}"
        )
        #expect(ConfState(json: state.json) == state)
        for text in ["[]", "{\"voters\":[\"1\"]}", "{\"voters\":1}", "{\"auto_leave\":1}", "{\"learners\":[-1]}"] {
            #expect(ConfState(json: try json(text)) == nil)
        }
    }

    @Test func downgrades() throws {
        let state = DowngradeState(isEnabled: true, targetVersion: Bytes(text: "3.5.0"))
        #expect(state.json.encoded().text == "{\"target-version\":\"3.5.0\",\"enabled\":true}")
        #expect(DowngradeState(json: state.json) == state)
        let none = DowngradeState(isEnabled: false, targetVersion: Bytes(text: "3.5.0"))
        #expect(none == .none && none.json.encoded().text == "{\"target-version\":\"\",\"enabled\":false}")
        #expect(DowngradeState(json: try json("{\"enabled\":\"yes\"}")) == nil)
    }

    @Test func arithmeticOfConfigurations() throws {
        var state = ConfState()
        state.voters = [2]
        let two = try #require(state.applying(.addNode, MemberID(1)))
        #expect(two.voters == [1, 2])
        #expect(two.applying(.addNode, MemberID(1)) == two)
        let learner = try #require(two.applying(.addLearnerNode, MemberID(3)))
        #expect(learner.voters == [1, 2] && learner.learners == [3])
        #expect(learner.applying(.addNode, MemberID(3))?.voters == [1, 2, 3])
        #expect(learner.applying(.addNode, MemberID(3))?.learners == [])
        #expect(learner.applying(.removeNode, MemberID(3)) == two)
        #expect(learner.applying(.updateNode, MemberID(3)) == learner)
        #expect(state.applying(.removeNode, MemberID(2)) == nil)
        #expect(state.applying(ConfChangeType(rawValue: 9), MemberID(2)) == nil)
        state.votersOutgoing = [1]
        #expect(state.applying(.addNode, MemberID(3)) == nil)
    }
}
