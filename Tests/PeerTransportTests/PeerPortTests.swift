import EtcdMessages
import Membership
import Node
import PeerProtocol
import Platform
import Primitives
import RawSockets
import Testing

@testable import PeerTransport

/// What the peer port answers to those who write by hand, and what members ask each other.
@Suite(.serialized) struct PeerPortTests {
    private func peer() throws -> TestPeer {
        let peer = try TestPeer(0xA1)
        peer.transport.setPeers(
            [Peer(id: MemberID(0xA2), peerURLs: [Bytes(text: "http://127.0.0.1:1")])], removed: [MemberID(0xA9)])
        return peer
    }

    @Test func garbageHarmsNobody() throws {
        let a = try peer()
        for text in [
            "\0\0\0\0", "GET\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\u{16}\u{3}\u{1}", "GET / HTTP/1.1\r\n",
        ] {
            let raw = RawConnection(port: a.port)
            raw.write(text)
        }
        let raw = RawConnection(port: a.port)
        raw.write("GET /" + String(repeating: "x", count: 100_000) + " HTTP/1.1\r\n\r\n")
        #expect(raw.isClosedAtLast())
        let long = RawConnection(port: a.port)
        long.write("GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "x", count: 100_000) + "\r\n\r\n")
        #expect(long.message()?.line == "HTTP/1.1 431 Request Header Fields Too Large")
        let good = RawConnection(port: a.port)
        good.write("GET /raft/probing HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = good.message()
        #expect(answer?.line == "HTTP/1.1 200 OK" && answer?.body.hasPrefix(#"{"OK":true,"Now":""#) == true)
        a.stop()
    }

    @Test func oneConnectionTakesManyRequests() throws {
        let a = try peer()
        let raw = RawConnection(port: a.port)
        raw.request("GET", "/raft/stream/msgapp/a3")
        #expect(raw.verdict() == "404 error sender not found\n")
        raw.request("GET", "/raft/stream/msgapp/a9")
        #expect(raw.verdict() == "410 removed member\n")
        raw.request("POST", "/raft", cluster: "c2", body: [1, 2, 3])
        #expect(raw.verdict() == "412 cluster ID mismatch\n")
        raw.request("POST", "/raft", body: [1, 2, 3])
        #expect(raw.verdict() == "400 error unmarshalling raft message\n")
        var message = RaftMessage()
        message.type = .heartbeat
        message.from = 0xA2
        message.to = 0xA1
        raw.request("POST", "/raft", body: message.encoded())
        let taken = raw.message()
        #expect(taken?.line == "HTTP/1.1 204 No Content" && taken?.fields["x-etcd-cluster-id"] == "c1")
        #expect(a.wait { a.told.messages == [message] })
        message.to = 0xA7
        raw.request("POST", "/raft", body: message.encoded())
        #expect(raw.verdict() == "500 error processing raft message\n")
        #expect(raw.isClosedAtLast(), "as etcd does")
        a.stop()
    }

    @Test func bodiesAreBounded() throws {
        let a = try TestPeer(0xA1) { $0.maxBodyByteCount = 1000 }
        let raw = RawConnection(port: a.port)
        raw.request("POST", "/raft", bodyByteCount: 1 << 40, body: Bytes(repeating: 0, count: 2000))
        #expect(raw.verdict().hasPrefix("413"))
        let other = RawConnection(port: a.port)
        other.request("POST", "/leases", bodyByteCount: 1 << 40, body: Bytes(repeating: 0, count: 100_000))
        #expect(other.verdict().hasPrefix("413"))
        a.stop()
    }

    @Test func bodiesTogetherAreBounded() throws {
        let a = try TestPeer(0xA1) { $0.maxBodyByteCount = 1000 }
        let first = RawConnection(port: a.port)
        first.request("POST", "/raft", bodyByteCount: 900, body: Bytes(repeating: 0, count: 700))
        #expect(first.isSilent(forMilliseconds: 300))
        let second = RawConnection(port: a.port)
        second.request("POST", "/raft", bodyByteCount: 700, body: Bytes(repeating: 0, count: 700))
        #expect(second.verdict().hasPrefix("413"))
        first.close()
        #expect(
            a.wait {
                let third = RawConnection(port: a.port)
                third.request("POST", "/raft", body: Bytes(repeating: 0, count: 700))
                return third.verdict().hasPrefix("400")
            })
        a.stop()
    }

    /// What the core does not take is bounded for messages that come one by one, too.
    @Test func messagesOneByOneAreBounded() throws {
        let a = try TestPeer(0xA1, takes: false) { $0.maxUntakenByteCount = 5000 }
        var message = RaftMessage()
        (message.type, message.from, message.to, message.context) = (
            .heartbeat, 0xA2, 0xA1, Bytes(repeating: 1, count: 1000)
        )
        let raw = RawConnection(port: a.port)
        var verdicts: [String] = []
        for _ in 0..<10 {
            raw.request("POST", "/raft", body: message.encoded())
            verdicts.append(raw.verdict())
        }
        #expect(verdicts.prefix(5).allSatisfy { $0.hasPrefix("204") } && verdicts.last?.hasPrefix("503") == true)
        a.transport.taken(byteCount: a.told.messageByteCount)
        #expect(
            a.wait {
                raw.request("POST", "/raft", body: message.encoded())
                return raw.verdict().hasPrefix("204")
            })
        a.stop()
    }

    @Test func connectionsAreBoundedAndIdleOnesClosed() throws {
        let a = try TestPeer(0xA1) { settings in
            settings.maxConnectionCount = 2
            settings.idleTimeoutMilliseconds = 400
        }
        let raws = (0..<2).map { _ in RawConnection(port: a.port) }
        raws[0].write("GET /raft/probing HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(raws[0].verdict().hasPrefix("200"))
        raws[1].write("GET /raft/probing HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(raws[1].verdict().hasPrefix("200"))
        #expect(RawConnection(port: a.port).isClosedAtLast(withinMilliseconds: 300), "one too many")
        #expect(raws[0].isClosedAtLast(withinMilliseconds: 3000) && raws[1].isClosedAtLast(withinMilliseconds: 3000))
        a.stop()
    }

    // MARK: Questions

    private func ask(_ asker: TestPeer, _ answerer: TestPeer, _ kind: PeerQuestion.Kind) -> String {
        let number = UInt64(asker.told.events.count) + 1000
        let urls = [Bytes(text: "http://127.0.0.1:1"), answerer.url]
        asker.transport.ask(PeerQuestion(number: number, to: answerer.id, peerURLs: urls, kind: kind))
        var result = ""
        _ = asker.wait {
            for case .answered(number, let answer) in asker.told.events {
                switch answer {
                case .success(let answer): result = "\(answer)"
                case .failure(let error): result = "\(error)"
                }
            }
            return !result.isEmpty
        }
        return result
    }

    @Test func membersAskEachOther() throws {
        let asker = try TestPeer(0xA1)
        let answerer = try TestPeer(
            0xA2,
            answers: { call in
                switch call.kind {
                case .version:
                    call.answer(
                        PeerResponse(
                            200, fields: [PeerResponse.json],
                            body: PeerReports.version(server: .presented, cluster: nil, storage: nil)))
                case .hashKV(let revision):
                    var hash = PeerHash()
                    hash.revision = revision + 1
                    hash.hash = 5
                    call.answer(PeerResponse(200, body: PeerReports.hash(hash)))
                case .renewLease(let id):
                    var response = LeaseKeepAliveResponse()
                    response.id = id.rawValue
                    response.ttl = 60
                    call.answer(PeerResponse(200, body: response.encoded()))
                case .leaseTimeToLive: call.answer(.error(404, "lease not found"))
                case .promote: call.answer(PeerResponse(200, body: PeerReports.members([])))
                default: call.answer(.notFound)
                }
            })
        #expect(
            ask(asker, answerer, .version).contains(#"server: "\#(EtcdVersion.presented)", cluster: "not_decided""#))
        #expect(ask(asker, answerer, .hashKV(revision: 8)).contains("headerRevision: 9"))
        #expect(ask(asker, answerer, .renewLease(LeaseID(3))) == "leaseRenewed(ttlSeconds: 60)")
        #expect(ask(asker, answerer, .leaseTimeToLive(LeaseTimeToLiveRequest())) == "404: lease not found")
        #expect(ask(asker, answerer, .promote(MemberID(1))) == "promoted([])")
        let nobody = PeerQuestion(number: 5, to: answerer.id, peerURLs: [], kind: .version)
        asker.transport.ask(nobody)
        #expect(asker.wait { asker.count { if case .answered(5, .failure) = $0 { true } else { false } } == 1 })
        // Why the last of the URLs did not serve.
        for (number, url, reason) in [
            (6, "http://127.0.0.1:1", "dial tcp 127.0.0.1:1: connect: connection refused"),
            (8, "http://localhost:1", "dial tcp localhost:1: connect: connection refused"),
            (9, "https://127.0.0.1:1", "https://127.0.0.1:1: TLS between peers is not served by this version"),
        ] as [(UInt64, String, String)] {
            asker.transport.ask(
                PeerQuestion(number: number, to: answerer.id, peerURLs: [Bytes(text: url)], kind: .version))
            #expect(
                asker.wait {
                    asker.told.events.contains {
                        if case .answered(number, .failure(.unreachable(reason))) = $0 { true } else { false }
                    }
                }, "\(reason)")
        }
        asker.stop()
        answerer.stop()
    }

    @Test func aClusterIsAskedBeforeOneIsInIt() throws {
        let members = [ClusterMember(id: MemberID(0xA2), peerURLs: [Bytes(text: "http://a:1")])]
        let answerer = try TestPeer(
            0xA2,
            answers: { call in
                let cluster = PeerField(PeerField.clusterID, "c1")
                call.answer(
                    call.kind == .members
                        ? PeerResponse(200, fields: [cluster], body: PeerReports.members(members))
                        : PeerResponse(
                            200,
                            body: PeerReports.version(
                                server: .presented, cluster: EtcdVersion(major: 3, minor: 5), storage: nil)))
            })
        let query = ClusterQuery(
            settings: PeerTransportSettings(disk: answerer.disk, snapshotDirectory: "/snap", clock: RealClock()))
        let urls = [Bytes(text: "http://127.0.0.1:1"), answerer.url]
        #expect(query.members(of: urls)?.members == members && query.members(of: urls)?.clusterID == ClusterID(0xC1))
        #expect(query.version(of: urls)?.cluster == EtcdVersion(major: 3, minor: 5))
        #expect(query.members(of: [Bytes(text: "http://127.0.0.1:1")]) == nil)
        answerer.stop()
    }
}
