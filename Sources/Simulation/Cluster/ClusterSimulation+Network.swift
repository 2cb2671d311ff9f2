internal import Apply
internal import Environment
internal import EtcdMessages
internal import Membership
internal import Node
internal import Primitives
internal import SimulatedPlatform
internal import Snapshots
internal import Store

/// What goes from member to member: Raft's messages, snapshots, questions; and who hears that something was lost.
extension ClusterSimulation {
    typealias Link = SimulatedNetwork<ClusterPacket>.Link

    func host(of id: UInt64) -> Int? { hosts.firstIndex { $0.id.rawValue == id && !$0.isRemoved } }

    // MARK: Sending

    func send(_ outgoing: SimulatedMember.Outgoing, from host: SimulatedHost) throws(SimulationFailure) {
        for message in outgoing.messages {
            // A proposal that came twice would be two.
            launch(
                ClusterPacket(content: .message(message)), from: host, to: message.to, mayRepeat: message.type != .prop)
        }
        for (to, message, snapshot, token) in outgoing.snapshots {
            try send(snapshot, message, token, from: host, to: to)
        }
        for question in outgoing.questions {
            launch(
                ClusterPacket(content: .question(question), process: host.startCount), from: host,
                to: question.to.rawValue, mayRepeat: false)
        }
    }

    private func send(
        _ snapshot: StoreSnapshot, _ message: RaftMessage, _ token: RequestToken, from host: SimulatedHost, to: MemberID
    ) throws(SimulationFailure) {
        var bytes = Bytes()
        do throws(StoreError) {
            bytes = try snapshot.read(offset: 0, count: snapshot.byteCount)
        } catch {
            guard host.damage != nil || host.expectsStop else {
                throw SimulationFailure("a snapshot for \(to) cannot be read: \(error)")
            }
            host.member?.act { $0.snapshotSent(token, to: to, succeeded: false) }
            return
        }
        #if Simulation
        if Canary.snapshotsAreOld.isChosen {
            oldSnapshot = oldSnapshot ?? bytes
            bytes = oldSnapshot ?? bytes
        }
        #endif
        outcome.installationCount += 1
        let packet = ClusterPacket(content: .snapshot(message, bytes, token), process: host.startCount)
        launch(packet, from: host, to: to.rawValue, byteCount: bytes.count, mayRepeat: false)
    }

    private func launch(
        _ packet: ClusterPacket, from host: SimulatedHost, to: UInt64, byteCount: Int = 0, mayRepeat: Bool
    ) {
        let link = Link(from: host.id.rawValue, to: to)
        trace.add(
            "send", [now, link.from, link.to], packet, "\(host.name) to \(MemberID(to)): \(packet.text)")
        if !network.send(packet, on: link, now: now, byteCount: byteCount, mayRepeat: mayRepeat) {
            lose(packet, on: link)
        }
    }

    private func lose(_ packet: ClusterPacket, on link: Link) {
        losses.append((now + 5_000_000, packet, link))
    }

    /// Tells senders of what did not arrive.
    func tellLosses() throws(SimulationFailure) {
        while let first = losses.first, first.time <= now {
            losses.removeFirst()
            try lost(first.packet, on: first.link)
        }
    }

    private func lost(_ packet: ClusterPacket, on link: Link) throws(SimulationFailure) {
        switch packet.content {
        case .message:
            // A transport notices that nobody reads, but not every single loss.
            guard network.isCut(link) || chance.below(10) == 0 else { return }
            try tell(link.from) { $0.peerUnreachable(MemberID(link.to)) }
        case .snapshot(_, _, let token):
            try tell(link.from, packet.process) { $0.snapshotSent(token, to: MemberID(link.to), succeeded: false) }
        case .question(let question):
            try tell(link.from, packet.process) { $0.peerAnswered(question.number, .failure(.unreachable("lost"))) }
        case .answer(let number, _):
            try tell(link.to, packet.process) {
                $0.peerAnswered(number, .failure(.unreachable("the answer was lost")))
            }
        }
    }

    /// Has the core of a member know of something, if it runs, and if that is still the process meant.
    private func tell(_ id: UInt64, _ process: Int? = nil, _ action: (Node) -> Void) throws(SimulationFailure) {
        guard let place = host(of: id), let member = hosts[place].member,
            process ?? hosts[place].startCount == hosts[place].startCount
        else { return }
        hosts[place].wake(now: now)
        member.act(action)
        try drain(place)
    }

    // MARK: Arriving

    func arrive(_ arrival: SimulatedNetwork<ClusterPacket>.Arrival) throws(SimulationFailure) {
        guard !arrival.isLost, let place = host(of: arrival.link.to), hosts[place].isUp else {
            lose(arrival.packet, on: arrival.link)
            return
        }
        if hosts[place].isPaused(at: now) {
            hosts[place].held.append(.arrival(arrival))
            return
        }
        trace.add(
            "arrive", [now, UInt64(place)], arrival.packet,
            "\(hosts[place].name) from \(MemberID(arrival.link.from)): \(arrival.packet.text)")
        hosts[place].wake(now: now)
        try take(arrival, at: place)
        try drain(place)
    }

    private func take(
        _ arrival: SimulatedNetwork<ClusterPacket>.Arrival, at place: Int
    ) throws(SimulationFailure) {
        guard let member = hosts[place].member else { return }
        let sender = MemberID(arrival.link.from)
        // Peers that know of a removal refuse who was removed, which then stops.
        guard !member.node.applier.cluster.isRemoved(sender) else {
            if let from = hosts.firstIndex(where: { $0.id == sender }), let removed = hosts[from].member {
                removed.act { $0.peerSaysRemoved() }
                try drain(from)
            }
            return
        }
        switch arrival.packet.content {
        case .message(let message): member.act { $0.receive(message) }
        case .snapshot(let message, let bytes, let token):
            let isKept = try receive(message, bytes, at: place)
            try tell(arrival.link.from, arrival.packet.process) {
                $0.snapshotSent(token, to: MemberID(arrival.link.to), succeeded: isKept)
            }
        case .question(let question):
            try answer(question, from: Asker(member: sender, process: arrival.packet.process), at: place)
        case .answer(let number, let answer):
            guard arrival.packet.process == hosts[place].startCount else { break }
            member.act { $0.peerAnswered(number, answer) }
        }
    }

    /// Saves the file of a snapshot as the transport does, then hands the message over. Answers whether it was kept.
    private func receive(_ message: RaftMessage, _ bytes: Bytes, at place: Int) throws(SimulationFailure) -> Bool {
        guard let member = hosts[place].member else { return false }
        let damage = drawSnapshotDamage()
        let received = ReceivedSnapshot(
            disk: member.disk, clock: hosts[place].clock, directory: settings.nodeSettings().snapDirectory,
            message: message, bytes: bytes)
        switch try received.save(damage, &harm) {
        case .success(let path):
            member.act { $0.receivedSnapshot(message, databasePath: path) }
            try troubleInstallation(at: place)
            return true
        case .failure(let error):
            // As a transport would, it gives up; the leader hears of it, and sends another.
            trace.add("unsaved", [now, UInt64(place)], "\(hosts[place].name) \(error)")
            if error == .damaged { outcome.faultCounts["damaged snapshot refused", default: 0] += 1 }
            return false
        }
    }

    // MARK: Questions

    private func answer(_ question: PeerQuestion, from asker: Asker, at place: Int) throws(SimulationFailure) {
        guard let member = hosts[place].member else { return }
        let token = takeToken()
        purposes[token] = .question(question, asker)
        switch question.kind {
        case .version:
            purposes[token] = nil
            respond(
                .success(
                    .version(server: "3.6.14", cluster: member.node.applier.cluster.version?.description ?? "3.0.0")),
                to: question,
                from: hosts[place], asker)
        case .hashKV(let revision): member.act { $0.hashKV(revision: revision, token) }
        case .renewLease(let id): member.act { $0.keepLeaseAlive(id, token) }
        case .leaseTimeToLive(let request): member.act { $0.leaseTimeToLive(request, token) }
        case .promote(let id): member.act { $0.promoteMember(id, token) }
        }
    }

    func respond(
        _ answer: Result<PeerAnswer, PeerQuestionError>, to question: PeerQuestion, from host: SimulatedHost,
        _ asker: Asker
    ) {
        launch(
            ClusterPacket(content: .answer(question.number, answer), process: asker.process), from: host,
            to: asker.member.rawValue, mayRepeat: false)
    }

    /// Turns the core's answer into that of the peer's HTTP handler.
    func respond(
        _ result: Result<Reply, EtcdError>, to question: PeerQuestion, from host: SimulatedHost, _ asker: Asker
    ) {
        guard case .success(let reply) = result, let answer = peerAnswer(reply, to: question, host) else {
            respond(.failure(.refused(status: 500, text: "\(result)")), to: question, from: host, asker)
            return
        }
        respond(.success(answer), to: question, from: host, asker)
    }

    private func peerAnswer(_ reply: Reply, to question: PeerQuestion, _ host: SimulatedHost) -> PeerAnswer? {
        switch question.kind {
        case .version: return nil
        case .hashKV:
            guard let response = try? HashKVResponse(decoding: reply.body) else { return nil }
            return .hashKV(
                PeerHashKV(
                    hash: response.hash, compactRevision: response.compactRevision,
                    hashRevision: response.hashRevision, headerRevision: reply.revision))
        case .renewLease:
            return (try? LeaseKeepAliveResponse(decoding: reply.body)).map { .leaseRenewed(ttlSeconds: $0.ttl) }
        case .leaseTimeToLive:
            return (try? LeaseTimeToLiveResponse(decoding: reply.body)).map { .leaseTimeToLive($0) }
        case .promote: return host.member.map { .promoted($0.node.applier.cluster.members) }
        }
    }

    // MARK: Connections

    /// Tells every member with which others it is connected now: streams go both ways, between processes that run.
    func connect() {
        for host in hosts where host.isUp && !host.isPaused(at: now) {
            for peer in hosts where peer.id != host.id && peer.id != .none {
                let link = Link(from: host.id.rawValue, to: peer.id.rawValue)
                let back = Link(from: link.to, to: link.from)
                let isConnected =
                    peer.isUp && !peer.isPaused(at: now) && !network.isCut(link) && !network.isCut(back)
                if isConnected, connections.insert(link).inserted {
                    host.member?.act { $0.peerConnected(peer.id) }
                } else if !isConnected, connections.remove(link) != nil {
                    host.member?.act { $0.peerDisconnected(peer.id) }
                }
            }
        }
    }
}
