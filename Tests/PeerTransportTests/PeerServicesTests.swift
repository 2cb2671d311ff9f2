import EtcdMessages
import Membership
import Node
import PeerProtocol
import Primitives
import Synchronization
import Testing

@testable import PeerTransport

/// What peers are answered for the answers of a member.
@Suite struct PeerServicesTests {
    /// A member that answers when the test says so.
    private final class StandIn: PeerMember {
        var clusterID = ClusterID(0xC1)
        var isDowngrading = false
        var clusterMembers = [ClusterMember(id: MemberID(7), peerURLs: [Bytes(text: "http://a:1")])]
        var versionReport = Bytes(text: "{}")
        var asked: [(String, RequestToken)] = []

        func memberList(isLinearizable: Bool, _ token: RequestToken) { asked.append(("read \(isLinearizable)", token)) }
        func promoteMember(_ id: MemberID, _ token: RequestToken) { asked.append(("promote \(id)", token)) }
        func hashKV(revision: Int64, _ token: RequestToken) { asked.append(("hash \(revision)", token)) }
        func keepLeaseAliveForPeer(_ id: LeaseID, _ token: RequestToken) { asked.append(("renew \(id)", token)) }
        func leaseTimeToLiveForPeer(_ request: LeaseTimeToLiveRequest, _ token: RequestToken) {
            asked.append(("time \(request.id) \(request.keys)", token))
        }
    }

    private final class Answers: Sendable {
        let given = Mutex<[PeerResponse]>([])
    }

    private let member = StandIn()
    private let answers = Answers()
    private var services: PeerServices

    init() {
        services = PeerServices(member: member)
    }

    /// Asks, has the member answer, and says what the peer is told.
    private func ask(_ kind: PeerCallKind, _ result: Result<Reply, EtcdError>? = nil) -> String {
        let answers = answers
        services.ask(PeerCall(kind) { response in answers.given.withLock { $0.append(response) } })
        if let result, let token = member.asked.last?.1 {
            #expect(token.asker == .peer)
            services.answer(token, result)
        }
        guard let response = answers.given.withLock({ $0.popLast() }) else { return "nothing" }
        let isOfCluster = response.fields.contains(PeerField(PeerField.clusterID, "c1"))
        return "\(response.status) \(response.body.text)\(isOfCluster ? " of c1" : "")"
    }

    private func reply(_ message: some EtcdMessage, revision: Int64 = 0) -> Result<Reply, EtcdError> {
        .success(Reply(revision: revision, body: message.encoded()))
    }

    private let members = #"200 [{"id":7,"peerURLs":["http://a:1"]}]"# + "\n of c1"

    @Test func whatIsKnownAtOnce() {
        #expect(ask(.version) == "200 {}")
        #expect(ask(.members) == members)
        #expect(member.asked.isEmpty)
    }

    @Test func promotions() {
        #expect(ask(.promote(MemberID(7)), .success(Reply(revision: 0, body: []))) == members)
        #expect(member.asked.map(\.0) == ["promote 7"])
        #expect(ask(.promote(MemberID(9)), .failure(.memberNotFound)) == "404 membership: ID not found\n of c1")
        #expect(
            ask(.promote(MemberID(7)), .failure(.memberNotLearner))
                == "412 membership: can only promote a learner member\n of c1")
        #expect(ask(.promote(MemberID(7)), .failure(.learnerNotReady)).hasPrefix("412 etcdserver: can only promote"))
        #expect(
            ask(.promote(MemberID(7)), .failure(.timeout)) == #"500 {"message":"Internal Server Error"}"# + " of c1")
    }

    @Test func hashes() {
        var response = HashKVResponse()
        response.hash = 5
        response.compactRevision = -1
        response.hashRevision = 3
        #expect(
            ask(.hashKV(revision: 3), reply(response, revision: 4))
                == #"200 {"header":{"revision":4},"hash":5,"compact_revision":-1,"hash_revision":3} of c1"#)
        #expect(ask(.hashKV(revision: 9), .failure(.futureRev)).hasPrefix("400 mvcc: required revision is a future"))
        #expect(ask(.hashKV(revision: 1), .failure(.compacted)).hasPrefix("400 mvcc: required revision has been"))
    }

    @Test func leases() {
        var renewed = LeaseKeepAliveResponse()
        renewed.id = 3
        #expect(ask(.renewLease(LeaseID(3)), .failure(.leaseNotFound)) == "404 lease not found\n")
        renewed.ttl = 60
        #expect(ask(.renewLease(LeaseID(3)), reply(renewed)) == "200 \(renewed.encoded().text)")
        var time = LeaseTimeToLiveResponse()
        time.id = 3
        let question = PeerCallKind.leaseTimeToLive(LeaseID(3), wantsKeys: true)
        #expect(ask(question, .failure(.leaseNotFound)) == "404 lease not found\n")
        #expect(member.asked.last?.0 == "time 3 true")
        time.ttl = 5
        time.grantedTTL = 9
        time.header = ResponseHeader()
        var outer = LeaseInternalResponse()
        outer.leaseTimeToLiveResponse = time
        #expect(ask(question, reply(time)) == "200 \(outer.encoded().text)")
        #expect(ask(question, .failure(.timeout)).hasPrefix("408 waiting for node to catch up"))
    }

    @Test func onlyALeaderKnowsOfLeases() {
        let question = PeerCallKind.leaseTimeToLive(LeaseID(3), wantsKeys: false)
        #expect(ask(.renewLease(LeaseID(3)), .failure(.notPrimary)) == "400 not a primary lessor\n")
        #expect(ask(question, .failure(.notPrimary)) == "500 not a primary lessor\n")
        #expect(ask(question, .failure(.leaderChanged)) == "500 not a primary lessor\n")
    }

    @Test func onlySoManyWait() {
        for _ in 0..<PeerServices.maxWaitingCount { #expect(ask(.hashKV(revision: 1)) == "nothing") }
        #expect(ask(.hashKV(revision: 1)) == "503 too many questions\n" && ask(.version) == "200 {}")
        #expect(member.asked.count == PeerServices.maxWaitingCount)
        services.answer(member.asked[0].1, .failure(.timeout))
        _ = answers.given.withLock { $0.popLast() }
        #expect(ask(.hashKV(revision: 1)) == "nothing")
    }

    @Test func downgrades() {
        #expect(ask(.downgradeEnabled, .success(Reply(revision: 0, body: []))) == "200 false of c1")
        member.isDowngrading = true
        #expect(ask(.downgradeEnabled, .success(Reply(revision: 0, body: []))) == "200 true of c1")
        #expect(member.asked.last?.0 == "read true")
        #expect(ask(.downgradeEnabled, .failure(.timeout)).hasPrefix("500 failed linearized read: "))
    }
}
