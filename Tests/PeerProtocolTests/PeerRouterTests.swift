import EtcdMessages
import PeerProtocol
import Primitives
import Testing

/// The answers of the peer port, as a real etcd gives them.
@Suite struct PeerRouterTests {
    private let local = PeerIdentity(
        memberID: MemberID(0xA1), clusterID: ClusterID(0xC1), version: EtcdVersion(major: 3, minor: 6, patch: 14),
        peerURLs: [])
    private let directory = PeerDirectory(members: [MemberID(0xA2)], removed: [MemberID(0xA9)])

    private func decide(
        _ method: String, _ path: String, cluster: String = "c1", version: String = "3.5.1",
        minimum: String = "3.0.0", to: String = "a1", urls: String = ""
    ) -> PeerRouter.Decision {
        let fields = [
            ("x-server-from", "a2"), ("X-SERVER-VERSION", version), ("X-Min-Cluster-Version", minimum),
            ("X-Etcd-Cluster-ID", cluster), ("X-Raft-To", to), ("X-PeerURLs", urls),
        ]
        let request = PeerRequest(
            method: method, path: path, fields: fields.filter { !$0.1.isEmpty }.map { PeerField($0.0, $0.1) })
        return PeerRouter.route(request, local, directory)
    }

    /// Status and body of an answer that is given at once.
    private func answer(_ decision: PeerRouter.Decision) -> String {
        guard case .answer(let response) = decision.route else { return "\(decision.route)" }
        return "\(response.status) \(response.body.text)"
    }

    @Test func whatMayNotSpeakWithUs() {
        for path in ["/raft", "/raft/snapshot"] {
            #expect(answer(decide("GET", path)) == "405 Method Not Allowed\n")
            #expect(answer(decide("POST", path, cluster: "c2")) == "412 cluster ID mismatch\n")
            #expect(answer(decide("POST", path, version: "2.3.8")) == "412 incompatible version\n")
            #expect(answer(decide("POST", path, minimum: "3.7.0")) == "412 incompatible version\n")
            #expect(answer(decide("POST", path, cluster: "c2", version: "x")) == "412 incompatible version\n")
            #expect(answer(decide("POST", path, version: "")) == "412 incompatible version\n", "2.0 said nothing")
        }
        #expect(decide("POST", "/raft", version: "3.7.1", minimum: "3.0.0").route == .pipeline)
        #expect(decide("POST", "/raft/snapshot").route == .snapshot)
        #expect(decide("POST", "/raft", minimum: "").route == .pipeline)
    }

    @Test func streams() {
        #expect(decide("GET", "/raft/stream/msgapp/a2").route == .stream(.append, to: MemberID(0xA2)))
        #expect(decide("GET", "/raft/stream/message/00A2").route == .stream(.message, to: MemberID(0xA2)))
        #expect(answer(decide("POST", "/raft/stream/message/a2")) == "405 Method Not Allowed\n")
        #expect(answer(decide("GET", "/raft/stream/other/a2")) == "404 invalid path\n")
        #expect(answer(decide("GET", "/raft/stream/msgapp/a2/b")) == "404 invalid path\n")
        #expect(answer(decide("GET", "/raft/stream/msgapp/+a2")) == "404 invalid from\n")
        #expect(answer(decide("GET", "/raft/stream/msgapp/")) == "404 invalid from\n")
        #expect(answer(decide("GET", "/raft/stream/msgapp/11111111111111111")) == "404 invalid from\n")
        #expect(answer(decide("GET", "/raft/stream/msgapp/a9")) == "410 removed member\n")
        #expect(answer(decide("GET", "/raft/stream/msgapp/a2", to: "a2")) == "412 to field mismatch\n")
        #expect(answer(decide("GET", "/raft/stream/msgapp/a2", to: "")) == "412 to field mismatch\n")
        #expect(answer(decide("GET", "/raft/stream/other/zz", cluster: "1")) == "412 cluster ID mismatch\n")
        #expect(answer(decide("GET", "/raft/stream")) == "301 <a href=\"/raft/stream/\">Moved Permanently</a>.\n\n")
    }

    @Test func answersOfStreamsSayWhoWeAre() {
        for decision in [
            decide("GET", "/raft/stream/msgapp/a3"), decide("GET", "/raft/stream/msgapp/a2", cluster: "1"),
        ] {
            guard case .answer(let response) = decision.route else { return #expect(Bool(false)) }
            #expect(response.fields.contains(PeerField("X-Server-Version", "3.6.14")))
            #expect(response.fields.contains(PeerField("X-Etcd-Cluster-ID", "c1")))
        }
    }

    @Test func anUnknownSenderIsRemembered() {
        let decision = decide("GET", "/raft/stream/msgapp/a3", urls: "http://a:1,http://b:2")
        #expect(answer(decision) == "404 error sender not found\n")
        #expect(decision.sender?.id == MemberID(0xA3))
        #expect(decision.sender?.peerURLs == [Bytes(text: "http://a:1"), Bytes(text: "http://b:2")])
        #expect(decide("GET", "/raft/stream/msgapp/a3").sender == nil)
        #expect(decide("POST", "/raft", urls: "http://a:1").sender?.id == MemberID(0xA2))
        #expect(decide("GET", "/raft/stream/msgapp/a9", urls: "http://a:1").sender == nil)
    }

    @Test func questions() {
        #expect(decide("GET", "/version").route == .ask(.version))
        #expect(decide("GET", "/members").route == .ask(.members))
        #expect(answer(decide("POST", "/members")) == "405 Method Not Allowed\n")
        #expect(decide("GET", "/downgrade/enabled").route == .ask(.downgradeEnabled))
        #expect(decide("POST", "/members/promote/17").route == .ask(.promote(MemberID(17))))
        #expect(answer(decide("POST", "/members/promote/a1")) == "404 member a1 not found in cluster\n")
        #expect(answer(decide("POST", "/members/promote/")) == "404 member  not found in cluster\n")
        #expect(answer(decide("GET", "/members/promote/17")) == "405 Method Not Allowed\n")
        #expect(decide("GET", "/members/hashkv").route == .askInBody(.hashKV))
        #expect(answer(decide("GET", "/members/hashkv", cluster: "c2")) == "412 cluster ID mismatch\n")
        #expect(decide("GET", "/members/hashkv", cluster: "").route == .askInBody(.hashKV))
        #expect(decide("POST", "/leases").route == .askInBody(.renewLease))
        #expect(decide("POST", "/leases/internal").route == .askInBody(.leaseTimeToLive))
        #expect(answer(decide("GET", "/leases")) == "405 Method Not Allowed\n")
        #expect(decide("PUT", "/raft/probing").route == .probing)
        for path in ["/", "/raft/", "/raft/x", "/health", "/members/x", "/metrics"] {
            #expect(answer(decide("GET", path)) == "404 404 page not found\n")
        }
    }

    @Test func bodiesOfQuestions() {
        #expect(PeerCallBody.hashKV.call(Bytes(text: #"{"revision":7}"#)) == .hashKV(revision: 7))
        #expect(PeerCallBody.hashKV.call(Bytes(text: "{}")) == .hashKV(revision: 0))
        #expect(PeerCallBody.hashKV.call(Bytes(text: "7")) == nil)
        #expect(PeerCallBody.hashKV.call([]) == nil)
        #expect(PeerCallBody.hashKV.call(Bytes(text: #"{"revision":"7"}"#)) == nil)
        var renewal = LeaseKeepAliveRequest()
        renewal.id = -5
        #expect(PeerCallBody.renewLease.call(renewal.encoded()) == .renewLease(LeaseID(-5)))
        #expect(PeerCallBody.renewLease.call([]) == .renewLease(.none))
        #expect(PeerCallBody.renewLease.call([0x08]) == nil)
        var request = LeaseTimeToLiveRequest()
        request.id = 9
        request.keys = true
        var outer = LeaseInternalRequest()
        outer.leaseTimeToLiveRequest = request
        #expect(
            PeerCallBody.leaseTimeToLive.call(outer.encoded()) == .leaseTimeToLive(LeaseID(9), wantsKeys: true))
        #expect(PeerCallBody.leaseTimeToLive.call([]) == nil)
    }

    @Test func whatWeSayOfOurselves() {
        var identity = local
        identity.peerURLs = [Bytes(text: "http://a:1"), Bytes(text: "http://b:2")]
        let fields = identity.fields(to: MemberID(0xA2)).map { "\($0.name): \($0.value)" }
        #expect(
            fields == [
                "X-Server-From: a1", "X-Server-Version: 3.6.14", "X-Min-Cluster-Version: 3.0.0",
                "X-Etcd-Cluster-ID: c1", "X-Raft-To: a2", "X-PeerURLs: http://a:1,http://b:2",
            ])
    }
}
