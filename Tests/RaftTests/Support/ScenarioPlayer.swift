import EtcdMessages
import Primitives
import Simulation

@testable import Raft

/// Carries out the commands of one scenario; `ScenarioTests` lists them.
final class ScenarioPlayer {
    struct Mistake: Error {
        let text: String
    }

    /// What is told of a member when it changes.
    private struct Face: Equatable {
        var role = Raft.Role.follower
        var term = Term.zero
        var isDown = false
        var commit = LogIndex.zero
        var configuration = ConfState()
    }

    private var settings = RaftSettings(seed: 0)
    private var hosts: [RaftHost] = []
    private var network: [RaftMessage] = []
    private var cut: Set<[UInt64]> = []
    /// Members whose disk and store do nothing by themselves.
    private var manual: Set<MemberID> = []
    private var faces: [Face] = []
    private var output: [String] = []

    /// Answers what the command brings about.
    func play(_ line: String) throws -> [String] {
        output = []
        var words = line.split(separator: " ").map(String.init)[...]
        let command = words.removeFirst()
        if try !setUp(command, words), try !playOnCluster(command, words) {
            let host = try host(words)
            try play(command, on: host, words.dropFirst())
        }
        settle()
        tellChanges()
        return output
    }

    // MARK: The cluster

    private func setUp(_ command: String, _ words: ArraySlice<String>) throws -> Bool {
        let numbers = words.compactMap { UInt64($0) }
        switch command {
        case "members":
            for id in numbers { add(id, RaftHostDisk.bootstrapped(voters: numbers)) }
            faces = hosts.map(Self.face)
        case "joiner":
            for id in numbers { add(id, RaftHostDisk()) }
            faces = hosts.map(Self.face)
        case "window": settings.maxInflightMessageCount = try Int(number(words))
        case "bytes": settings.maxMessageByteCount = try Int(number(words))
        default: return false
        }
        return true
    }

    private func add(_ id: UInt64, _ disk: RaftHostDisk) {
        var own = settings
        own.seed = id
        hosts.append(RaftHost(MemberID(id), disk: disk, settings: own))
    }

    private func playOnCluster(_ command: String, _ words: ArraySlice<String>) throws -> Bool {
        switch command {
        case "stabilize":
            for _ in 0..<200 where !network.isEmpty { deliver(isTold: false) { _ in true } }
            if !network.isEmpty { throw Mistake(text: "the members do not come to rest") }
        case "deliver":
            let wanted = try filter(words)
            deliver(isTold: true, wanted)
        case "drop":
            let wanted = try filter(words)
            network.removeAll(where: wanted)
        case "messages": output += network.map(\.line)
        case "cut":
            let ends = try words.map { try number([$0]) }
            if ends.count == 1 {
                for host in hosts { cut.formUnion([[ends[0], host.id.rawValue], [host.id.rawValue, ends[0]]]) }
            } else {
                cut.formUnion([[ends[0], ends[1]], [ends[1], ends[0]]])
            }
        case "heal": cut.removeAll()
        case "status": output += hosts.filter { words.isEmpty || words.contains("\($0.id)") }.map(\.line)
        default: return false
        }
        return true
    }

    /// `1->2 App`, `1->2`, `to 2`, `from 1`, `App`; all messages if nothing is said.
    private func filter(_ words: ArraySlice<String>) throws -> (RaftMessage) -> Bool {
        let text = words.joined(separator: " ")
        return { message in
            let line = message.line
            if text.isEmpty { return true }
            if text.hasPrefix("to ") { return "to \(message.to)" == text }
            if text.hasPrefix("from ") { return "from \(message.from)" == text }
            return line.hasPrefix(text + " ") || line == text || line.split(separator: " ")[1] == text
        }
    }

    private func deliver(isTold: Bool, _ isWanted: (RaftMessage) -> Bool) {
        let all = network
        network = []
        for message in all {
            guard isWanted(message) else {
                network.append(message)
                continue
            }
            let isLost = cut.contains([message.from, message.to])
            if isTold { output.append(message.line + (isLost ? " lost" : "")) }
            guard !isLost, let receiver = hosts.first(where: { $0.id.rawValue == message.to }), !receiver.isDown else {
                continue
            }
            receiver.does { $0.step(message) }
            settle()
            tellChanges()
        }
    }

    // MARK: A member

    private func play(_ command: String, on host: RaftHost, _ words: ArraySlice<String>) throws {
        switch command {
        case "campaign": host.does { $0.campaign() }
        case "tick": for _ in 0..<(try words.isEmpty ? 1 : number(words)) { host.does { $0.tick() } }
        case "propose":
            try tellRefusal {
                let index = try host.does {
                    try $0.propose(type: .normal, data: Bytes(text: words.joined(separator: " ")))
                }
                if index == nil { output.append("passed on") }
            }
        case "read":
            let contexts = try words.map { try number([$0]) }
            try tellRefusal { try host.does { for context in contexts { try $0.readIndex(context: context) } } }
        case "change":
            let change = try change(words)
            try tellRefusal {
                _ = try host.does { try $0.propose(type: .confChangeV2, data: change.encoded()) }
            }
        case "transfer": host.does { $0.transferLeadership(to: MemberID((try? number(words)) ?? 0)) }
        case "unreachable": host.does { $0.reportUnreachable(MemberID((try? number(words)) ?? 0)) }
        case "snapshot": try sendSnapshot(host, to: MemberID(number(words)), succeeds: words.last != "fails")
        case "manual": manual.insert(host.id)
        case "automatic": manual.remove(host.id)
        case "sync": host.sync()
        case "apply": host.apply()
        case "install": host.install()
        case "save": host.saveStore()
        case "compact":
            host.saveStore()
            host.compact(through: LogIndex(try number(words)))
        case "crash": host.crash()
        case "restart":
            host.restart()
        case "log":
            output += host.raft.log.entries(
                after: host.raft.log.compactedIndex, through: host.raft.log.lastIndex
            ).map(\.line)
        case "progress": tellProgress(host)
        case "disk":
            output.append(
                "\(host.disk.start.index.next)..\(host.disk.lastIndex) term \(host.disk.hardState.term) vote "
                    + "\(host.disk.hardState.vote) commit \(host.disk.hardState.commit)")
        default: throw Mistake(text: "no command: \(command)")
        }
    }

    private func sendSnapshot(_ host: RaftHost, to peer: MemberID, succeeds: Bool) throws {
        guard let position = host.snapshotRequests.firstIndex(of: peer) else {
            throw Mistake(text: "\(host.id) is not asked for a snapshot for \(peer)")
        }
        host.snapshotRequests.remove(at: position)
        if succeeds { network.append(host.snapshotMessage(to: peer)) }
        host.does { $0.reportSnapshot(to: peer, succeeded: succeeds) }
    }

    /// `+4` makes a voter, `~4` a learner, `-4` removes; `joint` and `explicit` say how, `leave` ends it.
    private func change(_ words: ArraySlice<String>) throws -> ConfChangeV2 {
        var change = ConfChangeV2()
        for word in words {
            switch word {
            case "leave": break
            case "joint": change.transition = .jointImplicit
            case "explicit": change.transition = .jointExplicit
            default:
                let types: [Character: ConfChangeType] = ["+": .addNode, "~": .addLearnerNode, "-": .removeNode]
                guard let sign = word.first, let type = types[sign] else { throw Mistake(text: "no change: \(word)") }
                var single = ConfChangeSingle()
                single.type = type
                single.nodeID = try number([String(word.dropFirst())])
                change.changes.append(single)
            }
        }
        return change
    }

    private func tellRefusal(_ action: () throws -> Void) throws {
        do {
            try action()
        } catch let error as Raft.ProposalError {
            output.append("refused: \(error)")
        }
    }

    private func tellProgress(_ host: RaftHost) {
        for peer in hosts {
            guard let progress = host.raft.progress(of: peer.id) else { continue }
            output.append(
                "\(peer.id) \(progress.state) match \(progress.match) next \(progress.next)"
                    + (progress.inflightCount > 0 ? " under way \(progress.inflightCount)" : "")
                    + (progress.isLearner ? " learner" : "") + (progress.isRecentlyActive ? "" : " silent"))
        }
    }

    // MARK: What follows

    /// Disks and stores do their work, where they are let; messages go out.
    private func settle() {
        for host in hosts where !host.isDown {
            for _ in 0..<20 where !manual.contains(host.id) {
                if !host.batches.isEmpty {
                    host.sync()
                } else if host.toInstall != nil {
                    host.install()
                } else if !host.toApply.isEmpty {
                    host.apply()
                } else {
                    break
                }
            }
            network += host.outbox
            host.outbox = []
        }
    }

    private func tellChanges() {
        for (position, host) in hosts.enumerated() {
            let (before, now) = (faces[position], Self.face(host))
            faces[position] = now
            if now.isDown { continue }
            if before.role != now.role || before.term != now.term {
                let role =
                    switch now.role {
                    case .follower: "follows in"
                    case .preCandidate: "asks after"
                    case .candidate: "stands in"
                    case .leader: "leads"
                    }
                output.append("\(host.id) \(role) term \(now.term)")
            }
            if before.commit < now.commit { output.append("\(host.id) commits \(now.commit)") }
            if before.configuration != now.configuration {
                output.append("\(host.id) has \(Self.describe(now.configuration))")
            }
            for state in host.readStates { output.append("\(host.id) reads \(state.context) at \(state.index)") }
            host.readStates = []
        }
    }

    private static func face(_ host: RaftHost) -> Face {
        Face(
            role: host.raft.role, term: host.raft.term, isDown: host.isDown, commit: host.raft.log.committedIndex,
            configuration: host.raft.configuration)
    }

    private static func describe(_ state: ConfState) -> String {
        let lists = [
            ("voters", state.voters), ("outgoing", state.votersOutgoing), ("learners", state.learners),
            ("next learners", state.learnersNext),
        ]
        return lists.filter { !$0.1.isEmpty }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    }

    private func host(_ words: ArraySlice<String>) throws -> RaftHost {
        guard let word = words.first, let host = hosts.first(where: { "\($0.id)" == word }) else {
            throw Mistake(text: "no member: \(words.first ?? "")")
        }
        return host
    }

    private func number(_ words: ArraySlice<String>) throws -> UInt64 {
        guard let number = words.first.flatMap({ UInt64($0) }) else { throw Mistake(text: "no number: \(words)") }
        return number
    }
}
