import Environment
import EtcdMessages
import Primitives
import Testing

@testable import Snapshots

@Suite struct V2StoreMembershipTests {
    private let sample = V2StoreMembership(
        members: [
            V2StoreMember(
                id: MemberID(0x2bc2_1162_cab8_eb93),
                peerURLs: [Bytes(text: "http://a:1"), Bytes(text: "http://b:1?x&y")],
                name: Bytes(text: "m \"1\" é"), clientURLs: [Bytes(text: "http://a:2")]),
            V2StoreMember(id: MemberID(0xf), peerURLs: [Bytes(text: "http://c:1")], isLearner: true),
        ],
        removed: [MemberID(0xff), MemberID(0x1)], clusterVersion: Bytes(text: "3.6.0"))

    @Test func whatIsWrittenIsRead() throws {
        #expect(try V2StoreMembership(decoding: sample.encoded()) == sample)
        #expect(try V2StoreMembership(decoding: V2StoreMembership().encoded()) == V2StoreMembership())
    }

    @Test func theStoreIsAsAfterItsChanges() throws {
        let json = try JSONValue.parse(sample.encoded())
        // Two members with three attributes, two removed, one version.
        #expect(json[field: "CurrentIndex"]?.uint64Value == 6)
        #expect(json[field: "Stats"]?[field: "createSuccess"]?.uint64Value == 4)
        #expect(json[field: "Stats"]?[field: "setsSuccess"]?.uint64Value == 2)
        let history = json[field: "WatcherHub"]?[field: "EventHistory"]
        #expect(history?[field: "StartIndex"]?.uint64Value == 1)
        #expect(history?[field: "LastIndex"]?.uint64Value == 6)
        #expect(history?[field: "Queue"]?[field: "Events"]?.arrayValue?.count == 1000)
        let keys = history?[field: "Queue"]?[field: "Events"]?.arrayValue?.compactMap {
            $0[field: "node"]?[field: "key"]?.stringValue?.text
        }
        #expect(
            keys == [
                "/0/members/f/raftAttributes", "/0/members/2bc21162cab8eb93/raftAttributes",
                "/0/members/2bc21162cab8eb93/attributes", "/0/removed_members/1", "/0/removed_members/ff", "/0/version",
            ])
    }

    @Test(arguments: [999, 1000, 1001, 2500]) func theHistoryIsARing(_ count: Int) throws {
        let many = V2StoreMembership(removed: (1...UInt64(count)).map { MemberID($0) })
        let json = try JSONValue.parse(many.encoded())
        let history = json[field: "WatcherHub"]?[field: "EventHistory"]
        let queue = history?[field: "Queue"]
        let events = try #require(queue?[field: "Events"]?.arrayValue)
        let front = Int(try #require(queue?[field: "Front"]?.uint64Value))
        let size = Int(try #require(queue?[field: "Size"]?.uint64Value))
        #expect(size == min(count, 1000))
        #expect(
            events[front][field: "node"]?[field: "createdIndex"]?.uint64Value
                == history?[field: "StartIndex"]?.uint64Value)
        let last = events[(front + size - 1) % 1000]
        #expect(last[field: "node"]?[field: "createdIndex"]?.uint64Value == UInt64(count))
        #expect(queue?[field: "Back"]?.uint64Value == UInt64((front + size) % 1000))
        #expect(try V2StoreMembership(decoding: many.encoded()) == many)
    }

    @Test func aMinimalStoreIsRead() throws {
        let text =
            #"{"Root":{"Children":{"0":{"Children":{"members":{"Children":{"a":{"Children":{"raftAttributes":"#
            + #"{"Value":"{\"peerURLs\":null}"}}}}}}}}},"CurrentIndex":1,"CurrentVersion":2}"#
        let read = try V2StoreMembership(decoding: Bytes(text: text))
        #expect(read == V2StoreMembership(members: [V2StoreMember(id: MemberID(10), peerURLs: [])]))
    }

    @Test(arguments: [
        "", "{}", "[]", #"{"Root":{"Children":{"0":{"Children":{"members":{"Children":{"xyz":{}}}}}}}}"#,
        #"{"Root":{"Children":{"0":{"Children":{"members":{"Children":{"a":{}}}}}}}}"#,
        #"{"Root":{"Children":{"0":{"Children":{"removed_members":{"Children":{"":{}}}}}}}}"#,
        #"{"Root":{"Children":{"0":{"Children":{"removed_members":{"Children":{"11111111111111111":{}}}}}}}}"#,
        #"{"Root":{"Children":{"0":{"Children":{"members":{"Children":{"a":{"Children":{"raftAttributes":{"Value":"{"}}}}}}}}}}"#,
        #"{"Root":{"Children":{"0":{"Children":{"members":{"Children":{"a":{"Children":{"raftAttributes":{"Value":"{}"}}}}}}}}}}"#,
    ])
    func whatIsNoStoreIsRefused(_ text: String) {
        #expect(throws: SnapshotError.self) { try V2StoreMembership(decoding: Bytes(text: text)) }
    }
}
