import EtcdMessages
import Primitives
import Testing

@testable import Raft

/// The arithmetic of configurations: the cases that etcd's own tables make (raft v3.6 `confchange/testdata`).
@Suite struct ConfigurationTests {
    private func state(
        _ voters: [UInt64], learners: [UInt64] = [], outgoing: [UInt64] = [], next: [UInt64] = [], leaves: Bool = false
    ) -> ConfState {
        var state = ConfState()
        (state.voters, state.learners, state.votersOutgoing, state.learnersNext) = (voters, learners, outgoing, next)
        state.autoLeave = leaves
        return state
    }

    private func change(
        _ singles: (ConfChangeType, UInt64)..., transition: ConfChangeTransition = .auto
    ) -> ConfChangeV2 {
        var change = ConfChangeV2()
        change.transition = transition
        change.changes = singles.map { type, id in
            var single = ConfChangeSingle()
            (single.type, single.nodeID) = (type, id)
            return single
        }
        return change
    }

    @Test func oneMemberAtATime() throws {
        let one = state([1])
        #expect(try one.applying(change((.addNode, 2))) == state([1, 2]))
        #expect(try one.applying(change((.addLearnerNode, 2))) == state([1], learners: [2]))
        #expect(try state([1], learners: [2]).applying(change((.addNode, 2))) == state([1, 2]))
        #expect(try state([1, 2]).applying(change((.addLearnerNode, 2))) == state([1], learners: [2]))
        #expect(try state([1, 2]).applying(change((.removeNode, 1))) == state([2]))
        #expect(try state([1], learners: [2]).applying(change((.removeNode, 2))) == one)
        #expect(try one.applying(change((.removeNode, 9))) == one)
        #expect(try one.applying(change((.updateNode, 1))) == one)
        #expect(try state([1, 3]).applying(change((.addNode, 2))) == state([1, 2, 3]))
    }

    @Test func oneOfMemberZeroChangesNothing() throws {
        #expect(try state([1]).applying(change((.addNode, 0))) == state([1]))
    }

    @Test func theOlderFormIsOneOfTheNewer() throws {
        var old = ConfChange()
        (old.type, old.nodeID) = (.addNode, 2)
        #expect(try state([1]).applying(old) == state([1, 2]))
        #expect(ConfChangeV2(type: .confChange, data: old.encoded())?.changes.map(\.nodeID) == [2])
        #expect(ConfChangeV2(type: .normal, data: old.encoded()) == nil)
        #expect(ConfChangeV2(type: .confChangeV2, data: nil)?.leavesJoint == true)
        #expect(ConfChangeV2(type: .confChangeV2, data: [0xff]) == nil)
    }

    @Test func severalGoThroughAJointConfiguration() throws {
        let joint = try state([1, 2, 3]).applying(change((.addNode, 4), (.removeNode, 1)))
        #expect(joint == state([2, 3, 4], outgoing: [1, 2, 3], leaves: true))
        #expect(try joint.applying(ConfChangeV2()) == state([2, 3, 4]))
        let explicit = try state([1]).applying(change((.addNode, 2), transition: .jointExplicit))
        #expect(explicit == state([1, 2], outgoing: [1]))
        let implicit = try state([1]).applying(change((.addNode, 2), transition: .jointImplicit))
        #expect(implicit == state([1, 2], outgoing: [1], leaves: true))
    }

    @Test func aVoterBecomesALearnerWhenTheJointConfigurationEnds() throws {
        let joint = try state([1, 2]).applying(change((.addLearnerNode, 2), (.addLearnerNode, 3)))
        #expect(joint == state([1], learners: [3], outgoing: [1, 2], next: [2], leaves: true))
        #expect(try joint.applying(ConfChangeV2()) == state([1], learners: [2, 3]))
        // Twice in one change: the last word counts.
        let back = try state([1, 2]).applying(change((.addLearnerNode, 2), (.addNode, 2)))
        #expect(back == state([1, 2], outgoing: [1, 2], leaves: true))
    }

    @Test func whatCannotBe() {
        #expect(throws: ConfigurationError.noVoterLeft) { try state([1]).applying(change((.removeNode, 1))) }
        #expect(throws: ConfigurationError.noVoterLeft) {
            try state([1]).applying(change((.addLearnerNode, 1), (.addLearnerNode, 2)))
        }
        #expect(throws: ConfigurationError.isNotJoint) { try state([1]).applying(ConfChangeV2()) }
        #expect(throws: ConfigurationError.isJoint) {
            try state([1], outgoing: [2]).applying(change((.addNode, 3)))
        }
        #expect(throws: ConfigurationError.unknownType) {
            try state([1]).applying(change((ConfChangeType(rawValue: 7), 2)))
        }
        #expect(throws: ConfigurationError.noVoterLeft) {
            try ConfState().applying(change((.addNode, 1), (.addNode, 2)))
        }
    }

    @Test func whatAMemberCanLiveBy() {
        #expect(state([1, 2], learners: [3]).isWellFormed)
        #expect(state([1], outgoing: [1, 2], next: [2]).isWellFormed)
        let bad = [
            state([]), state([0, 1]), state([1, 1]), state([1], learners: [1]), state([1], next: [2]),
            state([1, 2], outgoing: [2], next: [2]), state([1], learners: [2], outgoing: [2]),
        ]
        for state in bad { #expect(!state.isWellFormed, "\(state)") }
    }

    /// What a quorum agrees on, against a count of all that can be.
    @Test func quorumsOfAllSmallConfigurations() {
        for incoming in 1...3 {
            for outgoing in 0...3 {
                let configuration = state(
                    Array(1...UInt64(incoming)), outgoing: outgoing == 0 ? [] : Array(2...UInt64(outgoing + 1)))
                let tracker = ProgressTracker(configuration, next: LogIndex(1))
                for values in 0..<256 {
                    let value = { (id: UInt64) in UInt64(values >> (2 * Int(id - 1)) & 3) }
                    let expected = (0...3).last { least in
                        [configuration.voters, configuration.votersOutgoing].allSatisfy { voters in
                            2 * voters.count { value($0) >= least } > voters.count || voters.isEmpty
                        }
                    }
                    #expect(tracker.agreed { value($0.id.rawValue) } == UInt64(expected ?? 0))
                }
            }
        }
    }

    @Test func votesOfAJointConfiguration() {
        var tracker = ProgressTracker(state([1, 2, 3], outgoing: [3, 4, 5]), next: LogIndex(1))
        #expect(tracker.voteResult == .pending)
        for id: UInt64 in [1, 2] { tracker.recordVote(MemberID(id), true) }
        #expect(tracker.voteResult == .pending, "one half is not enough")
        tracker.recordVote(MemberID(4), false)
        #expect(tracker.voteResult == .pending)
        tracker.recordVote(MemberID(4), true)
        tracker.recordVote(MemberID(3), true)
        #expect(tracker.voteResult == .pending, "the first word counts")
        tracker.recordVote(MemberID(5), true)
        #expect(tracker.voteResult == .won)
        tracker.resetVotes()
        for id: UInt64 in [4, 5] { tracker.recordVote(MemberID(id), false) }
        #expect(tracker.voteResult == .lost, "one half is enough to lose")
    }
}
