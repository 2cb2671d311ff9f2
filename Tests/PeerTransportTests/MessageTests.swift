import EtcdMessages
import Glibc
import Metrics
import Node
import Primitives
import RawSockets
import Testing

@testable import PeerTransport

/// Messages between two transports over real sockets.
@Suite(.serialized) struct MessageTests {
    @Test func bothWaysInOrder() throws {
        let (a, b) = (try TestPeer(0xA1), try TestPeer(0xA2))
        TestPeer.join(a, b)
        #expect(a.waitForConnection(to: b))
        #expect(a.count { if case .connected(b.id) = $0 { true } else { false } } > 0)
        let appends = (1...3000).map { a.append(to: b, after: UInt64($0)) }
        for start in stride(from: 0, to: appends.count, by: 100) {
            a.transport.send(Array(appends[start..<start + 100]))
        }
        b.transport.send([b.message(.heartbeatResp, to: a), b.message(.appResp, to: a)])
        #expect(b.wait { b.told.messages.count == appends.count })
        let isAll = b.told.messages == appends
        #expect(isAll)
        #expect(a.wait { a.told.messages.map(\.type) == [.heartbeatResp, .appResp] })
        let (sent, received) = (a.transport.counts.state.peers[b.id], b.transport.counts.state.peers[a.id])
        #expect((sent?.sentByteCount ?? 0) > 3000 * 30 && sent?.isActive == true)
        #expect((received?.receivedByteCount ?? 0) > 3000 * 30)
        #expect(a.wait { (a.transport.counts.state.peers[b.id]?.roundTrips.count ?? 0) > 0 })
        a.stop()
        b.stop()
    }

    @Test func messagesOfAllLengths() throws {
        let (a, b) = (try TestPeer(0xA1), try TestPeer(0xA2))
        TestPeer.join(a, b)
        #expect(a.waitForConnection(to: b))
        let appends = [0, 1, 300, 5000, 70_000, 3 << 20, 10].enumerated().map { place, byteCount in
            a.append(to: b, after: UInt64(place), byteCount: byteCount)
        }
        a.transport.send(appends)
        #expect(b.wait { b.told.messages.count == appends.count })
        let isAll = b.told.messages == appends
        #expect(isAll)
        a.stop()
        b.stop()
    }

    /// What is not for this member, comes from one that was removed, or is a snapshot without its file, is not for Raft.
    @Test func strayMessagesAreDropped() throws {
        let (a, b) = (try TestPeer(0xA1), try TestPeer(0xA2))
        TestPeer.join(a, b)
        #expect(a.waitForConnection(to: b))
        b.transport.setPeers([a.peer], removed: [MemberID(0xA9)])
        #expect(b.transport.ports == [b.port], "the transport has taken what came before")
        var removed = a.message(.vote, to: b)
        removed.from = 0xA9
        a.transport.send([removed, a.message(.snap, to: b), a.message(.vote, to: b)])
        #expect(b.wait { b.told.messages.count == 1 })
        #expect(b.told.messages.map(\.from) == [0xA1])
        a.stop()
        b.stop()
    }

    @Test func aPeerThatComesBack() throws {
        let a = try TestPeer(0xA1)
        let b = try TestPeer(0xA2)
        let port = b.port
        TestPeer.join(a, b)
        #expect(a.waitForConnection(to: b))
        b.stop()
        #expect(a.wait { a.count { if case .disconnected = $0 { true } else { false } } > 0 })
        // Without a stream each is tried by itself, and fails.
        a.transport.send([a.message(.heartbeat, to: b)])
        #expect(a.wait { a.count { if case .unreachable = $0 { true } else { false } } > 0 })
        let again = try TestPeer(0xA2, port: port)
        again.transport.setPeers([a.peer], removed: [])
        #expect(a.wait { a.count { if case .connected = $0 { true } else { false } } >= 2 })
        #expect(
            again.wait {
                a.transport.send([a.message(.heartbeat, to: b)])
                return again.told.messages.contains { $0.type == .heartbeat }
            })
        #expect((a.transport.counts.state.peers[b.id]?.disconnectionCount ?? 0) > 0)
        a.stop()
        again.stop()
    }

    @Test func urlsAreTriedInTurn() throws {
        let (a, b) = (try TestPeer(0xA1), try TestPeer(0xA2))
        let dead = Bytes(text: "http://127.0.0.1:1")
        a.transport.setPeers([Peer(id: b.id, peerURLs: [Bytes(text: "zz"), dead, b.url])], removed: [])
        b.transport.setPeers([Peer(id: a.id, peerURLs: [Bytes(text: "https://127.0.0.1:1"), a.url])], removed: [])
        #expect(a.waitForConnection(to: b))
        a.stop()
        b.stop()
    }

    /// A sender that is not known is refused its streams, and answered without one.
    @Test func aRemoteIsAnswered() throws {
        let (a, b) = (try TestPeer(0xA1), try TestPeer(0xA2))
        a.transport.setPeers([b.peer], removed: [])
        #expect(b.wait { b.told.lines("failed to find remote peer in cluster") > 0 })
        b.transport.send([b.message(.appResp, to: a)])
        #expect(a.wait { a.told.messages.count == 1 })
        a.transport.send([a.message(.heartbeat, to: b)])
        #expect(b.wait { b.told.messages.count == 1 })
        // Once it is removed nothing goes to it any more.
        b.transport.setPeers([], removed: [a.id])
        b.transport.send([b.message(.appResp, to: a)])
        b.transport.setPeers([], removed: [])
        #expect(b.wait { b.told.lines("failed to find remote peer in cluster") > 3 })
        #expect(a.told.messages.count == 1)
        // Once it is known it has its streams.
        b.transport.setPeers([a.peer], removed: [])
        #expect(a.waitForConnection(to: b))
        a.stop()
        b.stop()
    }

    @Test func aRemovedMemberIsTold() throws {
        let (a, b) = (try TestPeer(0xA1), try TestPeer(0xA2))
        b.transport.setPeers([], removed: [a.id])
        a.transport.setPeers([b.peer], removed: [])
        #expect(a.wait { a.count { if case .removed = $0 { true } else { false } } > 0 })
        usleep(300_000)
        #expect(a.count { if case .removed = $0 { true } else { false } } == 1, "told once")
        a.stop()
        b.stop()
    }

    @Test func anotherClusterIsToldOnce() throws {
        let (a, b) = (try TestPeer(0xA1, cluster: ClusterID(0xC2)), try TestPeer(0xA2))
        TestPeer.join(a, b)
        let line = "request sent was ignored by remote peer due to cluster ID mismatch"
        #expect(a.wait { a.told.lines(line) > 0 && b.told.lines(line) > 0 })
        usleep(500_000)
        #expect(a.told.lines(line) == 1 && b.told.lines(line) == 1)
        #expect(a.told.messages.isEmpty)
        a.stop()
        b.stop()
    }

    /// A peer that opens its streams and reads nothing costs a bounded amount of memory: messages are dropped and told as
    /// unreachable, and at last the connection is.
    @Test func aPeerThatDoesNotRead() throws {
        let a = try TestPeer(0xA1) { settings in
            settings.maxQueuedMessageCount = 50
            settings.heartbeatMilliseconds = 300
        }
        a.transport.setPeers([Peer(id: MemberID(0xA2), peerURLs: [Bytes(text: "http://127.0.0.1:1")])], removed: [])
        let raw = RawConnection(port: a.port, receiveBufferByteCount: 4096)
        raw.request("GET", "/raft/stream/msgapp/a2")
        #expect(a.wait { a.told.lines("established TCP streaming connection with remote peer") == 1 })
        var message = RaftMessage()
        message.type = .app
        message.from = 0xA1
        message.to = 0xA2
        var entry = RaftEntry()
        entry.data = Bytes(repeating: 1, count: 100_000)
        message.entries = [entry]
        for _ in 0..<400 { a.transport.send([message]) }
        #expect(a.wait { a.count { if case .unreachable = $0 { true } else { false } } > 200 })
        #expect((a.transport.counts.state.peers[MemberID(0xA2)]?.sentByteCount ?? 0) < 10 << 20)
        #expect(a.wait { a.told.lines("lost TCP streaming connection with remote peer") == 1 })
        a.stop()
    }

    /// A core that does not take what comes holds up the sender instead of filling the memory.
    @Test func aCoreThatDoesNotTake() throws {
        let a = try TestPeer(0xA1)
        let b = try TestPeer(0xA2, takes: false) { $0.maxUntakenByteCount = 1 << 20 }
        TestPeer.join(a, b)
        #expect(a.waitForConnection(to: b))
        let appends = (0..<200).map { a.append(to: b, after: UInt64($0), byteCount: 100_000) }
        for append in appends { a.transport.send([append]) }
        usleep(700_000)
        #expect(b.told.messageByteCount < 6 << 20, "a few pieces beyond the bound")
        #expect(
            b.wait {
                let byteCount = b.told.messageByteCount
                b.transport.taken(byteCount: byteCount - taken.value)
                taken.value = byteCount
                return b.told.messages.count == appends.count
            })
        let isAll = b.told.messages == appends
        #expect(isAll)
        a.stop()
        b.stop()
    }

    private let taken = Counter()

    private final class Counter { var value = 0 }

    @Test func aNewStreamReplacesTheOld() throws {
        let a = try TestPeer(0xA1)
        a.transport.setPeers([Peer(id: MemberID(0xA2), peerURLs: [Bytes(text: "http://127.0.0.1:1")])], removed: [])
        let (first, second) = (RawConnection(port: a.port), RawConnection(port: a.port))
        first.request("GET", "/raft/stream/message/a2")
        #expect(first.message()?.fields["x-etcd-cluster-id"] == "c1")
        second.request("GET", "/raft/stream/message/a2")
        let head = second.message()
        #expect(head?.line == "HTTP/1.1 200 OK" && head?.fields["x-server-version"] == "\(EtcdVersion.presented)")
        #expect(head?.fields["transfer-encoding"] == "chunked")
        #expect(first.isClosedAtLast(withinMilliseconds: 3000))
        #expect(
            a.wait { a.count { if case .unreachable = $0 { true } else { false } } == 1 }, "what was on its way is lost"
        )
        a.stop()
    }
}
