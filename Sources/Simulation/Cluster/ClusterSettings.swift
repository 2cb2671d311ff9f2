internal import AutoCompaction
package import Environment
internal import Node
internal import Watch

/// What one run of a simulated cluster looks like. Each seed draws its own, so that many shapes are tried (a swarm).
package struct ClusterSettings: Equatable, Sendable {
    package var memberCount = 3
    /// Clients, each with one request under way at a time.
    package var clientCount = 5
    /// Requests that clients make in the run at most.
    package var requestCount = 300
    /// How long clients make requests at most, in nanoseconds.
    package var durationNanoseconds: UInt64 = .max
    /// Longest time between two requests of a client, in nanoseconds, unless it waits longer for an answer.
    package var thinkNanoseconds: UInt64 = 200_000_000
    /// Longest time between two deeds of a group of watching clients, in nanoseconds.
    package var watchNanoseconds: UInt64 = 40_000_000
    /// In how many of ten thousand times a client asks for a defragmentation or a snapshot, and for a hash.
    package var maintenancePerTenThousand = 200
    package var hashPerTenThousand = 300
    /// How long a client waits for an answer, in nanoseconds.
    package var patienceNanoseconds: UInt64 = 5_000_000_000
    /// Average time between two faults, in nanoseconds; 0 for none.
    package var faultIntervalNanoseconds: UInt64 = 3_000_000_000
    /// Longest time of a partition, a pause, a clog or a slow disk, in nanoseconds.
    package var faultNanoseconds: UInt64 = 6_000_000_000
    package var faults = FaultMix()
    /// How long the cluster may take to come to rest once nothing is wrong any more: elections, clients' patience, snapshots over a
    /// slow network.
    package var restNanoseconds: UInt64 = 120_000_000_000
    package var network = SimulatedNetwork<ClusterPacket>.Settings()
    /// What a sync of the log takes at most, in nanoseconds.
    package var syncNanoseconds: UInt64 = 3_000_000
    /// How far clocks may be off their rate, in thousandths.
    package var clockDriftThousandths = 10
    package var heartbeatNanoseconds: UInt64 = 100_000_000
    package var electionNanoseconds: UInt64 = 1_000_000_000
    /// Entries that a leader keeps for members that are behind, beside those that are not in a snapshot.
    package var catchUpEntryCount: UInt64 = 50
    /// Bytes of them.
    package var catchUpByteCount = 64 << 20
    /// In how many of a hundred times a client that does not know what became of its request asks for it again.
    package var retryPercent = 0
    /// In how many of a hundred times a client takes its request back right after it asked.
    package var cancelPercent = 0
    /// How far the times of day of machines are apart at most, in seconds.
    package var clockOffsetSeconds = 0
    package var maxLearnerCount = 1
    /// What operators change of the members most: 0 all alike, 1 they let learners in and give them votes, 2 they replace members.
    package var changeBias = 0
    /// Time between two checkpoints of leases, in nanoseconds; 0: none are made.
    package var leaseCheckpointNanoseconds: UInt64 = 0
    /// Bytes of changes at which the store is committed.
    package var commitByteCount = 64 << 20
    /// Bytes that the database may have; 0 for the default, which no run comes to.
    package var quotaByteCount = 0
    /// How many revisions the leader keeps when it compacts by itself; 0 if it does not.
    package var autoCompactionRevisions = 0
    /// What preparing a snapshot that came takes a member at most, in nanoseconds.
    package var installerNanoseconds: UInt64 = 20_000_000
    /// In how many of a hundred times something befalls a member that was just sent a snapshot.
    package var installationTroublePercent = 0
    /// In how many of a hundred times the sync fails with which a member would first have entries of a term.
    package var termTroublePercent = 0
    /// How much later than the others the last member of a new cluster starts, in seconds. Until all are there their version is not
    /// known, and they go by what etcd 3.5 would.
    package var lateSeconds = 0
    /// 1 if at the end a core of the members is mended and must come to rest before the others are.
    package var mendsCoreFirst = 0
    /// What each member is like, and what clients ask for.
    package var member = SimulationSettings()
    package var disks = DiskFaultSettings()

    package init() {
        member.watchClientCount = 2
    }

    package init(entropy: inout SeededEntropy, memberCount: Int? = nil) {
        var memberEntropy = entropy.split()
        member = SimulationSettings(entropy: &memberEntropy)
        member.watchClientCount = entropy.below(4)
        let size = [1, 3, 3, 3, 5, 5][entropy.below(6)]
        self.memberCount = memberCount ?? size
        clientCount = 8 + entropy.below(16)
        durationNanoseconds = UInt64(300 + entropy.below(60)) * 1_000_000_000
        // More than they come to.
        requestCount = 20_000
        // Together they ask 22 to 30 times a second, if they are answered in time; less thinking makes up for waiting.
        thinkNanoseconds = UInt64(2_000 * clientCount / (22 + entropy.below(9))) * 1_000_000
        patienceNanoseconds = UInt64(1 + entropy.below(8)) * 1_000_000_000
        faultIntervalNanoseconds = [2_000_000_000, 4_000_000_000, 8_000_000_000, 15_000_000_000][entropy.below(4)]
        faultNanoseconds = UInt64(1 + entropy.below(10)) * 1_000_000_000
        faults = FaultMix(entropy: &entropy)
        network.greatestDelayNanoseconds = [500_000, 2_000_000, 20_000_000, 80_000_000][entropy.below(4)]
        network.lossPerTenThousand = entropy.below(2) == 0 ? 0 : entropy.below(1500)
        network.duplicationPerTenThousand = entropy.below(2) == 0 ? 0 : entropy.below(1500)
        network.isOrdered = entropy.below(2) == 0
        network.nanosecondsPerByte = UInt64(entropy.below(2000))
        syncNanoseconds = [200_000, 3_000_000, 30_000_000][entropy.below(3)]
        clockDriftThousandths = entropy.below(30)
        heartbeatNanoseconds = [50_000_000, 100_000_000, 100_000_000, 200_000_000, 200_000_000][entropy.below(5)]
        electionNanoseconds = heartbeatNanoseconds * UInt64(8 + entropy.below(8))
        // A run has crashes of its own, and not every member has many entries.
        member.snapshotEntryCount = UInt64(5 + entropy.below(entropy.below(2) == 0 ? 100 : 1000))
        catchUpEntryCount = UInt64(entropy.below(200))
        if entropy.below(3) == 0 { catchUpByteCount = 1 + entropy.below(100_000) }
        drawMore(&entropy, isSizeFixed: memberCount != nil)
        disks.drawMore(&entropy)
    }

    /// What came later than the rest, so that seeds change little.
    private mutating func drawMore(_ entropy: inout SeededEntropy, isSizeFixed: Bool) {
        faults.leaveOut(FaultMix.second, &entropy)
        let size = entropy.below(3) == 0 ? 1 + entropy.below(7) : memberCount
        if !isSizeFixed { memberCount = size }
        retryPercent = [0, 20, 80][entropy.below(3)]
        cancelPercent = [0, 2, 10][entropy.below(3)]
        clockOffsetSeconds = [0, 1, 3600][entropy.below(3)]
        maxLearnerCount = 1 + entropy.below(3)
        changeBias = entropy.below(3)
        if entropy.below(3) == 0 { leaseCheckpointNanoseconds = 1_000_000_000 }
        commitByteCount = entropy.below(3) == 0 ? 1000 + entropy.below(50_000) : 64 << 20
        if entropy.below(4) == 0 { quotaByteCount = 400_000 + entropy.below(2_000_000) }
        if entropy.below(5) == 0 { autoCompactionRevisions = 20 + entropy.below(500) }
        disks = DiskFaultSettings(entropy: &entropy)
        drawPace(&entropy)
        var later = entropy.split()
        drawTrouble(&later)
    }

    /// What makes a run of minutes what it is: how much there is of everything in a second, and how large the state becomes.
    private mutating func drawPace(_ entropy: inout SeededEntropy) {
        watchNanoseconds = [40_000_000, 100_000_000, 400_000_000][entropy.below(3)]
        maintenancePerTenThousand = entropy.below(30)
        hashPerTenThousand = entropy.below(200)
        member.commitIntervalNanoseconds =
            [10_000_000, 100_000_000, 100_000_000, 250_000_000, 1_000_000_000][entropy.below(5)]
        member.watches.progressIntervalNanoseconds = [50_000_000, 500_000_000, 5_000_000_000][entropy.below(3)]
        // All that was ever written would have to be kept.
        member.mix.compact = max(1, member.mix.compact)
        if entropy.below(4) > 0 { member.greatestValueByteCount = min(1000, member.greatestValueByteCount) }
    }

    /// What came after all that, from chance of its own.
    private mutating func drawTrouble(_ entropy: inout SeededEntropy) {
        mendsCoreFirst = entropy.below(2)
        if leaseCheckpointNanoseconds > 0 {
            leaseCheckpointNanoseconds = [300_000_000, 1_000_000_000, 3_000_000_000][entropy.below(3)]
        }
        installerNanoseconds = [2_000_000, 20_000_000, 300_000_000][entropy.below(3)]
        installationTroublePercent = [0, 10, 50][entropy.below(3)]
        termTroublePercent = [0, 50][entropy.below(2)]
        if entropy.below(4) == 0 { lateSeconds = 5 + entropy.below(60) }
        guard quotaByteCount > 0, entropy.below(5) > 0 else { return }
        // What the keys come to with some of their history, so that the way out is taken again and again.
        quotaByteCount = 50_000 + entropy.below(60_000)
        member.greatestValueByteCount = 1000 + entropy.below(8000)
        member.mix.compact = 1
    }

    func nodeSettings() -> NodeSettings {
        var settings = member.nodeSettings()
        settings.heartbeatIntervalNanoseconds = heartbeatNanoseconds
        settings.electionTimeoutNanoseconds = electionNanoseconds
        settings.snapshotCatchUpEntryCount = catchUpEntryCount
        settings.catchUpByteCount = catchUpByteCount
        settings.transferCatchUpByteCount = catchUpByteCount
        settings.maxLearnerCount = maxLearnerCount
        settings.checkpointsLeases = leaseCheckpointNanoseconds > 0
        settings.persistsLeaseCheckpoints = leaseCheckpointNanoseconds > 0
        if leaseCheckpointNanoseconds > 0 { settings.leaseCheckpointIntervalNanoseconds = leaseCheckpointNanoseconds }
        settings.commitByteCount = commitByteCount
        settings.quotaByteCount = Int64(quotaByteCount)
        if autoCompactionRevisions > 0 {
            settings.autoCompactionMode = .revision
            settings.autoCompactionRetention = Int64(autoCompactionRevisions)
        }
        settings.corruptionCheckIntervalNanoseconds = disks.hashCheckNanoseconds
        return settings
    }
}

/// How often each kind of fault comes, in parts of the sum.
package struct FaultMix: Equatable, Sendable {
    package var crash = 10
    /// Every member loses power at once.
    package var crashAll = 1
    package var partition = 10
    package var isolateLeader = 5
    /// Single directions, so that some hear and are not heard.
    package var cutOneWay = 6
    package var clog = 6
    package var pause = 8
    package var slowDisk = 6
    package var syncError = 3
    package var moveLeader = 6
    package var changeMembers = 6
    /// The time of day jumps.
    package var jumpClock = 2
    /// Every member hears its two neighbours alone.
    package var ring = 3
    /// Half of all links stop, and go on one after the other.
    package var swizzle = 4
    /// All that is under way on some links is lost, and both ends are told.
    package var breakStreams = 6
    /// A clock goes at another rate.
    package var changeClockRate = 2

    package init() {}

    /// No fault at all.
    package static var none: FaultMix {
        var mix = FaultMix()
        for path in all { mix[keyPath: path] = 0 }
        return mix
    }

    init(entropy: inout SeededEntropy) {
        leaveOut(Self.first, &entropy)
    }

    /// Each run leaves some out, so that others meet more often.
    fileprivate mutating func leaveOut(_ paths: [WritableKeyPath<FaultMix, Int>], _ entropy: inout SeededEntropy) {
        for path in paths where entropy.below(3) == 0 { self[keyPath: path] = 0 }
    }

    static var all: [WritableKeyPath<FaultMix, Int>] { first + second }

    private static var first: [WritableKeyPath<FaultMix, Int>] {
        [
            \.crash, \.crashAll, \.partition, \.isolateLeader, \.cutOneWay, \.clog, \.pause, \.slowDisk, \.syncError,
            \.moveLeader, \.changeMembers, \.jumpClock,
        ]
    }

    /// Drawn later than the first.
    fileprivate static var second: [WritableKeyPath<FaultMix, Int>] {
        [\.ring, \.swizzle, \.breakStreams, \.changeClockRate]
    }

    var sum: Int { Self.all.reduce(0) { $0 + self[keyPath: $1] } }
}
