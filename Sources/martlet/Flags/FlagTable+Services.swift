extension FlagTable {
    private static let noTLS = "TLS is not served by this version, and nothing is served in the clear instead"
    private static let noAuth = "authentication is not served by this version"

    static let security: [Flag] = {
        let refused = Flag.Effect.refused(noTLS)
        let none = Flag.Effect.none("TLS is not served by this version")
        return [
            Flag("cert-file", .text, "", "Certificate of the client port.", refused),
            Flag("key-file", .text, "", "Key of the client port.", refused),
            Flag("client-cert-file", .text, "", "Certificate for connections to members.", refused),
            Flag("client-key-file", .text, "", "Key for connections to members.", refused),
            Flag("client-cert-auth", .boolean, "false", "Whether clients must show a certificate.", refused),
            Flag("client-crl-file", .text, "", "Revoked certificates of clients.", refused),
            Flag(
                "client-cert-allowed-hostname", .words, "", "Names that certificates of clients may have.", refused),
            Flag("trusted-ca-file", .text, "", "Authorities that certificates of clients come from.", refused),
            Flag("auto-tls", .boolean, "false", "Whether to make a certificate for the client port.", refused),
            Flag("peer-cert-file", .text, "", "Certificate of the peer port.", refused),
            Flag("peer-key-file", .text, "", "Key of the peer port.", refused),
            Flag("peer-client-cert-file", .text, "", "Certificate for connections to peers.", refused),
            Flag("peer-client-key-file", .text, "", "Key for connections to peers.", refused),
            Flag("peer-client-cert-auth", .boolean, "false", "Whether peers must show a certificate.", refused),
            Flag("peer-trusted-ca-file", .text, "", "Authorities that certificates of peers come from.", refused),
            Flag("peer-crl-file", .text, "", "Revoked certificates of peers.", refused),
            Flag("peer-cert-allowed-cn", .words, "", "Common names that peers may have.", refused),
            Flag("peer-cert-allowed-hostname", .words, "", "Names that certificates of peers may have.", refused),
            Flag("peer-auto-tls", .boolean, "false", "Whether to make a certificate for the peer port.", refused),
            Flag(
                "peer-skip-client-san-verification", .boolean, "false",
                "Whether the names in a peer's certificate are not checked.", none),
            Flag(
                "self-signed-cert-validity", .integer(.uint), "1", "Years for which made certificates are valid.", none),
            Flag("cipher-suites", .words, "", "Cipher suites of TLS 1.2.", none),
            Flag("tls-min-version", .text, "TLS1.2", "Oldest version of TLS: TLS1.2 or TLS1.3.", none),
            Flag("tls-max-version", .text, "", "Newest version of TLS: TLS1.2, TLS1.3 or empty.", none),
            Flag("cors", .origins, "*", "Origins whose pages may ask over HTTP, with commas between them; * is all."),
            Flag(
                "host-whitelist", .uniqueWords, "*",
                "Names of this server that HTTP requests may be addressed to, with commas between them; * is all."),
        ]
    }()

    static let auth: [Flag] = [
        Flag(
            "auth-token", .text, "simple", "Kind of tokens: simple, or jwt with its options.",
            .refused("only simple tokens are known to this version")),
        Flag("bcrypt-cost", .integer(.uint), "10", "Cost of password hashing, 4 to 31.", .none(noAuth)),
        Flag("auth-token-ttl", .integer(.uint), "300", "Life of a simple token in seconds.", .none(noAuth)),
    ]

    static let monitoring: [Flag] = [
        Flag(
            "enable-pprof", .boolean, "false", "Whether to serve profiles of a Go program under /debug/pprof.",
            .none("Martlet is no Go program; use perf")),
        Flag(
            "metrics", .text, "basic",
            "How much /metrics tells: basic, or extensive, which is also how long calls take."),
        Flag(
            "listen-metrics-urls", .urls, "", "More URLs to serve /metrics, /health, /livez and /readyz at, alone."),
    ]

    static let logging: [Flag] = [
        Flag("logger", .text, "zap", "Kind of logger: zap."),
        Flag(
            "log-outputs", .uniqueWords, "default",
            "Where the log goes: default (standard error), stderr, stdout or paths of files, with commas between them."),
        Flag("log-level", .text, "info", "Least severity that is logged: debug, info, warn, error, panic or fatal."),
        Flag("log-format", .text, "json", "Form of a line: json or console."),
        Flag(
            "enable-log-rotation", .boolean, "false",
            "Whether the one file in --log-outputs is renamed and begun anew when it has grown."),
        Flag(
            "log-rotation-config-json", .text, defaultRotation,
            "When to rotate: maxsize in MB, maxage in days, maxbackups (0 is unlimited), localtime; compress is refused."
        ),
    ]

    static let tracing: [Flag] = {
        let none = Flag.Effect.none("traces are not exported by this version")
        return [
            Flag(
                "enable-distributed-tracing", .boolean, "false", "Whether to export traces by OpenTelemetry.",
                .refused("traces are not exported by this version")),
            Flag("distributed-tracing-address", .text, "localhost:4317", "Where to send traces.", none),
            Flag("distributed-tracing-service-name", .text, "etcd", "Name of the service in traces.", none),
            Flag("distributed-tracing-instance-id", .text, "", "Name of the member in traces.", none),
            Flag("distributed-tracing-sampling-rate", .integer(.int), "0", "Traces kept of a million.", none),
        ]
    }()

    static let features: [Flag] = [
        Flag("feature-gates", .gates, "", "Features to turn on or off: Name=true,Other=false."),
        Flag(
            "corrupt-check-time", .duration, "0s", "Time between two comparisons of the members' data (0 is never)."),
        Flag(
            "compact-hash-check-time", .duration, "1m0s", "Time between two comparisons of the hashes of compactions."),
        Flag("compaction-batch-limit", .integer(.int), "1000", "Revisions that a step of a compaction visits."),
        Flag("compaction-sleep-interval", .duration, "10ms", "Pause between two steps of a compaction."),
        Flag(
            "watch-progress-notify-interval", .duration, "10m0s",
            "Time after which an idle watcher that asked for it is told of progress."),
        Flag(
            "downgrade-check-time", .duration, "5s",
            "Time between two looks at whether a downgrade has come to its end."),
        Flag(
            "warning-apply-duration", .duration, "100ms", "Time to apply an entry above which a warning is logged."),
        Flag(
            "warning-unary-request-duration", .duration, "300ms",
            "Time to answer a request above which a warning is logged."),
        Flag(
            "bootstrap-defrag-threshold-megabytes", .integer(.uint), "0",
            "Size that defragmentation at the start must free, in MB, to be done (0 is never)."),
    ]

    static let unsafe: [Flag] = [
        Flag(
            "force-new-cluster", .boolean, "false",
            "Whether to take all other members out of the cluster, without asking them. What they committed without this "
                + "member is lost."),
        Flag(
            "unsafe-no-fsync", .boolean, "false", "Whether to leave out all syncs.",
            .none("everything is synced nevertheless")),
    ]

    static let deprecated: [Flag] =
        renamed + gated + [
            Flag(
                "v2-deprecation",
                .choice(["write-only", "write-only-drop-data", "gone"], namesValue: true), "write-only",
                "Phase of the end of etcd's v2 store.", .none("there is no v2 store"),
                deprecation: "--v2-deprecation is deprecated and scheduled for removal in v3.8. "
                    + "The default value is enforced, ignoring user input.")
        ]
        + [
            "cluster-active-size", "cluster-remove-delay", "cluster-sync-interval", "config", "force",
            "max-result-buffer", "max-retry-attempts", "peer-heartbeat-interval", "peer-election-timeout",
            "retry-interval", "snapshot", "v", "vv",
        ].map { Flag($0, .forgotten, "", "A flag of etcd 2.", .forgotten) }

    /// Flags that lost their prefix in etcd 3.6.
    private static let renamed: [Flag] = [
        renamed("bootstrap-defrag-threshold-megabytes"), renamed("compact-hash-check-time"),
        renamed("compaction-batch-limit"), renamed("compaction-sleep-interval"), renamed("corrupt-check-time"),
        renamed("distributed-tracing-address"), renamed("distributed-tracing-instance-id"),
        renamed("distributed-tracing-sampling-rate"), renamed("distributed-tracing-service-name"),
        renamed("downgrade-check-time"), renamed("enable-distributed-tracing"), renamed("max-learners"),
        renamed("memory-mlock"), renamed("peer-skip-client-san-verification"), renamed("snapshot-catchup-entries"),
        renamed("warning-apply-duration"), renamed("warning-unary-request-duration"),
        renamed("watch-progress-notify-interval"),
    ]

    private static func renamed(_ name: String) -> Flag {
        let all = [member, clustering, security, tracing, features].joined()
        let heir = all.first { $0.name == name }
        return Flag(
            "experimental-\(name)", heir?.kind ?? .text, heir?.defaultText ?? "",
            "The name of --\(name) before etcd 3.6.",
            .alias(of: name),
            deprecation: "--experimental-\(name) is deprecated in v3.6 and will be decommissioned in v3.7. "
                + "Use '--\(name)' instead.")
    }

    /// Flags that became feature gates in etcd 3.6.
    private static let gated: [Flag] = [
        gated("compact-hash-check-enabled", .compactHashCheck), gated("enable-lease-checkpoint", .leaseCheckpoint),
        gated("enable-lease-checkpoint-persist", .leaseCheckpointPersist),
        gated("initial-corrupt-check", .initialCorruptCheck),
        gated("stop-grpc-service-on-defrag", .stopGRPCServiceOnDefragmentation),
        gated("txn-mode-write-with-shared-buffer", .txnModeWriteWithSharedBuffer),
    ]

    private static func gated(_ name: String, _ gate: FeatureGates.Gate) -> Flag {
        Flag(
            "experimental-\(name)", .boolean, "\(gate.isOnByDefault)", "The gate \(gate.rawValue) before etcd 3.6.",
            .gate(gate.rawValue),
            deprecation: "--experimental-\(name) is deprecated in v3.6 and will be decommissioned in v3.7. "
                + "Use '--feature-gates=\(gate.rawValue)=true' instead.")
    }
}
