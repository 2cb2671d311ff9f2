import EtcdMessages
import Primitives
import Simulation
import Testing

@testable import Raft

/// The fields of messages as members of etcd send and expect them (etcd raft v3.5 and v3.6 `raft.go`).
@Suite struct InteropTests {
    private func message(
        _ type: RaftMessageType, from peer: UInt64 = 2, term: UInt64, _ fill: (inout RaftMessage) -> Void = { _ in }
    ) -> RaftMessage {
        var message = RaftMessage()
        message.type = type
        (message.from, message.to, message.term) = (peer, 1, term)
        fill(&message)
        return message
    }

    /// What a member answers at once to a message; its disk takes no time.
    private func answers(_ host: RaftHost, _ message: RaftMessage) -> [RaftMessage] {
        while !host.batches.isEmpty { host.sync() }
        host.apply()
        host.outbox = []
        host.does { $0.step(message) }
        while !host.batches.isEmpty { host.sync() }
        defer { host.outbox = [] }
        return host.outbox
    }

    private func entry(_ data: Bytes?, index: UInt64 = 0, term: UInt64 = 0) -> RaftEntry {
        var entry = RaftEntry()
        (entry.data, entry.index, entry.term) = (data, index, term)
        return entry
    }

    /// A follower of member 2 in term 2, or a leader of term 2.
    private func follower() -> RaftHost {
        let host = Scene.follower.host(seed: 1)
        _ = answers(host, message(.heartbeat, term: 2))
        return host
    }

    @Test(arguments: [nil, [], [7], Bytes(repeating: 3, count: 100)] as [Bytes?])
    func aHeartbeatsContextComesBackAsItIs(context: Bytes?) {
        let answers = answers(follower(), message(.heartbeat, term: 2) { $0.context = context })
        #expect(answers.map(\.type) == [.heartbeatResp] && answers[0].context == context)
        #expect(answers[0].to == 2 && answers[0].from == 1 && answers[0].term == 2)
    }

    @Test func aReadIsAnsweredWithItsOwnBytes() {
        let host = Scene.leader.host(seed: 1)
        _ = answers(host, message(.appResp, term: 2) { $0.index = 8 })
        let context = Bytes("any bytes".utf8)
        let request = message(.readIndex, from: 3, term: 0) { $0.entries = [entry(context)] }
        let beats = answers(host, request)
        #expect(beats.map(\.type) == [.heartbeat, .heartbeat])
        let answers = answers(host, message(.heartbeatResp, term: 2) { $0.context = beats[0].context })
        let read = answers.first { $0.type == .readIndexResp }
        #expect(read?.to == 3 && read?.term == 2 && read?.index == 8 && read?.entries == [entry(context)])
    }

    @Test func whatIsPassedOnKeepsItsSender() {
        let host = follower()
        for type in [RaftMessageType.readIndex, .prop] {
            let sent = answers(host, message(type, from: 3, term: 0) { $0.entries = [entry([1])] })
            #expect(sent.map(\.type) == [type])
            #expect(sent[0].from == 3 && sent[0].to == 2 && sent[0].term == 0 && sent[0].entries == [entry([1])])
        }
    }

    @Test func aReadOfItsOwnHasEightBytes() throws {
        let host = follower()
        try host.does { try $0.readIndex(context: 0x0102_0304_0506_0708) }
        #expect(host.outbox.map(\.type) == [.readIndex] && host.outbox[0].term == 0)
        #expect(host.outbox[0].entries == [entry([1, 2, 3, 4, 5, 6, 7, 8])])
        let answer = message(.readIndexResp, term: 2) {
            $0.index = 9
            $0.entries = [entry([1, 2, 3, 4, 5, 6, 7, 8])]
        }
        host.does { $0.step(answer) }
        #expect(host.readStates == [ReadState(index: LogIndex(9), context: 0x0102_0304_0506_0708)])
    }

    @Test func aLeaderOfAnEarlierTermIsToldTheTerm() {
        let host = follower()
        for type in [RaftMessageType.heartbeat, .app] {
            let answers = answers(host, message(type, from: 3, term: 1))
            #expect(answers.map(\.type) == [.appResp])
            #expect(answers[0].term == 2 && answers[0].index == 0 && !answers[0].reject && answers[0].to == 3)
        }
        #expect(answers(host, message(.vote, from: 3, term: 1)).isEmpty)
        let answers = answers(host, message(.preVote, from: 3, term: 1))
        #expect(answers.map(\.type) == [.preVoteResp] && answers[0].reject && answers[0].term == 2)
    }

    @Test func questionsBeginNoTerm() {
        let host = follower()
        let question = message(.preVote, from: 3, term: 7) { ($0.index, $0.logTerm) = (9, 2) }
        #expect(answers(host, question).isEmpty, "a leader is heard")
        for _ in 0..<10 { host.does { $0.tick() } }
        let answers = answers(host, question)
        #expect(answers.map(\.type) == [.preVoteResp] && !answers[0].reject && answers[0].term == 7)
        #expect(host.raft.term == Term(2) && host.raft.vote == .none)
    }

    @Test func aVoteAtALeadersWishIsGivenWhileItIsHeard() {
        let host = follower()
        let ballot = message(.vote, from: 3, term: 3) { ($0.index, $0.logTerm) = (9, 2) }
        #expect(answers(host, ballot).isEmpty && host.raft.term == Term(2))
        var wished = ballot
        wished.context = Bytes(text: "CampaignTransfer")
        let answers = answers(host, wished)
        #expect(answers.map(\.type) == [.voteResp] && !answers[0].reject && answers[0].term == 3)
        #expect(host.raft.vote == MemberID(3))
    }

    @Test func consentToAQuestionBeginsNoTermButRefusalDoes() {
        let host = Scene.preCandidate.host(seed: 1)
        host.does { $0.step(message(.preVoteResp, term: 5)) }
        #expect(host.raft.term == Term(2) && host.raft.role == .candidate)
        let other = Scene.preCandidate.host(seed: 1)
        other.does { $0.step(message(.preVoteResp, term: 5) { $0.reject = true }) }
        #expect(other.raft.term == Term(5) && other.raft.role == .follower)
    }

    /// etcd 3.5 sends an empty snapshot with every message.
    @Test func anEmptySnapshotIsNone() {
        let host = follower()
        let append = message(.app, term: 2) {
            ($0.index, $0.logTerm, $0.commit) = (3, 1, 4)
            $0.entries = [entry([1], index: 4, term: 2)]
            $0.snapshot = RaftSnapshot()
        }
        #expect(answers(host, append).map(\.index) == [4])
        #expect(host.raft.log.lastIndex == LogIndex(4) && host.raft.log.committedIndex == LogIndex(4))
        #expect(answers(host, message(.snap, term: 2) { $0.snapshot = RaftSnapshot() }).isEmpty)
    }

    /// What is behind an append may be of another leader.
    @Test func anAppendCommitsNoMoreThanItProves() {
        let host = follower()
        let tail = message(.app, term: 2) {
            ($0.index, $0.logTerm) = (3, 1)
            $0.entries = (4...6).map { entry([1], index: $0, term: 2) }
        }
        #expect(answers(host, tail).map(\.index) == [6])
        let other = message(.app, from: 3, term: 3) { ($0.index, $0.logTerm, $0.commit) = (4, 2, 6) }
        #expect(answers(host, other).map(\.index) == [4])
        #expect(host.raft.log.committedIndex == LogIndex(4))
    }

    @Test func refusalsNameWhereTheLogsMayAgree() {
        let host = follower()
        let answers = answers(host, message(.app, term: 2) { ($0.index, $0.logTerm) = (9, 2) })
        #expect(answers.map(\.type) == [.appResp] && answers[0].reject)
        #expect(answers[0].index == 9 && answers[0].rejectHint == 3 && answers[0].logTerm == 1)
    }

    /// etcd 3.4 knows of no term in a refusal.
    @Test func aRefusalWithoutATermCountsToo() {
        let host = Scene.leader.host(seed: 1)
        let answers = answers(
            host, message(.appResp, term: 2) { ($0.index, $0.reject, $0.rejectHint) = (3, true, 2) })
        #expect(answers.first?.type == .app && answers.first?.index == 2)
    }

    @Test func aVoteSaysWhatTheLogHolds() {
        let host = Scene.preCandidate.host(seed: 1)
        #expect(host.outbox.map(\.type) == [.preVote, .preVote])
        #expect(host.outbox.allSatisfy { $0.term == 2 && $0.index == 3 && $0.logTerm == 1 && $0.context == nil })
        let ballots = answers(host, message(.preVoteResp, term: 2))
        #expect(ballots.map(\.type) == [.vote, .vote] && ballots.allSatisfy { $0.term == 2 && $0.index == 3 })
    }

    @Test func severalProposalsOfAPeerAreTakenInOrder() {
        let host = Scene.leader.host(seed: 1)
        let last = host.raft.log.lastIndex
        let sent = answers(
            host, message(.prop, term: 0) { $0.entries = [entry([7]), entry(nil), entry([8])] })
        let log = host.raft.log.entries(after: last, through: host.raft.log.lastIndex)
        #expect(log.map(\.data) == [[7], nil, [8]] && log.allSatisfy { $0.term == 2 })
        #expect(sent.isEmpty, "members not heard yet are being probed")
    }

    @Test func heartbeatsCommitNoMoreThanAMemberHas() {
        let host = Scene.leader.host(seed: 1)
        _ = answers(host, message(.appResp, term: 2) { $0.index = 8 })
        host.outbox = []
        host.does { $0.tick() }
        #expect(host.outbox.map(\.type) == [.heartbeat, .heartbeat])
        #expect(host.outbox.map(\.commit) == [8, 0])
    }
}
