internal import AutoCompaction
internal import ClientAPI
internal import GRPCCore
internal import Node
internal import Primitives
internal import Watch

extension ServerConfiguration {
    /// The clock of Raft.
    mutating func readTimers(_ flags: FlagSet) throws(ConfigurationError) {
        let heartbeat = flags.unsigned("heartbeat-interval")
        let election = flags.unsigned("election-timeout")
        func milliseconds(_ value: UInt64) -> String { "\(value)ms" }
        guard heartbeat > 0 else {
            throw ConfigurationError("--heartbeat-interval must be >0 (set to \(milliseconds(heartbeat)))")
        }
        guard election > 0 else {
            throw ConfigurationError("--election-timeout must be >0 (set to \(milliseconds(election)))")
        }
        guard heartbeat <= election / 5 else {
            throw ConfigurationError(
                "--election-timeout[\(milliseconds(election))] should be at least as 5 times as "
                    + "--heartbeat-interval[\(milliseconds(heartbeat))]")
        }
        guard election <= 50_000 else {
            throw ConfigurationError(
                "--election-timeout[\(milliseconds(election))] is too long, and should be set less than 50000ms")
        }
        node.heartbeatIntervalNanoseconds = heartbeat * 1_000_000
        node.electionTimeoutNanoseconds = election * 1_000_000
        node.requestTimeoutNanoseconds = 5_000_000_000 + 2 * node.electionTimeoutNanoseconds
        node.advancesFirstElection = flags.boolean("initial-election-tick-advance")
        node.checkpointsLeases = features.isEnabled(.leaseCheckpoint)
        node.persistsLeaseCheckpoints = features.isEnabled(.leaseCheckpointPersist)
        node.checksCorruptionAtStart = features.isEnabled(.initialCorruptCheck)
        node.checksCompactionHashes = features.isEnabled(.compactHashCheck)
        node.corruptionCheckIntervalNanoseconds = UInt64(max(0, flags.nanoseconds("corrupt-check-time")))
        node.compactionHashCheckIntervalNanoseconds = UInt64(max(1, flags.nanoseconds("compact-hash-check-time")))
    }

    /// Flags that must fit one another, in the order in which etcd looks at them (etcd v3.6 `Config.Validate`).
    func check(_ flags: FlagSet) throws(ConfigurationError) {
        let state = flags.text("initial-cluster-state")
        let bootstrap = ["initial-cluster", "discovery", "discovery-srv"].filter {
            flags.isSet($0) && !flags.text($0).isEmpty
        }
        let hasEndpoints = !flags.words("discovery-endpoints").isEmpty
        if bootstrap.count + (hasEndpoints ? 1 : 0) > 1 {
            throw ConfigurationError(
                "multiple discovery or bootstrap flags are set. Choose one of \"initial-cluster\", \"discovery\", "
                    + "\"discovery-endpoints\" or \"discovery-srv\"")
        }
        if flags.text("discovery-token").isEmpty == hasEndpoints {
            throw ConfigurationError("both --discovery-token and --discovery-endpoints must be set")
        }
        if flags.words("discovery-endpoints").contains(where: { $0.trimmingSpaces().isEmpty }) {
            throw ConfigurationError("--discovery-endpoints must not contain empty endpoints")
        }
        if flags.isSet("listen-client-urls"), !flags.isSet("advertise-client-urls") {
            throw ConfigurationError(
                "--advertise-client-urls is required when --listen-client-urls is set explicitly")
        }
        switch flags.text("auto-compaction-mode") {
        case "periodic", "revision": break
        case "": throw ConfigurationError("undefined auto-compaction-mode")
        case let mode: throw ConfigurationError("unknown auto-compaction-mode \(GoText.quoted(mode))")
        }
        if features.isEnabled(.leaseCheckpointPersist), !features.isEnabled(.leaseCheckpoint) {
            throw ConfigurationError(
                "enabling feature gate LeaseCheckpointPersist requires enabling feature gate LeaseCheckpoint")
        }
        let hashTime = flags.nanoseconds("compact-hash-check-time")
        guard hashTime > 0 else {
            throw ConfigurationError("--compact-hash-check-time must be >0 (set to \(GoText.duration(hashTime)))")
        }
        try checkTLSVersions(flags)
        if flags.text("discovery-fallback") == "proxy" {
            throw ConfigurationError(
                "v2 proxy is deprecated, and --discovery-fallback can't be configured as \"proxy\"")
        }
        switch flags.text("auth-token").split(separator: ",").first {
        case "simple", "jwt", nil: break
        default: throw ConfigurationError("auth: invalid auth options")
        }
        assertAlways(["new", "existing"].contains(state), "a choice that the flag does not offer")
    }

    private func checkTLSVersions(_ flags: FlagSet) throws(ConfigurationError) {
        let versions = ["": 0, "TLS1.2": 12, "TLS1.3": 13]
        let (oldest, newest) = (flags.text("tls-min-version"), flags.text("tls-max-version"))
        var numbers: [Int] = []
        for text in [oldest, newest] {
            guard let number = versions[text] else {
                throw ConfigurationError("unexpected TLS version \(GoText.quoted(text))")
            }
            numbers.append(number)
        }
        if numbers[1] != 0, numbers[0] > numbers[1] {
            throw ConfigurationError("min version (\(oldest)) is greater than max version (\(newest))")
        }
        if numbers[0] == 13, !flags.words("cipher-suites").isEmpty {
            throw ConfigurationError("cipher suites cannot be configured when only TLS1.3 is enabled")
        }
    }

    mutating func readLimits(_ flags: FlagSet) throws(ConfigurationError) {
        // etcd takes 0 for the default, except for numbers of files, of which it then keeps all.
        func positive(_ flag: String, _ use: (Int) -> Void) {
            let value = Int(clamping: flags.integer(flag))
            if value > 0 { use(value) }
        }
        if case let count = flags.unsigned("snapshot-count"), count > 0 { node.snapshotEntryCount = count }
        if case let count = flags.unsigned("snapshot-catchup-entries"), count > 0 {
            node.snapshotCatchUpEntryCount = count
        }
        node.maxWALCount = Self.fileCount(flags.unsigned("max-wals"))
        node.maxSnapshotCount = Self.fileCount(flags.unsigned("max-snapshots"))
        let isPeriodic = flags.text("auto-compaction-mode") == "periodic"
        node.autoCompactionMode = isPeriodic ? .periodic : .revision
        node.autoCompactionRetention = try Self.retention(
            flags.text("auto-compaction-retention"), isPeriodic: isPeriodic)
        positive("backend-batch-limit") { node.commitChangeCount = $0 }
        let threshold = flags.unsigned("bootstrap-defrag-threshold-megabytes").multipliedReportingOverflow(by: 1 << 20)
        node.bootstrapDefragmentationByteCount = threshold.overflow ? .max : Int(clamping: threshold.partialValue)
        positive("compaction-batch-limit") { node.compactionBatchCount = $0 }
        node.downgradeCheckNanoseconds = UInt64(max(0, flags.nanoseconds("downgrade-check-time")))
        node.forcesNewCluster = flags.boolean("force-new-cluster")
        node.etcdVersion = ["3.6": .presented, "3.7": .presented37][flags.text("etcd-version")]
        node.isReconfigurationStrict = flags.boolean("strict-reconfig-check")
        node.maxLearnerCount = Int(clamping: max(0, flags.integer("max-learners")))
        services.maxTxnOperationCount = Int(clamping: flags.unsigned("max-txn-ops"))
        readRequestSize(flags)
        grpc.maxConcurrentStreams = UInt32(clamping: flags.unsigned("max-concurrent-streams"))
        func duration(_ flag: String, _ use: (UInt64) -> Void) {
            if case let time = flags.nanoseconds(flag), time > 0 { use(UInt64(time)) }
        }
        duration("backend-batch-interval") { node.commitIntervalNanoseconds = $0 }
        duration("watch-progress-notify-interval") {
            // The least that etcd takes (etcd v3.6 `server/etcdserver/api/v3rpc/watch.go`).
            node.watches.progressIntervalNanoseconds = max($0, 100_000_000)
        }
        duration("compaction-sleep-interval") { node.compactionPauseNanoseconds = $0 }
        node.quotaByteCount = flags.integer("quota-backend-bytes")
        services.quotaByteCount = node.quotaByteCount == 0 ? 2_147_483_648 : max(0, node.quotaByteCount)
        func milliseconds(_ flag: String, _ use: (Int32) -> Void) {
            duration(flag) { use(Int32(clamping: max(1, $0 / 1_000_000))) }
        }
        // Without a minimum grpc-go's own holds: five minutes.
        grpc.keepaliveMinTimeMilliseconds = 300_000
        milliseconds("grpc-keepalive-min-time") { grpc.keepaliveMinTimeMilliseconds = $0 }
        if flags.nanoseconds("grpc-keepalive-interval") > 0, flags.nanoseconds("grpc-keepalive-timeout") > 0 {
            milliseconds("grpc-keepalive-interval") { grpc.keepaliveIntervalMilliseconds = $0 }
            milliseconds("grpc-keepalive-timeout") { grpc.keepaliveTimeoutMilliseconds = $0 }
        }
        // Not positive: every one is warned of, as with etcd.
        applyWarningNanoseconds = UInt64(clamping: flags.nanoseconds("warning-apply-duration"))
        requestWarningNanoseconds = UInt64(clamping: flags.nanoseconds("warning-unary-request-duration"))
        if requestWarningNanoseconds == 0 { requestWarningNanoseconds = 300_000_000 }
    }

    private mutating func readRequestSize(_ flags: FlagSet) {
        // What is more than a message can be is as good as no bound.
        let byteCount = Int(min(flags.unsigned("max-request-bytes"), UInt64(Int32.max)))
        node.maxRequestByteCount = byteCount
        grpc.maxReceiveMessageByteCount = byteCount + Limits.gRPCOverheadByteCount
        if byteCount > 10 << 20 {
            notes.append(
                Note(
                    "exceeded recommended request limit",
                    [
                        "max-request-bytes": "\(byteCount)", "recommended-request-bytes": "\(10 << 20)",
                    ]))
        }
    }

    /// How much history is kept, in nanoseconds or revisions: a bare number is hours or revisions, by the mode, and anything
    /// else a duration (etcd v3.6 `server/embed/etcd.go`, `parseCompactionRetention`).
    static func retention(_ text: String, isPeriodic: Bool) throws(ConfigurationError) -> Int64 {
        if text.isEmpty { return 0 }
        if let number = Int64(text), number >= 0 {
            let (hours, overflows) = number.multipliedReportingOverflow(by: 3_600_000_000_000)
            return isPeriodic ? (overflows ? .max : hours) : number
        }
        guard let time = GoText.nanoseconds(text) else {
            throw ConfigurationError("error parsing CompactionRetention: time: invalid duration \(GoText.quoted(text))")
        }
        return time
    }

    private static func fileCount(_ value: UInt64) -> Int { value == 0 ? .max : Int(clamping: value) }
}
