internal import Apply
internal import Environment
internal import EtcdMessages
internal import Membership
internal import Node
internal import Primitives
internal import Raft
internal import SimulatedPlatform
internal import Snapshots
internal import Store

/// Two members, of which the second has been away for longer than the first's log goes back: it is sent a snapshot, and then
/// goes on with the log. A client puts keys one by one all the while.
///
/// The second has no vote, so that the first can be written to without it.
final class InstallationRun {
    /// What goes from one to the other.
    private enum Packet {
        case message(RaftMessage)
        case snapshot(RaftMessage, Bytes, RequestToken)
        case answer(UInt64, PeerAnswer)
    }

    enum Ending {
        case finished
        /// A member stopped, or did not start.
        case stopped(place: Int, NodeError)
    }

    /// Sender and receiver. A member that stopped leaves its own behind.
    private(set) var disks: [SimulatedDisk]
    private(set) var settings: [NodeSettings]
    /// The sender's file before the receiver went away.
    private(set) var earlierStore: Bytes?
    private var members: [SimulatedMember?] = [nil, nil]
    private let clock: SimulatedClock
    private var packets: [(to: Int, packet: Packet)] = []
    private var schedule: SeededEntropy
    /// What the keys are after each put, by revision; the first is that of an empty store.
    private var models: [KeyValueModel]
    /// Of the last put that was acknowledged.
    private var acknowledgedRevision: Int64 = 1
    private var awaitsReply = false
    private var putsLeft = 0

    private static let token = RequestToken(rawValue: 1)
    private static let memberToken = RequestToken(rawValue: 2)
    /// Of what is never answered.
    private static let lostToken = RequestToken(rawValue: 3)

    private init(disks: [SimulatedDisk], settings: [NodeSettings], models: [KeyValueModel], seed: UInt64) {
        self.disks = disks
        self.settings = settings
        self.models = models
        acknowledgedRevision = models[models.count - 1].revision
        schedule = SeededEntropy(seed: seed)
        clock = SimulatedClock(unixNanoseconds: 1_700_000_000_000_000_000)
    }

    // MARK: The beginning

    /// Two members at rest, of which the second lacks most.
    ///
    /// - Parameter isOverLog: whether it has more entries than the first, none of which was committed.
    static func prepared(seed: UInt64, isOverLog: Bool = false) throws(SimulationFailure) -> InstallationRun {
        var shape = SimulationSettings()
        shape.snapshotEntryCount = 10
        shape.commitChangeCount = 12
        shape.segmentByteCount = 4_000
        shape.keptSegmentCount = 1
        var settings = shape.nodeSettings()
        settings.snapshotCatchUpEntryCount = 2
        settings.name = "m1"
        settings.peerURLs = ["http://m1:2380"]
        let run = InstallationRun(
            disks: [SimulatedDisk(seed: seed), SimulatedDisk(seed: seed + 1)], settings: [settings, settings],
            models: [KeyValueModel()], seed: seed)
        try run.startOrThrow(0)
        try run.puts(4)
        try run.addReceiver()
        try run.startOrThrow(1)
        try run.puts(8)
        try run.until("the receiver has it all") { $0.isCaughtUp && $0.isAtRest }
        try run.wait(milliseconds: 300)
        run.earlierStore = run.disks[0].contents(of: settings.storePath)
        if isOverLog { try run.leaveLongerLog() } else { run.end(1) }
        try run.puts(40)
        try run.wait(milliseconds: 300)
        run.end(0)
        return run.successor(.keepAll, seed: seed)
    }

    /// The sender's entries come to the receiver's disk and not to its own, and then it loses power: another term begins there.
    private func leaveLongerLog() throws(SimulationFailure) {
        for number in 0..<90 {
            var request = PutRequest()
            (request.key, request.value) = (Workload.key(number % 7), Bytes(repeating: 7, count: 100))
            members[0]?.propose(Proposal(.put, request), Self.lostToken)
            collect()
            while !packets.isEmpty {
                try deliver()
                while let receiver = members[1], receiver.isRunnable(.log) { receiver.run(.log) }
                collect()
            }
        }
        disks[0] = disks[0].crashClone(.loseAllUnsynced, entropy: &schedule)
        end(0)
        end(1)
        try startOrThrow(0)
    }

    private func addReceiver() throws(SimulationFailure) {
        members[0]?.act { $0.addMember(peerURLs: [Bytes(text: "http://m2:2380")], isLearner: true, Self.memberToken) }
        try until("the sender knows the receiver") { $0.members[0]?.node.applier.cluster.members.count == 2 }
        guard let node = members[0]?.node else { unreachable("it runs") }
        let known = node.applier.cluster.members.map { member in
            var member = member
            if member.isLearner { member.name = Bytes(text: "m2") }
            return member
        }
        settings[1].name = "m2"
        settings[1].peerURLs = ["http://m2:2380"]
        settings[1].clusterStart = .join(node.clusterID, known)
    }

    /// The same with what a crash now leaves of both machines. Nothing of it is shared.
    func successor(_ policy: CrashPolicy, seed: UInt64) -> InstallationRun {
        var entropy = SeededEntropy(seed: seed)
        let next = InstallationRun(
            disks: disks.map { $0.crashClone(policy, entropy: &entropy) }, settings: settings, models: models,
            seed: entropy.next())
        next.acknowledgedRevision = acknowledgedRevision
        next.earlierStore = earlierStore
        return next
    }

    // MARK: Running

    /// Starts both, puts a few more keys, and goes on until the receiver has all that the sender has.
    func run(putCount: Int) throws(SimulationFailure) -> Ending {
        for place in members.indices {
            if let error = try start(place) { return .stopped(place: place, error) }
        }
        putsLeft = putCount
        for _ in 0..<20_000 {
            if let stopped = try step() { return .stopped(place: stopped.place, stopped.error) }
            if putsLeft == 0, !awaitsReply, isCaughtUp, isAtRest {
                return try judge()
            }
        }
        throw SimulationFailure(
            "the receiver is at \(describe(1)), the sender at \(describe(0)), and nothing comes of it")
    }

    private func describe(_ place: Int) -> String {
        members[place].map { "\($0.node.raft.log.appliedIndex)" } ?? "no entry"
    }

    private var isCaughtUp: Bool {
        guard let sender = members[0], let receiver = members[1] else { return false }
        return receiver.node.raft.log.appliedIndex == sender.node.raft.log.appliedIndex
    }

    private var isAtRest: Bool { packets.isEmpty && members.allSatisfy { $0?.runnableActors.isEmpty ?? true } }

    private func until(
        _ what: String, _ isDone: (InstallationRun) -> Bool
    ) throws(SimulationFailure) {
        for _ in 0..<20_000 {
            if isDone(self) { return }
            if let stopped = try step() {
                throw SimulationFailure("a member stopped without a fault: \(stopped.error)")
            }
        }
        throw SimulationFailure("never: \(what)")
    }

    private func puts(_ count: Int) throws(SimulationFailure) {
        putsLeft = count
        try until("all is put") { $0.putsLeft == 0 && !$0.awaitsReply }
    }

    private func wait(milliseconds: UInt64) throws(SimulationFailure) {
        let end = clock.monotonicNanoseconds() + milliseconds * 1_000_000
        try until("time passes") { $0.clock.monotonicNanoseconds() >= end && $0.isAtRest }
    }

    // MARK: Members

    private func startOrThrow(_ place: Int) throws(SimulationFailure) {
        if let error = try start(place) { throw SimulationFailure("a member does not start: \(error)") }
    }

    /// Starts a member, and holds what it finds against what was put. Answers why it does not start.
    private func start(_ place: Int) throws(SimulationFailure) -> NodeError? {
        let member: SimulatedMember
        do throws(NodeError) {
            member = try SimulatedMember(disk: disks[place], clock: clock, settings: settings[place])
        } catch {
            return error
        }
        members[place] = member
        try RestartAudit.check(member, settings[place])
        // The only voter: what its log has is committed, and is found once it leads again.
        if place == 0 { member.settle() }
        if let error = member.stopError { return error }
        try check(member, place)
        guard let sender = members[0], let receiver = members[1] else { return nil }
        sender.act { $0.peerConnected(receiver.node.memberID) }
        receiver.act { $0.peerConnected(sender.node.memberID) }
        return nil
    }

    /// Holds what a member has against what was put.
    func check(_ member: SimulatedMember, _ place: Int) throws(SimulationFailure) {
        let state = try RecoveredState(member.node)
        let revision = Int(state.revision)
        guard revision <= models.count, state.matches(models[revision - 1]) else {
            throw SimulationFailure("a member holds something else than was put, at \(state.revision)")
        }
        guard place == 0 else { return }
        guard state.revision >= acknowledgedRevision else {
            throw SimulationFailure("the put at \(acknowledgedRevision) was acknowledged, and is lost")
        }
        // What is not there was never answered, and never will be.
        models.removeLast(models.count - revision)
        awaitsReply = false
    }

    private func end(_ place: Int) {
        members[place]?.close()
        members[place] = nil
        packets = []
    }

    // MARK: Events

    private func step() throws(SimulationFailure) -> (place: Int, error: NodeError)? {
        collect()
        if let sender = members[0], sender.isReady, !awaitsReply, putsLeft > 0, schedule.below(4) == 0 { put(sender) }
        var choices: [() throws(SimulationFailure) -> Void] = []
        if !packets.isEmpty { choices.append(deliver) }
        for member in members.compactMap(\.self) {
            for actor in member.runnableActors { choices.append { member.run(actor) } }
        }
        if choices.isEmpty || schedule.below(10) == 0 {
            clock.advance(nanoseconds: 5_000_000)
            for member in members { member?.tick() }
        } else {
            try choices[schedule.below(choices.count)]()
        }
        try takeReplies()
        for (place, member) in members.enumerated() {
            if let error = member?.stopError { return (place, error) }
        }
        return nil
    }

    private func put(_ sender: SimulatedMember) {
        let last = models[models.count - 1]
        var request = PutRequest()
        request.key = Workload.key(models.count % 7)
        request.value = Bytes(repeating: UInt8(truncatingIfNeeded: models.count), count: 300)
        models.append(last.put(request).next)
        awaitsReply = true
        putsLeft -= 1
        sender.propose(Proposal(.put, request), Self.token)
    }

    private func takeReplies() throws(SimulationFailure) {
        for (token, result) in members[0]?.takeReplies() ?? [] where token == Self.token {
            guard case .success(let reply) = result, awaitsReply, reply.revision == Int64(models.count) else {
                throw SimulationFailure("a put was answered with \(result)")
            }
            acknowledgedRevision = reply.revision
            awaitsReply = false
        }
    }

    private func collect() {
        for (place, member) in members.enumerated() {
            guard let member else { continue }
            let outgoing = member.takeOutgoing()
            let other = 1 - place
            for message in outgoing.messages { packets.append((other, .message(message))) }
            for question in outgoing.questions {
                guard case .version = question.kind, members[other] != nil else {
                    member.act { $0.peerAnswered(question.number, .failure(.unreachable("nobody is there"))) }
                    continue
                }
                packets.append((place, .answer(question.number, .version(server: "3.6.14", cluster: "3.6.0"))))
            }
            for (_, message, snapshot, token) in outgoing.snapshots {
                let bytes = (try? snapshot.read(offset: 0, count: snapshot.byteCount)) ?? []
                packets.append((other, .snapshot(message, bytes, token)))
            }
        }
    }

    private func deliver() throws(SimulationFailure) {
        let (place, packet) = packets.removeFirst()
        let (receiver, sender) = (members[place], members[1 - place])
        switch packet {
        case .message(let message):
            if let receiver {
                receiver.act { $0.receive(message) }
            } else {
                sender?.act { $0.peerUnreachable(MemberID(message.to)) }
            }
        case .answer(let number, let answer): receiver?.act { $0.peerAnswered(number, .success(answer)) }
        case .snapshot(let message, let bytes, let token):
            var path: String?
            if let receiver {
                let received = ReceivedSnapshot(
                    disk: receiver.disk, clock: clock, directory: settings[place].snapDirectory, message: message,
                    bytes: bytes)
                path = try? received.save(nil, &schedule).get()
            }
            if let path { receiver?.act { $0.receivedSnapshot(message, databasePath: path) } }
            sender?.act { $0.snapshotSent(token, to: MemberID(message.to), succeeded: path != nil) }
        }
    }

    // MARK: The end

    private func judge() throws(SimulationFailure) -> Ending {
        var hashes: [UInt32] = []
        for (place, member) in members.enumerated() {
            guard let member else { continue }
            try check(member, place)
            let state = try RecoveredState(member.node)
            guard state.revision == Int64(models.count) else {
                throw SimulationFailure("a member is at revision \(state.revision), not \(models.count)")
            }
            hashes.append(try member.hashNow(revision: state.revision).hash)
            // A commit that is under way has pages that are nowhere yet.
            while member.runnableActors.contains(.store) { member.run(.store) }
            if let error = member.stopError { return .stopped(place: place, error) }
            do throws(StoreError) {
                try member.node.store.check()
            } catch {
                throw SimulationFailure("a member's file is not sound: \(error)")
            }
        }
        guard hashes[0] == hashes[1] else { throw SimulationFailure("the members' hashes are \(hashes)") }
        for member in members { member?.close() }
        return .finished
    }
}
