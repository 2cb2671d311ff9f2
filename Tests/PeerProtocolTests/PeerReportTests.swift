import EtcdMessages
import Membership
import PeerProtocol
import Primitives
import Testing

/// Bodies in JSON, dates, addresses and the front of a snapshot.
@Suite struct PeerReportTests {
    @Test func members() {
        let members = [
            ClusterMember(id: MemberID(.max), name: Bytes(text: "a"), peerURLs: [Bytes(text: "http://a:1")]),
            ClusterMember(id: MemberID(7), peerURLs: [Bytes(text: "http://b:1")], isLearner: true),
        ]
        let body = PeerReports.members(members)
        #expect(
            body.text == #"[{"id":18446744073709551615,"peerURLs":["http://a:1"],"name":"a"},"#
                + #"{"id":7,"peerURLs":["http://b:1"],"isLearner":true}]"# + "\n")
        #expect(PeerReports.readMembers(body) == members)
        for bad in ["", "{}", "[1]", #"[{"id":"x"}]"#] { #expect(PeerReports.readMembers(Bytes(text: bad)) == nil) }
    }

    @Test func hashes() {
        var hash = PeerHash()
        #expect(PeerReports.hash(hash).text == #"{"header":{}}"#)
        hash.revision = 5
        hash.hash = .max
        hash.compactRevision = -1
        hash.hashRevision = 5
        let body = PeerReports.hash(hash)
        #expect(body.text == #"{"header":{"revision":5},"hash":4294967295,"compact_revision":-1,"hash_revision":5}"#)
        #expect(PeerReports.readHash(body) == hash)
        #expect(PeerReports.readHash(Bytes(text: #"{"hash":4294967296}"#)) == nil)
        #expect(PeerReports.readHash(Bytes(text: "[]")) == nil)
        #expect(PeerReports.hashQuestion(revision: 3).text == #"{"revision":3}"#)
        #expect(PeerReports.hashQuestion(revision: 0).text == "{}")
    }

    @Test func versions() {
        let body = PeerReports.version(
            server: EtcdVersion(major: 3, minor: 6, patch: 14), cluster: nil, storage: EtcdVersion(major: 3, minor: 6))
        #expect(body.text == #"{"etcdserver":"3.6.14","etcdcluster":"not_decided","storage":"3.6.0"}"#)
        #expect(PeerReports.readVersion(body)?.server == EtcdVersion(major: 3, minor: 6, patch: 14))
        #expect(PeerReports.readVersion(body)?.cluster == nil)
        let other = PeerReports.readVersion(Bytes(text: #"{"etcdserver":"3.5.1","etcdcluster":"3.5.0"}"#))
        #expect(other?.cluster == EtcdVersion(major: 3, minor: 5))
        #expect(PeerReports.readVersion(Bytes(text: "404")) == nil)
    }

    @Test func dates() {
        let report = ProbingReport(unixNanoseconds: 1_700_000_000_120_000_000)
        #expect(report.body.text == #"{"OK":true,"Now":"2023-11-14T22:13:20.12Z"}"# + "\n")
        #expect(ProbingReport(report.body) == report)
        let cases: [(String, Int64?)] = [
            ("2023-11-14T22:13:20Z", 1_700_000_000_000_000_000),
            ("2023-11-15T00:13:20.000000001+02:00", 1_700_000_000_000_000_001),
            ("2023-11-14T16:43:20.5-05:30", 1_700_000_000_500_000_000), ("1969-12-31T23:59:59.5Z", -500_000_000),
            ("2000-02-29T00:00:00Z", 951_782_400_000_000_000), ("2023-11-14T22:13:20", nil),
            ("2023-11-14T22:13:20.Z", nil), ("2023-13-14T22:13:20Z", nil), ("9999-12-31T23:59:59Z", nil), ("", nil),
        ]
        for (text, nanoseconds) in cases {
            let body = Bytes(text: #"{"OK":true,"Now":"\#(text)"}"#)
            #expect(ProbingReport(body)?.unixNanoseconds == nanoseconds, "\(text)")
        }
        #expect(ProbingReport(Bytes(text: #"{"OK":false,"Now":"2023-11-14T22:13:20Z"}"#)) == nil)
        #expect(ProbingReport(ProbingReport(unixNanoseconds: -500_000_000).body)?.unixNanoseconds == -500_000_000)
    }

    @Test func endpoints() {
        func address(_ url: String) -> PeerEndpoint.Address? { PeerEndpoint(Bytes(text: url))?.address }
        #expect(address("http://10.0.0.1:2380") == .host("10.0.0.1", port: 2380))
        #expect(address("HTTP://a/") == .host("a", port: 80))
        #expect(address("https://a") == .host("a", port: 443))
        #expect(address("http://[::1]:1") == .host("::1", port: 1))
        #expect(address("unix://a.sock:2380") == .socketFile("a.sock:2380"))
        #expect(PeerEndpoint(Bytes(text: "https://a:1"))?.isSecure == true)
        for bad in [
            "zz", "", "http://", "http://a:x", "http://a:70000", "http://a:1:2", "http://[::1", "unix://", "ftp://a",
        ] {
            #expect(PeerEndpoint(Bytes(text: bad)) == nil, "\(bad)")
        }
    }

    @Test func endpointsAreTriedInTurn() {
        var endpoints = PeerEndpoints(["http://a:1", "zz", "http://b:1"].map { Bytes(text: $0) })
        guard let first = endpoints.current else { return #expect(Bool(false)) }
        endpoints.failed(first)
        #expect(endpoints.current?.authority == "b:1" && endpoints.all.map(\.authority) == ["b:1", "a:1"])
        endpoints.failed(first)
        #expect(endpoints.current?.authority == "b:1", "it was another that failed")
        if let second = endpoints.current { endpoints.failed(second) }
        #expect(endpoints.current == first)
        #expect(PeerEndpoints([]).current == nil)
    }

    // MARK: Snapshots

    private func snapshot(index: UInt64 = 5, type: RaftMessageType = .snap) -> RaftMessage {
        var message = RaftMessage()
        message.type = type
        message.from = 1
        message.to = 2
        var snapshot = RaftSnapshot()
        snapshot.data = Bytes(text: "{}")
        snapshot.metadata.index = index
        message.snapshot = snapshot
        return message
    }

    @Test(arguments: [1, 3, 4096])
    func theFrontOfASnapshot(pieces: Int) throws {
        let file = Bytes(repeating: 9, count: 50)
        let body = SnapshotBodyDecoder.head(snapshot()) + file
        var decoder = SnapshotBodyDecoder(MessageDecoder())
        var rest: Bytes = []
        for start in stride(from: 0, to: body.count, by: pieces) {
            let piece = Bytes(body[start..<min(start + pieces, body.count)])
            rest += piece[try decoder.take(piece.span.bytes)...]
        }
        try decoder.end()
        #expect(decoder.message == snapshot() && rest == file)
    }

    @Test func whatIsNoSnapshot() throws {
        func read(_ body: Bytes) -> String {
            var decoder = SnapshotBodyDecoder(MessageDecoder())
            do throws(PeerProtocolError) {
                _ = try decoder.take(body.span.bytes)
                try decoder.end()
            } catch {
                return "\(error)"
            }
            return ""
        }
        #expect(read([]) == "EOF")
        #expect(read([0, 0]) == "unexpected EOF")
        #expect(read(Bytes(bigEndian: 5)) == "EOF")
        #expect(read(Bytes(bigEndian: 5) + [1]) == "unexpected EOF")
        #expect(read(Bytes(bigEndian: .max)) == "rafthttp: error limit exceeded")
        #expect(read(Bytes(bigEndian: 1) + [0x08]) == "unexpected EOF")
        #expect(read(SnapshotBodyDecoder.head(snapshot(type: .app))) == "wrong raft message type")
        #expect(read(SnapshotBodyDecoder.head(snapshot(index: 0))) == "wrong raft message type")
    }
}
