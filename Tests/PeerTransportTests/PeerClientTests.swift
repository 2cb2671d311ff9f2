import EtcdMessages
import Metrics
import Node
import PeerProtocol
import Primitives
import RawSockets
import SimulatedPlatform
import Testing

@testable import PeerTransport

/// Requests to a peer whose answers are written by hand.
@Suite(.serialized) struct PeerClientTests {
    private let listener = RawListener()
    private let asker: TestPeer

    init() throws {
        asker = try TestPeer(0xA1)
    }

    private var url: Bytes { Bytes(text: "http://127.0.0.1:\(listener.port)") }

    private func ask(_ number: UInt64, _ kind: PeerQuestion.Kind = .version) {
        asker.transport.ask(PeerQuestion(number: number, to: MemberID(0xA2), peerURLs: [url], kind: kind))
    }

    private func isAnswered(_ number: UInt64) -> Bool {
        asker.wait(seconds: 10) {
            asker.count { if case .answered(number, .success) = $0 { true } else { false } } == 1
        }
    }

    private func answer(_ connection: RawConnection, _ body: String = #"{"etcdserver":"3.6.0"}"#, fields: String = "") {
        connection.write("HTTP/1.1 200 OK\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    @Test func oneConnectionTakesManyRequests() throws {
        ask(1)
        let connection = try #require(listener.accept())
        for number: UInt64 in 1...5 {
            if number > 1 { ask(number) }
            #expect(connection.message(withinMilliseconds: 3000)?.line == "GET /version HTTP/1.1")
            answer(connection)
            #expect(isAnswered(number))
        }
        #expect(listener.accept(withinMilliseconds: 0) == nil)
        asker.stop()
        #expect(connection.isClosed())
    }

    @Test func whatIsAskedAtOnceNeedsConnectionsOfItsOwn() throws {
        for number: UInt64 in 1...6 { ask(number) }
        let connections = try (1...6).map { _ in try #require(listener.accept()) }
        for connection in connections {
            #expect(connection.message() != nil)
            answer(connection)
        }
        for number: UInt64 in 1...6 { #expect(isAnswered(number)) }
        let kept = connections.count { !$0.isClosed(withinMilliseconds: 100) }
        #expect(kept == 4)
        asker.stop()
    }

    /// A kept connection is lost just as it is used: the request is made anew. One that must not be heard twice never takes
    /// such a connection.
    @Test func aKeptConnectionMayBeLost() throws {
        ask(1)
        var connection = try #require(listener.accept())
        #expect(connection.message() != nil)
        answer(connection)
        #expect(isAnswered(1))
        ask(2)
        #expect(connection.message() != nil)
        connection.resetAtEnd()
        connection.close()
        connection = try #require(listener.accept(withinMilliseconds: 3000))
        #expect(connection.message() != nil)
        answer(connection)
        #expect(isAnswered(2))
        ask(3, .promote(MemberID(7)))
        let own = try #require(listener.accept(withinMilliseconds: 3000))
        #expect(own.message()?.line == "POST /members/promote/7 HTTP/1.1")
        own.close()
        #expect(
            asker.wait {
                asker.count { if case .answered(3, .failure(.unreachable("EOF"))) = $0 { true } else { false } } == 1
            })
        asker.stop()
    }

    @Test func aConnectionThatIsNotToBeKeptIsNot() throws {
        ask(1)
        let first = try #require(listener.accept())
        #expect(first.message() != nil)
        answer(first, fields: "Connection: close\r\n")
        #expect(isAnswered(1) && first.isClosed())
        // Nor one on which more comes than was asked for.
        ask(2)
        let second = try #require(listener.accept())
        #expect(second.message() != nil)
        answer(second)
        #expect(isAnswered(2))
        answer(second)
        #expect(second.isClosed())
        ask(3)
        let third = try #require(listener.accept())
        #expect(third.message() != nil)
        asker.stop()
    }

    @Test func messagesAndProbesGoThroughOneConnection() throws {
        let peer = try TestPeer(0xA1) { $0.probeMilliseconds = 500 }
        peer.transport.setPeers([Peer(id: MemberID(0xA2), peerURLs: [url])], removed: [])
        let probed = try #require(probedConnection())
        answer(probed, #"{"OK":true,"Now":"2026-01-01T00:00:00Z"}"#)
        #expect(peer.wait { peer.transport.counts.state.peers[MemberID(0xA2)]?.roundTrips.count == 1 })
        var message = RaftMessage()
        (message.type, message.from, message.to) = (.heartbeat, 0xA1, 0xA2)
        peer.transport.send([message])
        #expect(probed.message(withinMilliseconds: 3000)?.line == "POST /raft HTTP/1.1")
        probed.write("HTTP/1.1 204 No Content\r\n\r\n")
        #expect(probed.message(withinMilliseconds: 3000)?.line == "GET /raft/probing HTTP/1.1")
        peer.stop()
        asker.stop()
    }

    /// Forwarded twice it could be applied twice, the second time after what came between.
    @Test func aProposalIsNotMadeAnew() throws {
        let peer = try TestPeer(0xA1)
        peer.transport.setPeers([Peer(id: MemberID(0xA2), peerURLs: [url])], removed: [])
        let probed = try #require(probedConnection())
        answer(probed, #"{"OK":true,"Now":"2026-01-01T00:00:00Z"}"#)
        #expect(peer.wait { peer.transport.counts.state.peers[MemberID(0xA2)]?.roundTrips.count == 1 })
        var message = RaftMessage()
        (message.type, message.from, message.to) = (.prop, 0xA1, 0xA2)
        peer.transport.send([message])
        #expect(probed.message(withinMilliseconds: 100)?.line != "POST /raft HTTP/1.1")
        var count = 0
        while let connection = listener.accept(withinMilliseconds: 1000) {
            if connection.message()?.line == "POST /raft HTTP/1.1" {
                count += 1
                peer.transport.setPeers([], removed: [])
            }
            connection.close()
        }
        #expect(count == 1)
        peer.stop()
        asker.stop()
    }

    /// The connection on which a probe has come. Streams, each on a connection of its own, are refused.
    private func probedConnection() -> RawConnection? {
        while let connection = listener.accept() {
            if connection.message()?.line == "GET /raft/probing HTTP/1.1" { return connection }
        }
        return nil
    }

    /// A date centuries away, told to a machine that believes it is 1970.
    @Test func anyClockMayBeOff() throws {
        let early = try TestPeer(0xA1) { $0.clock = SimulatedClock(unixNanoseconds: 0) }
        early.transport.setPeers([Peer(id: MemberID(0xA2), peerURLs: [url])], removed: [])
        let probed = try #require(probedConnection())
        answer(probed, #"{"OK":true,"Now":"2262-04-11T23:47:16.854775807Z"}"#)
        #expect(early.wait { early.told.lines("prober found high clock drift") == 1 })
        early.stop()
        asker.stop()
    }
}
