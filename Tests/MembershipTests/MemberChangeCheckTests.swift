import EtcdMessages
import Membership
import Primitives
import SimulatedPlatform
import Store
import Testing

/// What the member that is asked for a change refuses to propose, as a table (etcd v3.6.14 `server/etcdserver/server.go`,
/// `mayAddMember`, `mayRemoveMember`, `mayPromoteMember`).
@Suite struct MemberChangeCheckTests {
    private let cluster: Cluster

    init() throws {
        cluster = try Cluster(store: try Store.open(disk: SimulatedDisk(), path: "/db"), maxLearnerCount: 2)
    }

    /// Makes members 1, 2, ... of which some have never started, and learners 11, 12, ...
    private func fill(voters: Int, unstarted: Set<UInt64> = [], learners: Int = 0) throws {
        let ids = (1...UInt64(voters)).map { ($0, false) } + (0..<UInt64(learners)).map { ($0 + 11, true) }
        for (id, isLearner) in ids {
            let member = ClusterMember(id: MemberID(id), peerURLs: [url(id)], isLearner: isLearner)
            _ = try cluster.apply(MemberChange.add(member).confChange)
            if !unstarted.contains(id) {
                try cluster.setAttributes(MemberID(id), name: Bytes(text: "m\(id)"), clientURLs: [])
            }
        }
    }

    private func url(_ id: UInt64) -> Bytes { Bytes(text: "http://10.0.0.\(id):2380") }

    private func ids(_ numbers: [UInt64]) -> [MemberID] { numbers.map { MemberID($0) } }

    private func refusal(_ change: MemberChange, isStrict: Bool = true, _ reach: MemberReach) -> EtcdError? {
        do throws(EtcdError) {
            try cluster.check(change, isStrict: isStrict, reach)
            return nil
        } catch {
            return error
        }
    }

    private func adding(isLearner: Bool = false) -> MemberChange {
        .add(ClusterMember(id: MemberID(99), peerURLs: [url(99)], isLearner: isLearner))
    }

    /// A cluster, whom member 1 has long been connected with, and what it says to one more voter and to one more learner.
    @Test(
        arguments: [
            (voters: 1, unstarted: [], steady: [], voter: nil, learner: nil),
            (voters: 1, unstarted: [1], steady: [], voter: .memberNotEnoughStarted, learner: nil),
            (voters: 2, unstarted: [], steady: [2], voter: nil, learner: nil),
            (voters: 2, unstarted: [], steady: [], voter: .unhealthy, learner: .unhealthy),
            (voters: 2, unstarted: [2], steady: [], voter: .memberNotEnoughStarted, learner: .unhealthy),
            (voters: 3, unstarted: [], steady: [2, 3], voter: nil, learner: nil),
            (voters: 3, unstarted: [], steady: [2], voter: .unhealthy, learner: .unhealthy),
            (voters: 3, unstarted: [3], steady: [2, 3], voter: .memberNotEnoughStarted, learner: nil),
            (voters: 4, unstarted: [], steady: [2, 3], voter: nil, learner: nil),
            (voters: 4, unstarted: [], steady: [2], voter: .unhealthy, learner: .unhealthy),
            (voters: 5, unstarted: [], steady: [2, 3, 4], voter: nil, learner: nil),
            (voters: 5, unstarted: [5], steady: [2, 3, 4], voter: nil, learner: nil),
            (voters: 5, unstarted: [4, 5], steady: [2, 3, 4], voter: .memberNotEnoughStarted, learner: nil),
            (voters: 5, unstarted: [], steady: [2, 3], voter: .unhealthy, learner: .unhealthy),
        ] as [(voters: Int, unstarted: Set<UInt64>, steady: [UInt64], voter: EtcdError?, learner: EtcdError?)])
    func additions(
        voters: Int, unstarted: Set<UInt64>, steady: [UInt64], voter: EtcdError?, learner: EtcdError?
    ) throws {
        try fill(voters: voters, unstarted: unstarted)
        let reach = MemberReach(own: MemberID(1), steady: ids(steady), connected: ids(steady))
        #expect(refusal(adding(), reach) == voter)
        #expect(refusal(adding(isLearner: true), reach) == learner)
        #expect(refusal(adding(), isStrict: false, MemberReach(own: MemberID(1))) == nil)
    }

    /// A cluster, whom member 1 is connected with, for long or at all, and what it says to the removal of a member.
    @Test(
        arguments: [
            (voters: 1, unstarted: [], steady: [], connected: [], removed: 1, refusal: .memberNotEnoughStarted),
            (voters: 2, unstarted: [], steady: [2], connected: [2], removed: 2, refusal: nil),
            (voters: 2, unstarted: [], steady: [], connected: [], removed: 2, refusal: nil),
            (voters: 2, unstarted: [], steady: [], connected: [], removed: 1, refusal: .unhealthy),
            (voters: 2, unstarted: [2], steady: [], connected: [], removed: 2, refusal: nil),
            (voters: 2, unstarted: [2], steady: [], connected: [], removed: 1, refusal: .memberNotEnoughStarted),
            (voters: 3, unstarted: [], steady: [2, 3], connected: [2, 3], removed: 2, refusal: nil),
            (voters: 3, unstarted: [], steady: [2, 3], connected: [2, 3], removed: 1, refusal: nil),
            (voters: 3, unstarted: [], steady: [2], connected: [2], removed: 2, refusal: .unhealthy),
            (voters: 3, unstarted: [], steady: [2], connected: [2], removed: 3, refusal: nil),
            (voters: 3, unstarted: [], steady: [2], connected: [2, 3], removed: 3, refusal: .unhealthy),
            (voters: 3, unstarted: [3], steady: [2], connected: [2], removed: 2, refusal: .memberNotEnoughStarted),
            (voters: 3, unstarted: [3], steady: [2], connected: [2], removed: 3, refusal: nil),
            (voters: 5, unstarted: [], steady: [2, 3, 4], connected: [2, 3, 4], removed: 4, refusal: nil),
            (voters: 5, unstarted: [], steady: [2, 3], connected: [2, 3], removed: 2, refusal: .unhealthy),
            (voters: 5, unstarted: [], steady: [2, 3], connected: [2, 3], removed: 5, refusal: nil),
            (voters: 3, unstarted: [], steady: [2, 3], connected: [2, 3], removed: 77, refusal: .memberNotFound),
            (voters: 1, unstarted: [], steady: [], connected: [], removed: 77, refusal: .memberNotFound),
        ]
            as [(
                voters: Int, unstarted: Set<UInt64>, steady: [UInt64], connected: [UInt64], removed: UInt64,
                refusal: EtcdError?
            )])
    func removals(
        voters: Int, unstarted: Set<UInt64>, steady: [UInt64], connected: [UInt64], removed: UInt64,
        refusal expected: EtcdError?
    ) throws {
        try fill(voters: voters, unstarted: unstarted)
        let reach = MemberReach(own: MemberID(1), steady: ids(steady), connected: ids(connected))
        #expect(refusal(.remove(MemberID(removed)), reach) == expected)
        let careless = refusal(.remove(MemberID(removed)), isStrict: false, MemberReach(own: MemberID(1)))
        #expect(careless == (voters == 1 && removed == 1 || removed == 77 ? expected : nil))
    }

    /// A learner may always go, whoever is away.
    @Test func learnersGoFreely() throws {
        try fill(voters: 3, unstarted: [2, 3], learners: 1)
        #expect(refusal(.remove(MemberID(11)), MemberReach(own: MemberID(1))) == nil)
    }

    @Test(
        arguments: [
            (voters: 1, unstarted: [], isInSync: true, refusal: nil),
            (voters: 1, unstarted: [], isInSync: false, refusal: .learnerNotReady),
            (voters: 1, unstarted: [11], isInSync: true, refusal: nil),
            (voters: 2, unstarted: [2], isInSync: true, refusal: nil),
            (voters: 3, unstarted: [3], isInSync: true, refusal: nil),
            (voters: 3, unstarted: [2, 3], isInSync: true, refusal: .memberNotEnoughStarted),
            (voters: 3, unstarted: [2, 3], isInSync: false, refusal: .learnerNotReady),
            (voters: 5, unstarted: [4, 5], isInSync: true, refusal: nil),
            (voters: 5, unstarted: [3, 4, 5], isInSync: true, refusal: .memberNotEnoughStarted),
        ] as [(voters: Int, unstarted: Set<UInt64>, isInSync: Bool, refusal: EtcdError?)])
    func promotions(voters: Int, unstarted: Set<UInt64>, isInSync: Bool, refusal expected: EtcdError?) throws {
        try fill(voters: voters, unstarted: unstarted, learners: 1)
        // Who is connected does not count: the learner is one vote more for those who are.
        let reach = MemberReach(own: MemberID(1), isLearnerInSync: isInSync)
        #expect(refusal(.promote(MemberID(11)), reach) == expected)
        #expect(refusal(.promote(MemberID(11)), isStrict: false, reach) == (isInSync ? nil : .learnerNotReady))
        // Whether it is a learner comes last, whether there is such a member first.
        #expect(refusal(.promote(MemberID(1)), reach) == expected ?? .memberNotLearner)
        #expect(
            refusal(.promote(MemberID(1)), isStrict: false, reach) == (isInSync ? .memberNotLearner : .learnerNotReady))
        for isStrict in [true, false] {
            #expect(refusal(.promote(MemberID(77)), isStrict: isStrict, reach) == .memberNotFound)
        }
    }

    @Test func whatWouldBeRefusedLaterIsRefusedAtOnce() throws {
        try fill(voters: 3, learners: 2)
        let reach = MemberReach(
            own: MemberID(1), steady: ids([2, 3]), connected: ids([2, 3]), isLearnerInSync: true)
        #expect(refusal(adding(isLearner: true), reach) == .tooManyLearners)
        #expect(refusal(adding(), reach) == nil)
        let again = ClusterMember(id: MemberID(2), peerURLs: [url(99)])
        #expect(refusal(.add(again), reach) == .memberExist)
        let taken = ClusterMember(id: MemberID(99), peerURLs: [url(2)])
        #expect(refusal(.add(taken), reach) == .peerURLExist)
        #expect(refusal(.update(MemberID(2), peerURLs: [url(3)]), reach) == .peerURLExist)
        #expect(refusal(.update(MemberID(77), peerURLs: [url(99)]), reach) == .memberNotFound)
        #expect(refusal(.update(MemberID(2), peerURLs: [url(99)]), reach) == nil)
        // It would stop every real etcd among the others.
        #expect(refusal(.update(MemberID(1), peerURLs: [Bytes(text: "zz")]), reach) == .memberBadURLs)
    }

    // MARK: One member alone

    private func isAloneAfter(_ own: UInt64) throws -> Bool {
        for change in cluster.changesToBeAlone(MemberID(own), peerURLs: [url(own)]) { _ = try cluster.apply(change) }
        return cluster.isAlone(MemberID(own))
    }

    @Test(arguments: [1, 3, 11, 50] as [UInt64])
    func anyMemberCanBeMadeTheOnlyOne(own: UInt64) throws {
        try fill(voters: 3, unstarted: [2], learners: 2)
        #expect(!cluster.isAlone(MemberID(own)))
        #expect(try isAloneAfter(own))
        #expect(cluster.changesToBeAlone(MemberID(own), peerURLs: []).isEmpty)
    }
}
