import Checksums
import Environment
import EtcdMessages
import Node
import PeerProtocol
import Primitives
import RawSockets
import SimulatedPlatform
import Testing

@testable import PeerTransport

/// Snapshots from one transport to another, and ones that are not whole.
@Suite(.serialized) struct SnapshotTests {
    private func message(from: UInt64 = 0xA1, to: UInt64 = 0xA2, index: UInt64 = 9) -> RaftMessage {
        var message = RaftMessage()
        message.type = .snap
        message.from = from
        message.to = to
        message.term = 3
        var snapshot = RaftSnapshot()
        snapshot.data = Bytes(text: "{}")
        snapshot.metadata.index = index
        snapshot.metadata.term = 3
        message.snapshot = snapshot
        return message
    }

    private func send(_ store: TestStore, _ a: TestPeer, _ b: TestPeer, token: UInt64 = 1) -> Bool? {
        a.transport.sendSnapshot(to: b.id, message(), store.snapshot, RequestToken(rawValue: token))
        var outcome: Bool?
        _ = a.wait(seconds: 20) {
            for case .snapshotSent(let answered, b.id, let succeeded) in a.told.events where answered.rawValue == token
            {
                outcome = succeeded
            }
            return outcome != nil
        }
        return outcome
    }

    private func received(_ peer: TestPeer) -> [(RaftMessage, String)] {
        peer.told.events.compactMap {
            if case .snapshotReceived(let message, let path) = $0 { (message, path) } else { nil }
        }
    }

    private func names(_ peer: TestPeer) throws -> [String] {
        peer.stop()
        return try peer.disk.list(TestPeer.snapshots)
    }

    @Test func aWholeStore() throws {
        let store = try TestStore(valueByteCount: 10_000, count: 600)
        let (a, b) = (try TestPeer(0xA1), try TestPeer(0xA2))
        TestPeer.join(a, b)
        #expect(send(store, a, b) == true)
        let arrived = received(b)
        #expect(arrived.count == 1 && arrived.first?.0 == message())
        #expect(arrived.first?.1 == "/snap/0000000000000009.snap.db")
        let counts = (a.transport.counts.state.peers[b.id], b.transport.counts.state.peers[a.id])
        #expect(counts.0?.sentSnapshots.successCount == 1 && counts.0?.sentSnapshots.underWayCount == 0)
        #expect(counts.1?.receivedSnapshots.successCount == 1 && counts.1?.receivedSnapshots.underWayCount == 0)
        a.stop()
        #expect(try names(b) == ["0000000000000009.snap.db"])
        // What is there is there after a crash.
        var entropy = SeededEntropy(seed: 1)
        let disk = b.disk.crashClone(.loseAllUnsynced, entropy: &entropy)
        let file = try disk.open("/snap/0000000000000009.snap.db", .readOnly)
        #expect(try file.read(at: 0, count: 1 << 30) == store.bytes())
    }

    @Test func aDiskThatIsFull() throws {
        let store = try TestStore(valueByteCount: 10_000, count: 200)
        let (a, b) = (try TestPeer(0xA1), try TestPeer(0xA2))
        b.disk.capacityByteCount = 500_000
        TestPeer.join(a, b)
        #expect(send(store, a, b) == false)
        #expect(received(b).isEmpty)
        #expect(b.transport.counts.state.peers[a.id]?.receivedSnapshots.failureCount == 1)
        #expect(a.transport.counts.state.peers[b.id]?.sentSnapshots.failureCount == 1)
        a.stop()
        #expect(try names(b).isEmpty)
    }

    /// A sender of ours says behind the file what it must be; one of etcd says nothing.
    @Test func aFileThatIsNotWhatItsSenderHad() throws {
        let b = try TestPeer(0xA2)
        b.transport.setPeers([Peer(id: MemberID(0xA1), peerURLs: [Bytes(text: "http://127.0.0.1:1")])], removed: [])
        let file = Bytes(repeating: 7, count: 50_000)
        func post(_ index: UInt64, trailer: String) -> String {
            let raw = RawConnection(port: b.port)
            let body = SnapshotBodyDecoder.head(message(index: index)) + file
            raw.request("POST", "/raft/snapshot", from: 0xA1, chunked: body, trailer: trailer)
            return raw.verdict()
        }
        let right = String(CRC32C.checksum(file), radix: 16)
        let wrong = String(CRC32C.checksum(file) ^ 1, radix: 16)
        #expect(post(1, trailer: "").hasPrefix("204"))
        #expect(post(2, trailer: "X-Martlet-Snapshot-CRC32C: \(right)\r\n").hasPrefix("204"))
        #expect(
            post(3, trailer: "X-Martlet-Snapshot-CRC32C: \(wrong)\r\n")
                == "500 failed to save KV snapshot (snapshot: file corrupted on its way)\n")
        #expect(post(4, trailer: "X-Martlet-Snapshot-CRC32C: what\r\n").hasPrefix("400 malformed checksum"))
        #expect(received(b).map { $0.0.snapshot?.metadata.index } == [1, 2])
        #expect(b.transport.counts.state.peers[MemberID(0xA1)]?.receivedSnapshots.failureCount == 2)
        #expect(b.transport.counts.state.peers[MemberID(0xA1)]?.receivedSnapshots.underWayCount == 0)
        #expect(try names(b) == ["0000000000000001.snap.db", "0000000000000002.snap.db"])
    }

    @Test func aPageThatWentBad() throws {
        let store = try TestStore(valueByteCount: 10_000, count: 600)
        let bytes = try store.bytes()
        // In the middle, of a value's bytes.
        let place = try #require((bytes.count / 2..<bytes.count).first { bytes[$0..<$0 + 100].allSatisfy { $0 == 7 } })
        store.disk.flipBit(0, at: place + 50, of: "/data/db")
        let (a, b) = (try TestPeer(0xA1), try TestPeer(0xA2))
        TestPeer.join(a, b)
        #expect(send(store, a, b) == false)
        #expect(received(b).isEmpty)
        let failures = a.told.lines.filter { $0.message == "failed to send database snapshot" }
        #expect(failures.count == 1)
        #expect(failures.first?.fields.contains { $0.1.contains("checksum it was written with") } == true)
        #expect(a.transport.counts.state.peers[b.id]?.sentSnapshots.failureCount == 1)
        // And again, as Raft has it tried.
        #expect(send(store, a, b, token: 2) == false)
        a.stop()
        #expect(try names(b).isEmpty)
    }

    @Test func nobodyToSendTo() throws {
        let store = try TestStore(valueByteCount: 10, count: 1)
        let (a, b) = (try TestPeer(0xA1), try TestPeer(0xA2))
        #expect(send(store, a, b) == false, "not known")
        b.stop()
        a.transport.setPeers([Peer(id: b.id, peerURLs: [b.url])], removed: [])
        #expect(send(store, a, b, token: 2) == false, "not reached")
        a.stop()
    }

    @Test func aLongerFileThanIsTaken() throws {
        let store = try TestStore(valueByteCount: 10_000, count: 200)
        let a = try TestPeer(0xA1)
        let b = try TestPeer(0xA2) { $0.maxSnapshotByteCount = 100_000 }
        TestPeer.join(a, b)
        #expect(send(store, a, b) == false)
        a.stop()
        #expect(try names(b).isEmpty)
    }

    /// Bodies that end early, are damaged, or are for another: an error, and nothing is left.
    @Test func whatIsNotWhole() throws {
        let b = try TestPeer(0xA2)
        b.transport.setPeers([Peer(id: MemberID(0xA1), peerURLs: [Bytes(text: "http://127.0.0.1:1")])], removed: [])
        func post(_ body: Bytes, announced: Int? = nil) -> RawConnection {
            let raw = RawConnection(port: b.port)
            raw.request("POST", "/raft/snapshot", from: 0xA1, bodyByteCount: announced, body: body)
            return raw
        }
        let head = SnapshotBodyDecoder.head(message())
        #expect(post([]).verdict() == "400 failed to decode raft message (EOF)\n")
        #expect(post([0, 0, 0]).verdict() == "400 failed to decode raft message (unexpected EOF)\n")
        #expect(
            post(Bytes(repeating: 255, count: 9)).verdict().hasPrefix("400 failed to decode raft message (rafthttp"))
        var other = message()
        other.type = .app
        #expect(post(SnapshotBodyDecoder.head(other)).verdict() == "400 wrong raft message type\n")
        #expect(post(head).verdict() == "500 failed to save KV snapshot (unexpected EOF)\n")
        #expect(post(SnapshotBodyDecoder.head(message(to: 0xA7))).verdict().hasPrefix("500 failed to process"))
        do {
            // The sender dies in the middle.
            let raw = post(head + Bytes(repeating: 1, count: 300_000), announced: head.count + 400_000)
            #expect(b.wait { b.told.lines("receiving database snapshot") == 2 })
            _ = raw
        }
        #expect(b.wait { b.transport.counts.state.peers[MemberID(0xA1)]?.receivedSnapshots.underWayCount == 0 })
        #expect(received(b).isEmpty)
        #expect(try names(b).isEmpty)
    }
}
