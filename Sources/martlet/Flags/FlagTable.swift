/// Every flag that etcd 3.6 takes, with etcd's defaults (etcd v3.6 `server/embed/config.go`,
/// `server/etcdmain/config.go`), and what it does here. The parser, the environment, the configuration file, `--help` and
/// `docs/flags.md` all follow from this.
enum FlagTable {
    static let byGroup: [(group: Flag.Group, flags: [Flag])] = [
        (.general, general), (.member, member), (.clustering, clustering), (.security, security), (.auth, auth),
        (.monitoring, monitoring), (.logging, logging), (.tracing, tracing), (.features, features), (.unsafe, unsafe),
        (.deprecated, deprecated),
    ]

    static let all: [Flag] = byGroup.flatMap(\.flags)

    static let defaultRotation =
        #"{"maxsize": 100, "maxage": 0, "maxbackups": 0, "localtime": false, "compress": false}"#

    static let general: [Flag] = [
        Flag(
            "config-file", .text, "",
            "Path to a configuration file in YAML or JSON. All other flags, and the environment, are then ignored."),
        Flag("version", .boolean, "false", "Print the version and exit."),
        Flag(
            "etcd-version", .choice(["auto", "3.6", "3.7"]), "auto",
            "The etcd to be for clients and peers; Martlet's own flag. By itself it is that of the data, or of the cluster "
                + "that is joined, or else 3.6."),
    ]

    static let member: [Flag] = [
        Flag("name", .text, "default", "Human-readable name of this member."),
        Flag("data-dir", .text, "", "Path to the data directory. Empty for ${name}.etcd in the working directory."),
        Flag("wal-dir", .text, "", "Path to a directory for the write-ahead log alone."),
        Flag(
            "snapshot-count", .integer(.uint64), "10000",
            "Number of applied entries after which the log is given a snapshot record.",
            deprecation: "--snapshot-count is deprecated in 3.6 and will be decommissioned in 3.7."),
        Flag(
            "snapshot-catchup-entries", .integer(.uint64), "5000",
            "Number of entries kept for a slow follower behind a snapshot, as far as they fit in 64 MiB. A member that is "
                + "alone keeps none."),
        Flag("heartbeat-interval", .integer(.uint), "100", "Time in milliseconds between two heartbeats of a leader."),
        Flag(
            "election-timeout", .integer(.uint), "1000",
            "Time in milliseconds without a leader after which a member stands for election. Requests time out after "
                + "5 s and twice this."),
        Flag(
            "initial-election-tick-advance", .boolean, "true",
            "Whether to stand for election early after a start. A member alone always does."),
        Flag(
            "listen-peer-urls", .urls, "http://localhost:2380",
            "URLs to listen at for other members: http://address:port, or unix://path."),
        Flag(
            "listen-client-urls", .urls, "http://localhost:2379",
            "URLs to listen at for clients: gRPC, and HTTP unless --listen-client-http-urls is set. "
                + "http://address:port, or unix://path."),
        Flag(
            "listen-client-http-urls", .urls, "",
            "URLs to listen at for clients of HTTP only. --listen-client-urls then serve gRPC only."),
        Flag(
            "max-snapshots", .integer(.uint), "5", "Maximum number of .snap files to keep (0 is unlimited).",
            deprecation: "--max-snapshots is deprecated in 3.6 and will be decommissioned in 3.7."),
        Flag("max-wals", .integer(.uint), "5", "Maximum number of log segments to keep (0 is unlimited)."),
        Flag(
            "memory-mlock", .boolean, "false", "Whether to keep the process's pages in memory.",
            .refused("the process's memory is not locked by this version")),
        Flag(
            "quota-backend-bytes", .integer(.int64), "0",
            "Size of the store's file in bytes above which writes are refused (0 is 2 GiB, negative is unlimited)."),
        Flag(
            "backend-bbolt-freelist-type", .text, "map", "How bbolt keeps its list of free pages: array or map.",
            .none("free pages are kept in a structure of Martlet's own; the file is the same")),
        Flag(
            "backend-batch-interval", .duration, "0s", "Longest time between two commits of the store (0 is 100 ms)."),
        Flag(
            "backend-batch-limit", .integer(.int), "0",
            "Number of changes after which the store is committed (0 is 10000)."),
        Flag("max-txn-ops", .integer(.uint), "128", "Maximum number of operations in a transaction."),
        Flag("max-request-bytes", .integer(.uint), "1572864", "Maximum size of a client's request in bytes."),
        Flag(
            "max-concurrent-streams", .count32, "4294967295",
            "Maximum number of streams that a client may have open on a connection."),
        Flag(
            "enable-grpc-gateway", .boolean, "true", "Whether to serve the HTTP gateway to the gRPC services.",
            .none("the gateway is not served by this version")),
        Flag(
            "grpc-keepalive-min-time", .duration, "5s",
            "Shortest time that a client must leave between two pings."),
        Flag(
            "grpc-keepalive-interval", .duration, "2h0m0s",
            "Time of silence after which the server pings a client (0 is never)."),
        Flag(
            "grpc-keepalive-timeout", .duration, "20s",
            "Time that a client may take to answer a ping before it is disconnected."),
        Flag(
            "socket-reuse-port", .boolean, "false",
            "Whether to set SO_REUSEPORT on listeners, so that a port in use can be bound again."),
        Flag(
            "socket-reuse-address", .boolean, "false",
            "Whether to set SO_REUSEADDR on listeners, so that an address in TIME_WAIT can be bound.",
            .none("it is always set, as Go's net package sets it on every listener")),
        Flag(
            "raft-read-timeout", .duration, "5s", "Time without data after which a connection from a peer is closed.",
            .none("it is always 5s")),
        Flag(
            "raft-write-timeout", .duration, "5s", "Time that a write to a peer may take.",
            .none("a peer that takes nothing has its messages dropped, and is dialled anew")),
    ]

    static let clustering: [Flag] =
        [
            Flag(
                "initial-advertise-peer-urls", .urls, "http://localhost:2380",
                "URLs at which other members are to reach this one."),
            Flag(
                "initial-cluster", .text, "default=http://localhost:2380",
                "Members of the cluster: name=URL, with commas between them; a name may stand several times. Of no meaning "
                    + "once there is data."),
            Flag(
                "initial-cluster-state", .choice(["new", "existing"]), "new",
                "Whether the cluster is new, or exists and is to be joined; of no meaning once there is data."),
            Flag(
                "initial-cluster-token", .text, "etcd-cluster",
                "Name that tells clusters with the same members apart."),
            Flag(
                "advertise-client-urls", .urls, "http://localhost:2379",
                "URLs that clients are told to reach this member at."),
            Flag(
                "strict-reconfig-check", .boolean, "true",
                "Whether to refuse changes of the membership that would cost the quorum."),
            Flag(
                "pre-vote", .boolean, "true", "Whether to ask before standing for election.",
                .none("members always ask, so that one which comes back disturbs nobody")),
            Flag(
                "auto-compaction-retention", .text, "0",
                "How much history automatic compaction keeps: a duration (a bare number is hours) or a number of "
                    + "revisions, by the mode. 0 is no automatic compaction."),
            Flag(
                "auto-compaction-mode", .text, "periodic",
                "What --auto-compaction-retention counts: periodic, revision."
            ),
            Flag(
                "max-learners", .integer(.int), "1", "Maximum number of learners in the cluster."),
            Flag(
                "discovery-fallback", .choice(["exit", "proxy"]), "exit",
                "What to do when discovery fails; `proxy` is gone from etcd."),
        ] + discovery

    /// Finding the other members of a cluster.
    private static let discovery: [Flag] = {
        let gone = Flag.Effect.refused("etcd's v2 discovery ended with its v2 API; use --discovery-endpoints")
        let noTLS = Flag.Effect.refused("this version does not speak TLS")
        let none = Flag.Effect.none("a request to discovery has its timeout, and connections no pings")
        return [
            Flag("discovery", .text, "", "URL of discovery by etcd's v2 protocol.", gone),
            Flag("discovery-proxy", .text, "", "HTTP proxy on the way to --discovery.", gone),
            Flag(
                "discovery-srv", .text, "",
                "DNS domain whose SRV records _etcd-server-ssl._tcp and _etcd-server._tcp name the members."),
            Flag("discovery-srv-name", .text, "", "Suffix of the services' names in DNS, behind a dash."),
            Flag(
                "discovery-endpoints", .uniqueWords, "",
                "Endpoints of another etcd in which the members of the new cluster find each other."),
            Flag("discovery-token", .text, "", "Name of the cluster there, and token of its ids."),
            Flag("discovery-dial-timeout", .duration, "2s", "Time that connecting to the other etcd may take."),
            Flag("discovery-request-timeout", .duration, "5s", "Time that a request to the other etcd may take."),
            Flag("discovery-keepalive-time", .duration, "2s", "Time between discovery's pings.", none),
            Flag("discovery-keepalive-timeout", .duration, "6s", "Timeout of discovery's pings.", none),
            Flag("discovery-insecure-transport", .boolean, "true", "Whether discovery goes without TLS.", noTLS),
            Flag(
                "discovery-insecure-skip-tls-verify", .boolean, "false",
                "Whether discovery's server need not show who it is.", .none("this version does not speak TLS")),
            Flag("discovery-cert", .text, "", "Certificate for discovery.", noTLS),
            Flag("discovery-key", .text, "", "Key for discovery.", noTLS),
            Flag("discovery-cacert", .text, "", "Authorities for discovery.", noTLS),
            Flag("discovery-user", .text, "", "User for discovery."),
            Flag("discovery-password", .text, "", "Password for discovery."),
        ]
    }()
}
