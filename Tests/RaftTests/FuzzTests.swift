import Environment
import EtcdMessages
import Primitives
import Simulation
import Testing

@testable import Raft

/// Messages that no honest member sends, at members in every role: none may trap, whatever becomes of the cluster.
@Suite struct FuzzTests {
    private static let seeds: Range<UInt64> = 0..<60

    @Test(arguments: Scene.allCases)
    func noMessageTraps(scene: Scene) {
        var handled = 0
        for seed in Self.seeds {
            var forger = MessageForger(seed: seed)
            let host = scene.host(seed: seed)
            for _ in 0..<120 {
                let message = forger.message(to: host)
                host.does { $0.step(message) }
                forger.disturb(host)
            }
            // Whatever it was told, it still does its own work.
            for _ in 0..<30 { host.does { $0.tick() } }
            handled += host.raft.term > Term(1) || host.raft.log.lastIndex > LogIndex(3) ? 1 : 0
        }
        #expect(handled > 0, "some messages had an effect")
    }

    /// Bytes from the wire, of real messages with some of them changed.
    @Test func noBytesTrap() {
        var decoded = 0
        for seed in Self.seeds {
            var forger = MessageForger(seed: seed)
            let host = Scene.leader.host(seed: seed)
            for _ in 0..<200 {
                guard let message = try? RaftMessage(decoding: forger.bytes(to: host)) else { continue }
                decoded += 1
                host.does { $0.step(message) }
                forger.disturb(host)
            }
        }
        #expect(decoded > 1000)
    }
}

/// The situations a message may find a member in.
enum Scene: CaseIterable {
    case joiner
    case follower
    case preCandidate
    case candidate
    case leader
    case jointLeader
    case transferringLeader
    case learner
    case installing

    func host(seed: UInt64) -> RaftHost {
        let voters: [UInt64] = [1, 2, 3]
        let disk = self == .joiner ? RaftHostDisk() : RaftHostDisk.bootstrapped(voters: voters)
        let host = RaftHost(MemberID(1), disk: disk, settings: RaftSettings(seed: seed))
        switch self {
        case .joiner, .follower: break
        case .preCandidate: host.does { $0.campaign() }
        case .candidate: stand(host)
        case .leader, .jointLeader, .transferringLeader: lead(host)
        case .learner: adopt(host, voters: [2, 3], learners: [1])
        case .installing: install(host)
        }
        if self == .jointLeader { adopt(host, voters: [1, 2, 4], outgoing: voters) }
        if self == .transferringLeader { host.does { $0.transferLeadership(to: MemberID(2)) } }
        return host
    }

    private func stand(_ host: RaftHost) {
        host.does { $0.campaign() }
        for peer: UInt64 in [2, 3] { host.does { $0.step(Self.grant(.preVoteResp, from: peer, term: 2)) } }
        host.sync()
    }

    private func lead(_ host: RaftHost) {
        stand(host)
        host.does { $0.step(Self.grant(.voteResp, from: 2, term: 2)) }
        for value: UInt8 in 1...4 { _ = try? host.does { try $0.propose(type: .normal, data: [value]) } }
        host.sync()
    }

    private func adopt(_ host: RaftHost, voters: [UInt64], outgoing: [UInt64] = [], learners: [UInt64] = []) {
        var state = ConfState()
        state.voters = voters
        state.votersOutgoing = outgoing
        state.learners = learners
        state.autoLeave = true
        host.does { $0.adopt(state) }
    }

    private func install(_ host: RaftHost) {
        var message = Self.grant(.snap, from: 2, term: 3)
        var snapshot = RaftSnapshot()
        snapshot.metadata.index = 10
        snapshot.metadata.term = 2
        snapshot.metadata.confState = host.raft.configuration
        message.snapshot = snapshot
        host.does { $0.step(message) }
    }

    private static func grant(_ type: RaftMessageType, from peer: UInt64, term: UInt64) -> RaftMessage {
        var message = RaftMessage()
        message.type = type
        (message.from, message.to, message.term) = (peer, 1, term)
        return message
    }
}

/// Makes messages of every type with fields that fit, nearly fit, or are as far off as can be.
struct MessageForger {
    private var entropy: SeededEntropy

    init(seed: UInt64) {
        entropy = SeededEntropy(seed: seed)
    }

    private mutating func draw(_ bound: UInt64) -> UInt64 { entropy.next() % bound }

    private mutating func number(near value: UInt64) -> UInt64 {
        switch draw(12) {
        case 0: 0
        case 1: .max
        case 2: .max - 1
        case 3: 1 << 63
        case 4: RaftMessage.greatestNumber
        case 5: RaftMessage.greatestNumber + 1
        case 6: entropy.next()
        case 7: value &+ draw(4)
        case 8: value &- draw(4)
        default: value
        }
    }

    private mutating func bytes() -> Bytes? {
        switch draw(6) {
        case 0: return nil
        case 1: return Raft.transferContext
        case 2: return Bytes(bigEndian: draw(4))
        case 3:
            var change = ConfChange()
            change.type = ConfChangeType(rawValue: Int32(draw(6)))
            change.nodeID = draw(6)
            return change.encoded()
        case 4:
            var change = ConfChangeV2()
            change.transition = ConfChangeTransition(rawValue: Int32(draw(4)))
            for _ in 0..<draw(4) {
                var single = ConfChangeSingle()
                single.type = ConfChangeType(rawValue: Int32(draw(6)))
                single.nodeID = draw(6)
                change.changes.append(single)
            }
            return change.encoded()
        default: return (0..<draw(20)).map { _ in UInt8(truncatingIfNeeded: draw(256)) }
        }
    }

    private mutating func ids() -> [UInt64] {
        (0..<draw(4)).map { _ in draw(6) }
    }

    mutating func message(to host: RaftHost) -> RaftMessage {
        let log = host.raft.log
        var message = RaftMessage()
        message.type = RaftMessageType(rawValue: Int32(draw(26)) - 1)
        message.to = draw(20) == 0 ? draw(5) : host.id.rawValue
        message.from = draw(20) == 0 ? number(near: 1) : 2 + draw(3)
        message.term = number(near: host.raft.term.rawValue)
        message.index = number(near: draw(2) == 0 ? log.lastIndex.rawValue : log.committedIndex.rawValue)
        message.logTerm = number(near: draw(2) == 0 ? log.lastTerm.rawValue : host.raft.term.rawValue)
        if draw(2) == 0, let term = log.term(at: LogIndex(message.index)) { message.logTerm = term.rawValue }
        message.commit = number(near: log.lastIndex.rawValue)
        message.reject = draw(3) == 0
        message.rejectHint = number(near: log.committedIndex.rawValue)
        message.context = bytes()
        let isInOrder = draw(3) > 0
        for position in 0..<draw(5) {
            var entry = RaftEntry()
            entry.index = isInOrder ? message.index &+ position &+ 1 : number(near: log.lastIndex.rawValue)
            entry.term = isInOrder ? max(message.logTerm, message.term) : number(near: host.raft.term.rawValue)
            entry.type = RaftEntryType(rawValue: draw(10) == 0 ? Int32(bitPattern: UInt32(draw(9))) : Int32(draw(3)))
            entry.data = bytes()
            message.entries.append(entry)
        }
        if message.type == .snap || draw(4) == 0 { message.snapshot = snapshot(host, term: message.term) }
        return message
    }

    private mutating func snapshot(_ host: RaftHost, term: UInt64) -> RaftSnapshot {
        var snapshot = RaftSnapshot()
        snapshot.metadata.index = number(near: host.raft.log.lastIndex.rawValue)
        snapshot.metadata.term = draw(2) == 0 ? term : number(near: term)
        var state = ConfState()
        state.voters = draw(2) == 0 ? [1, 2, 3] : ids()
        if draw(3) == 0 { (state.learners, state.votersOutgoing, state.learnersNext) = (ids(), ids(), ids()) }
        state.autoLeave = draw(2) == 0
        snapshot.metadata.confState = state
        return snapshot
    }

    /// An encoded message, some bytes of it changed.
    mutating func bytes(to host: RaftHost) -> Bytes {
        var bytes = message(to: host).encoded()
        for _ in 0..<draw(4) where !bytes.isEmpty {
            bytes[Int(draw(UInt64(bytes.count)))] = UInt8(truncatingIfNeeded: entropy.next())
        }
        return bytes
    }

    /// What else goes on at a member.
    mutating func disturb(_ host: RaftHost) {
        host.outbox = []
        host.forgetNews()
        switch draw(16) {
        case 0..<4: host.sync()
        case 4: host.apply(2)
        case 5: host.install()
        case 6: host.does { $0.tick() }
        case 7: host.does { $0.campaign() }
        case 8: _ = try? host.does { try $0.propose(type: .normal, data: [1]) }
        case 9: host.does { $0.reportSnapshot(to: MemberID(2), succeeded: true) }
        case 10: host.does { $0.reportUnreachable(MemberID(3)) }
        case 11: try? host.does { try $0.readIndex(context: 1) }
        case 12: host.does { $0.compactLog(through: $0.log.appliedIndex) }
        case 13: host.does { $0.transferLeadership(to: MemberID(2)) }
        default: break
        }
    }
}
