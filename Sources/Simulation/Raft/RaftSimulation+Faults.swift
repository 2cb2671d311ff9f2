internal import Primitives
internal import Raft
internal import SimulatedPlatform

/// A fault that ends some day.
enum RaftFaultUnderway {
    case cuts([Int])
    /// The next of `order` is let go at the end; the others one by one after it.
    case clogs([Int])
    case clock(Int)
    case disk(Int)
}

/// Faults of a Raft-only simulation: what falls, on whom, and how it ends.
extension RaftSimulation {
    func fall() {
        guard isDisturbed else { return }
        queue.add(.fault, at: soon(settings.faultInterval))
        var ticket = draw(settings.faultWeights.reduce(0, +))
        for fault in RaftFault.allCases {
            ticket -= settings.faultWeights[fault.rawValue]
            guard ticket < 0 else { continue }
            if begin(fault) {
                outcome.faultCounts[fault.rawValue] += 1
                traceHash.mix(fault.rawValue)
            }
            return
        }
    }

    private var alive: [Int] { hosts.indices.filter { !hosts[$0].isDown } }

    private func lasts() -> UInt64 { now + 1 + UInt64(draw(Int(settings.faultDuration))) }

    private func ends(_ fault: RaftFaultUnderway, at time: UInt64? = nil) {
        underway.append(fault)
        queue.add(.mend, at: time ?? lasts(), detail: underway.count - 1)
    }

    /// Answers whether there was anything to do it to.
    private func begin(_ fault: RaftFault) -> Bool {
        switch fault {
        case .crash, .crashOfLeader, .crashOfAll: return beginCrash(fault)
        case .split, .leaderAlone, .ring, .oneWay: return beginCuts(fault)
        case .swizzle: return beginSwizzle()
        case .brokenStreams:
            for number in network.links.indices where draw(3) == 0 { breakStream(number) }
            note("streams break")
        case .pause:
            guard let position = pick(alive) else { return false }
            members[position].pausedUntil = lasts()
            note("\(hosts[position].id) stands still until \(members[position].pausedUntil / 1_000_000)ms")
        case .stoppedClock:
            // Mostly a leader's: it leads on when others have long elected another.
            let leaders = alive.filter { hosts[$0].raft.role == .leader }
            guard let position = draw(3) > 0 ? pick(leaders) : pick(alive) else { return false }
            members[position].isClockStopped = true
            note("the clock of \(hosts[position].id) stops")
            ends(.clock(position))
        case .slowDisk:
            guard let position = pick(alive) else { return false }
            members[position].hasSlowDisk = true
            members[position].appliesSlowly = draw(2) == 0
            note("the disk of \(hosts[position].id) is slow")
            ends(.disk(position))
        }
        return true
    }

    // MARK: Crashes

    private func beginCrash(_ fault: RaftFault) -> Bool {
        let all = alive
        let victims =
            switch fault {
            case .crashOfAll: all
            case .crashOfLeader: all.filter { hosts[$0].raft.role == .leader }
            default: pick(all).map { [$0] } ?? []
            }
        for position in victims { crash(position) }
        return !victims.isEmpty
    }

    func crash(_ position: Int) {
        let host = hosts[position]
        guard !host.isDown else { return }
        note("\(host.id) crashes")
        host.crash(keeping: draw(host.batches.count + 1), entriesOfNext: draw(3))
        let state = members[position]
        members[position].life += 1
        (members[position].isSyncing, members[position].isApplying, members[position].isInstalling) =
            (false, false, false)
        members[position].pausedUntil = min(state.pausedUntil, now)
        queue.add(.restart, at: lasts(), member: position)
    }

    // MARK: Links

    private func beginCuts(_ fault: RaftFault) -> Bool {
        let count = hosts.count
        guard count > 1 else { return false }
        var cut: [Int] = []
        let groups = hosts.map { _ in draw(2) }
        let leaders = hosts.map { $0.raft.role == .leader && !$0.isDown }
        let chosen = (from: draw(count), to: draw(count))
        let isOneWay = draw(3) == 0
        for from in 0..<count {
            for to in 0..<count where from != to {
                let distance = (from + count - to) % count
                let isCut =
                    switch fault {
                    case .split: groups[from] != groups[to] && (!isOneWay || groups[from] == 0)
                    case .leaderAlone: leaders[from] != leaders[to] && (!isOneWay || leaders[from])
                    case .ring: distance != 1 && distance != count - 1
                    default: (from, to) == chosen
                    }
                if isCut { cut.append(network.link(from: from, to: to)) }
            }
        }
        guard !cut.isEmpty else { return false }
        note("\(fault.name): links are cut: \(cut.map { "\($0 / count + 1)->\($0 % count + 1)" })")
        for number in cut { network.links[number].cuts += 1 }
        // A leader alone whose clock stands still does not know it.
        if fault == .leaderAlone, draw(2) == 0 {
            for position in hosts.indices where leaders[position] {
                members[position].isClockStopped = true
                ends(.clock(position))
            }
        }
        ends(.cuts(cut))
        return true
    }

    private func beginSwizzle() -> Bool {
        let chosen = network.links.indices.filter { _ in draw(3) == 0 }.shuffled(using: &entropy)
        guard !chosen.isEmpty else { return false }
        for number in chosen { network.links[number].clogs += 1 }
        note("links are clogged: \(chosen)")
        ends(.clogs(chosen))
        return true
    }

    private func breakStream(_ number: Int) {
        network.links[number].stream += 1
        network.links[number].held = []
        let (from, to) = (number / network.memberCount, number % network.memberCount)
        guard from != to else { return }
        queue.add(.unreachable, at: soon(settings.moreDelay), member: from, detail: to)
    }

    /// A fault ends.
    func mend(_ number: Int) {
        guard let fault = underway[number] else { return }
        underway[number] = nil
        switch fault {
        case .cuts(let cut):
            note("cut links are mended")
            for number in cut { network.links[number].cuts -= 1 }
        case .clogs(let clogged):
            guard let first = clogged.first else { return }
            network.links[first].clogs -= 1
            if network.links[first].clogs == 0 { release(first) }
            let rest = Array(clogged.dropFirst())
            if !rest.isEmpty { ends(.clogs(rest), at: now + UInt64(draw(Int(settings.tickNanoseconds)))) }
        case .clock(let position): members[position].isClockStopped = false
        case .disk(let position):
            members[position].hasSlowDisk = false
            members[position].appliesSlowly = false
        }
    }

    /// Ends all that is under way, but for members that are down.
    func mendAll() {
        note("all is mended")
        underway = underway.map { _ in nil }
        for number in network.links.indices {
            network.links[number].cuts = 0
            network.links[number].clogs = 0
            release(number)
        }
        for position in members.indices {
            members[position].isClockStopped = false
            members[position].hasSlowDisk = false
            members[position].appliesSlowly = false
            members[position].pausedUntil = min(members[position].pausedUntil, now)
        }
    }
}
