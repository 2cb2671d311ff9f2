internal import Environment

/// The shape of one run of a Raft-only simulation: all drawn from its seed. Times are nanoseconds.
package struct RaftSimulationSettings: Sendable {
    /// Voters at the start.
    package var memberCount = 3
    /// Members that are started with an empty disk and may be added.
    package var joinerCount = 2
    /// How long the phase with faults lasts, in seconds.
    package var seconds = 60
    /// What one tick is on the right clock.
    package var tickNanoseconds: UInt64 = 100_000_000
    package var electionTicks = 10
    package var heartbeatTicks = 1
    package var maxInflightMessageCount = 8
    package var maxMessageByteCount = 200
    /// How long a message takes: `leastDelay`, and up to `moreDelay` more.
    package var leastDelay: UInt64 = 500_000
    package var moreDelay: UInt64 = 5_000_000
    /// Whether messages of one link keep their order, as those of a stream.
    package var isOrdered = false
    /// In messages of a thousand.
    package var lossPerMille = 0
    package var doublingPerMille = 0
    /// How late the second copy of a message comes now and then, at most, on a network without order; 0 if soon.
    package var lateDelay: UInt64 = 0
    /// How long a sync takes at most.
    package var syncDelay: UInt64 = 5_000_000
    package var applyDelay: UInt64 = 1_000_000
    package var saveInterval: UInt64 = 500_000_000
    /// How many entries behind the store a log keeps.
    package var keptEntryCount = 20
    /// Client operations a virtual second, of which so many percent are reads, and how many come at once at most.
    package var operationsPerSecond = 30
    package var readPercent = 30
    package var burst = 8
    /// The mean time between two changes of the configuration, and two transfers; 0 if there are none.
    package var changeInterval: UInt64 = 0
    package var transferInterval: UInt64 = 0
    /// The mean time between two faults, and how long one lasts at most.
    package var faultInterval: UInt64 = 3_000_000_000
    package var faultDuration: UInt64 = 3_000_000_000
    /// How often each fault comes, by `RaftFault.rawValue`.
    package var faultWeights = [Int](repeating: 0, count: RaftFault.allCases.count)
    /// Clocks go slower or faster by so much at most, in percent.
    package var clockDriftPercent = 0

    package init(seed: UInt64) {
        var entropy = SeededEntropy(seed: seed)
        self.init(entropy: &entropy)
    }

    init(entropy: inout SeededEntropy) {
        func draw(_ least: UInt64, _ most: UInt64) -> UInt64 { least + entropy.next() % (most - least + 1) }
        func draw(_ choices: Int...) -> Int { choices[Int(entropy.next() % UInt64(choices.count))] }
        let isStorm = draw(0, 3) == 0
        memberCount = isStorm ? draw(3, 5, 5) : draw(1, 2, 3, 3, 3, 4, 5, 5, 6, 7)
        joinerCount = isStorm ? 0 : draw(0, 1, 2, 2)
        tickNanoseconds = UInt64(draw(50, 100, 100, 200)) * 1_000_000
        electionTicks = isStorm ? 3 : draw(3, 4, 6, 10)
        heartbeatTicks = electionTicks > 4 ? draw(1, 1, 2) : 1
        maxInflightMessageCount = Int(draw(1, 8))
        maxMessageByteCount = isStorm ? draw(1, 1, 60) : draw(1, 50, 200, 1000)
        // Up to a few ticks: then answers come when their senders have given up on them.
        leastDelay = draw(100_000, 2_000_000)
        moreDelay = draw(0, 3) == 0 ? tickNanoseconds * draw(1, 4) : draw(1_000_000, 20_000_000)
        isOrdered = draw(0, 1) == 0
        lossPerMille = draw(0, 0, 5, 20, 100, 200)
        doublingPerMille = draw(0, 10, 50, 100)
        syncDelay = draw(0, 4) == 0 ? tickNanoseconds * draw(1, 3) : draw(500_000, 20_000_000)
        applyDelay = draw(0, 4) == 0 ? tickNanoseconds * draw(1, 10) : draw(10_000, 5_000_000)
        saveInterval = tickNanoseconds * draw(1, 30)
        keptEntryCount = draw(0, 5, 20, 100, 1_000_000)
        operationsPerSecond = Int(draw(24, 40))
        readPercent = Int(draw(10, 60))
        burst = draw(4, 8, 16)
        if memberCount + joinerCount > 1, draw(0, 3) > 0 {
            changeInterval = tickNanoseconds * UInt64(draw(5, 10, 50))
        }
        if draw(0, 2) == 0 { transferInterval = tickNanoseconds * draw(5, 100) }
        faultInterval = tickNanoseconds * (isStorm ? draw(4, 20) : draw(5, 60))
        faultDuration = tickNanoseconds * (isStorm ? draw(2, 12) : draw(5, 50))
        clockDriftPercent = draw(0, 0, 5, 20)
        for fault in RaftFault.allCases {
            // A storm is of leaders that crash over and over, and come back.
            let weight = isStorm ? (fault == .crashOfLeader ? 40 : Int(draw(0, 2))) : draw(0, 1, 3, 10)
            faultWeights[fault.rawValue] = weight
        }
        if faultWeights.allSatisfy({ $0 == 0 }) { faultWeights[RaftFault.crash.rawValue] = 1 }
        // As long as some elections take: it speaks of an earlier lead, perhaps of one who leads again.
        if draw(0, 1) == 0 { lateDelay = tickNanoseconds * UInt64(electionTicks) * draw(1, 8) }
    }
}

/// What goes wrong in a Raft-only simulation.
enum RaftFault: Int, CaseIterable {
    /// One member, a leader, or all lose power.
    case crash, crashOfLeader, crashOfAll
    /// Two parts; a leader alone; every member hears its neighbours only; one direction of one link.
    case split, leaderAlone, ring, oneWay
    /// Links stop one by one, and go on in another order, with all that was sent.
    case swizzle
    /// All that is under way on some links is lost, and the senders are told.
    case brokenStreams
    /// A process stands still; only its clock does; a disk is a hundred times slower, and applying with it now and then.
    case pause, stoppedClock, slowDisk

    /// As it is written in overrides and summaries.
    var name: String {
        switch self {
        case .crash: "crash"
        case .crashOfLeader: "crash-of-leader"
        case .crashOfAll: "crash-of-all"
        case .split: "split"
        case .leaderAlone: "leader-alone"
        case .ring: "ring"
        case .oneWay: "one-way"
        case .swizzle: "swizzle"
        case .brokenStreams: "broken-streams"
        case .pause: "pause"
        case .stoppedClock: "stopped-clock"
        case .slowDisk: "slow-disk"
        }
    }
}
