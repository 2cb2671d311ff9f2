import AutoCompaction
import ClientAPI
import GRPCCore
import HTTPAPI
import Logging
import Node
import Primitives
import Testing

@testable import martlet

@Suite struct ServerConfigurationTests {
    private func configuration(
        _ arguments: [String], _ environment: [String: String] = [:]
    ) throws -> ServerConfiguration {
        var flags = FlagSet()
        try flags.parse(arguments)
        return try Command.configuration(flags, environment)
    }

    private func refusal(_ arguments: [String], _ environment: [String: String] = [:]) -> String? {
        do {
            _ = try configuration(arguments, environment)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func defaultsAreEtcds() throws {
        let configuration = try configuration([])
        #expect(configuration.node.name == "default")
        #expect(configuration.node.dataDirectory.hasPrefix("/"))
        #expect(configuration.node.dataDirectory.hasSuffix("/default.etcd"))
        #expect(configuration.node.clientURLs == ["http://localhost:2379"])
        #expect(configuration.node.peerURLs == ["http://localhost:2380"])
        #expect(
            try configuration.clientListeners.map { try $0.listenAddress() }
                == [ListenAddress(host: "localhost", port: 2379)])
        #expect(configuration.access.hosts == nil && configuration.access.origins == nil)
        #expect(configuration.log == LogSettings())
        #expect(try configuration.features == FeatureGates(parsing: ""))
        #expect(configuration.node.requestTimeoutNanoseconds == 7_000_000_000)
        #expect(configuration.node.snapshotEntryCount == 10_000 && configuration.node.maxWALCount == 5)
        #expect(configuration.services.quotaByteCount == 2_147_483_648)
        #expect(configuration.grpc.maxReceiveMessageByteCount == 1_572_864 + 512 * 1024)
        #expect(configuration.notes.count == 3)
    }

    @Test func flagsAndVariablesReachTheSettings() throws {
        let configuration = try configuration(
            [
                "--name=m1", "--listen-client-urls", "http://127.0.0.1:4001, http://[::1]:4002,unix:///run/m.sock",
                "--advertise-client-urls", "http://10.0.0.1:4001", "--initial-advertise-peer-urls=http://10.0.0.1:2380",
                "--initial-cluster", "m1=http://10.0.0.1:2380", "--quota-backend-bytes=-1", "--max-request-bytes=1000",
                "--wal-dir=/fast", "--log-level=warn", "--election-timeout=2000", "--max-wals=0",
                "--host-whitelist=b,a", "--cors=http://x:1",
            ],
            ["ETCD_DATA_DIR": "/data", "ETCD_BACKEND_BATCH_INTERVAL": "10ms", "ETCD_MAX_TXN_OPS": "9"])
        #expect(configuration.node.dataDirectory == "/data" && configuration.node.logDirectory == "/fast")
        #expect(
            try configuration.clientListeners.map { try $0.listenAddress() } == [
                .tcp(host: "127.0.0.1", port: 4001), .tcp(host: "::1", port: 4002), .unixSocket(path: "/run/m.sock"),
            ])
        #expect(configuration.access.hosts == ["a", "b"] && configuration.access.origins == ["http://x:1"])
        #expect(configuration.node.requestTimeoutNanoseconds == 9_000_000_000 && configuration.node.maxWALCount == .max)
        #expect(configuration.node.commitIntervalNanoseconds == 10_000_000)
        #expect(configuration.services.maxTxnOperationCount == 9 && configuration.services.quotaByteCount == 0)
        #expect(configuration.node.quotaByteCount == -1 && configuration.node.maxRequestByteCount == 1000)
        #expect(configuration.log.level == .warning)
    }

    @Test(arguments: [
        (
            ["--listen-client-urls=http://127.0.0.1:1"],
            "--advertise-client-urls is required when --listen-client-urls is set explicitly"
        ),
        (
            ["--listen-client-urls=http://example.com:1", "--advertise-client-urls=http://a:1"],
            "expected IP in URL for binding (http://example.com:1)"
        ),
        (
            ["--listen-client-urls=ftp://a:1"],
            "invalid value \"ftp://a:1\" for flag -listen-client-urls: "
                + "URL scheme must be http, https, unix, or unixs: ftp://a:1"
        ),
        (
            ["--listen-peer-urls=http://127.0.0.1:1/x"],
            "invalid value \"http://127.0.0.1:1/x\" for flag -listen-peer-urls: "
                + "URL must not contain a path: http://127.0.0.1:1/x"
        ),
        (["--initial-cluster-state=bad"], "invalid value \"bad\" for flag -initial-cluster-state: invalid value"),
        (["--log-level=loud"], "unrecognized level: \"loud\""),
        (
            ["--cert-file=a"],
            "--cert-file is refused: TLS is not served by this version, and nothing is served in the clear instead"
        ),
        (
            ["--feature-gates=Foo=true"],
            "invalid value \"Foo=true\" for flag -feature-gates: unrecognized feature gate: Foo"
        ),
        (
            ["--feature-gates=LeaseCheckpoint"],
            "invalid value \"LeaseCheckpoint\" for flag -feature-gates: missing bool value for LeaseCheckpoint"
        ),
        (
            ["--feature-gates=LeaseCheckpointPersist=true"],
            "enabling feature gate LeaseCheckpointPersist requires enabling feature gate LeaseCheckpoint"
        ),
        (
            ["--feature-gates=LeaseCheckpoint=true", "--experimental-enable-lease-checkpoint=false"],
            "cannot specify both flags: --experimental-enable-lease-checkpoint=false and "
                + "--feature-gates=LeaseCheckpoint=true at the same time, please just use "
                + "--feature-gates=LeaseCheckpoint=true"
        ),
        (
            ["--experimental-max-learners=2", "--max-learners=2"],
            "cannot set --experimental-max-learners and --max-learners at the same time, please use --max-learners only"
        ),
        (
            ["--tls-min-version=TLS1.3", "--tls-max-version=TLS1.2"],
            "min version (TLS1.3) is greater than max version (TLS1.2)"
        ),
        (["--log-outputs=stderr,default"], "multi logoutput for \"default\" is not supported yet"),
        (["--log-format=xml"], "unknown log format: xml, supported values json, console"),
        (["--compact-hash-check-time=0"], "--compact-hash-check-time must be >0 (set to 0s)"),
        (
            ["--discovery-endpoints=a:1,", "--discovery-token=t"],
            "--discovery-endpoints must not contain empty endpoints"
        ),
        (["--discovery-token=t"], "both --discovery-token and --discovery-endpoints must be set"),
        (
            ["--discovery-insecure-transport=false"],
            "--discovery-insecure-transport is refused: this version does not speak TLS"
        ),
        (["--etcd-version=3.5"], "invalid value \"3.5\" for flag -etcd-version: invalid value"),
    ])
    func whatCannotBeCarriedOut(arguments: [String], text: String) {
        #expect(refusal(arguments) == text)
    }

    @Test func whereTheOtherMembersAreLearnedFrom() throws {
        let alone = try configuration(["--name=m", "--initial-advertise-peer-urls=http://b:2,http://a:1"])
        #expect(alone.bootstrap.source == .members("m=http://a:1,m=http://b:2") && !alone.bootstrap.isExisting)
        #expect(alone.bootstrap.peerURLs.map(\.text) == ["http://a:1", "http://b:2"])
        let list = "default=http://localhost:2380,other=http://a:2380"
        let joining = try configuration(["--initial-cluster", list, "--initial-cluster-state=existing"])
        #expect(joining.bootstrap.source == .members(list) && joining.bootstrap.isExisting)
        #expect(
            try configuration(["--discovery-srv=x.test", "--discovery-srv-name=y"]).bootstrap.source
                == .services(domain: "x.test", suffix: "y"))
        var registry = RegistrySettings()
        registry.endpoints = ["a:1", "b:1"]
        registry.token = "t"
        registry.user = "u"
        registry.password = "p"
        registry.requestTimeoutNanoseconds = 4_000_000_000
        let discovering = try configuration([
            "--discovery-endpoints=b:1,a:1", "--discovery-token=t", "--discovery-user=u", "--discovery-password=p",
            "--discovery-dial-timeout=1s", "--discovery-request-timeout=3s",
        ])
        #expect(discovering.bootstrap.source == .registry(registry))
    }

    @Test func whichEtcdToBe() throws {
        #expect(try configuration([]).node.etcdVersion == nil)
        #expect(try configuration(["--etcd-version=auto"]).node.etcdVersion == nil)
        #expect(try configuration(["--etcd-version=3.6"]).node.etcdVersion == .presented)
        #expect(try configuration(["--etcd-version=3.7"]).node.etcdVersion == .presented37)
        #expect(try configuration(["--force-new-cluster"]).node.forcesNewCluster)
    }

    @Test func aVariableWithABadURLIsNamed() {
        #expect(
            refusal([], ["ETCD_LISTEN_PEER_URLS": "ftp://a:1"])
                == "invalid value \"ftp://a:1\" for ETCD_LISTEN_PEER_URLS: "
                + "URL scheme must be http, https, unix, or unixs: ftp://a:1")
    }

    @Test(arguments: [
        "http://a", "http://a:x", "http://a:1:2", "http:a:1", "a:1", "", "http://", "http://[::1", "//a:1",
    ])
    func whatIsNoURL(text: String) {
        #expect(throws: FlagReason.self) { try ServerURL(text) }
    }

    @Test(arguments: [
        ("http://127.0.0.1:65536", "listen tcp: address 65536: invalid port"),
        ("https://127.0.0.1:1", "https://127.0.0.1:1 cannot be served: TLS is not served by this version"),
        ("unixs://a", "unixs://a cannot be served: TLS is not served by this version"),
        ("unix://", "unix:// does not name a socket: its path is empty or too long"),
    ])
    func whereNobodyCanListen(url: String, text: String) throws {
        #expect(throws: ConfigurationError(text)) { try ServerURL(url).listenAddress() }
        #expect(refusal(["--listen-client-urls", url, "--advertise-client-urls=http://a:1"]) == text)
    }

    @Test(
        arguments: [
            ("0", true, 0), ("", true, 0), ("5", true, 18_000_000_000_000), ("5m", true, 300_000_000_000),
            ("1000", false, 1000),
            ("9223372036854775807", true, .max),
        ] as [(String, Bool, Int64)])
    func retentions(text: String, isPeriodic: Bool, value: Int64) throws {
        let mode = isPeriodic ? "periodic" : "revision"
        let node = try configuration(["--auto-compaction-retention", text, "--auto-compaction-mode", mode]).node
        #expect(node.autoCompactionRetention == value)
        #expect(node.autoCompactionMode == (isPeriodic ? .periodic : .revision))
    }

    @Test(arguments: ["x", "-5", "1.5"])
    func whatIsNoRetention(text: String) {
        #expect(
            refusal(["--auto-compaction-retention", text])
                == "error parsing CompactionRetention: time: invalid duration \"\(text)\"")
    }

    @Test func gatesAndTheirFlagsOfBefore() throws {
        let gates = try configuration([
            "--feature-gates", "AllAlpha=true,PriorityRequest=false",
            "--experimental-txn-mode-write-with-shared-buffer=0",
        ]).features
        #expect(gates.isEnabled(.leaseCheckpoint) && gates.isEnabled(.compactHashCheck))
        #expect(!gates.isEnabled(.priorityRequest) && !gates.isEnabled(.txnModeWriteWithSharedBuffer))
        #expect(gates.isEnabled(.fastLeaseKeepAlive))
    }

    @Test func aFlagWithoutEffectIsToldOf() throws {
        let notes = try configuration(["--name=m", "--unsafe-no-fsync", "--pre-vote", "--experimental-max-learners=3"])
            .notes
        #expect(
            notes.contains(
                Note(
                    "a flag has no effect", ["flag": "unsafe-no-fsync", "reason": "everything is synced nevertheless"]))
        )
        #expect(!notes.contains { $0.fields["flag"] == "pre-vote" })
        #expect(notes.contains { $0.message.hasPrefix("--experimental-max-learners is deprecated") })
    }

    @Test func logRotationIsRead() throws {
        let json = #"{"maxsize": 2, "maxage": 3, "maxbackups": 4, "localtime": true, "unknown": 1}"#
        let log = try configuration([
            "--enable-log-rotation", "--log-outputs=stderr,/tmp/m.log", "--log-rotation-config-json", json,
        ]).log
        #expect(log.outputs == [.file(path: "/tmp/m.log"), .standardError])
        #expect(log.rotation?.maxByteCount == 2 << 20 && log.rotation?.maxAgeDays == 3)
        #expect(log.rotation?.maxBackupCount == 4 && log.rotation?.usesLocalTime == true)
        for bad in [
            "{bad", "3", #"{"maxsize": "x"}"#, #"{"maxage": -1}"#, #"{"compress": true}"#, #"{"localtime": 1}"#,
        ] {
            let text = refusal(["--enable-log-rotation", "--log-outputs=a.log", "--log-rotation-config-json", bad])
            #expect(text?.contains("log rotation") == true, "\(bad)")
        }
    }

    @Test func exitCodes() {
        #expect(Command.run(["--version"], environment: [:]) == 0)
        #expect(Command.run(["--help"], environment: [:]) == 0)
        #expect(Command.run(["--foo"], environment: [:]) == 2)
        #expect(Command.run(["extra"], environment: [:]) == 1)
        #expect(Command.run([], environment: ["ETCD_MAX_WALS": "x"]) == 1)
    }

    @Test func aListenErrorSaysWhereAndWhy() {
        let address = ListenAddress(host: "127.0.0.1", port: 2379)
        let error = ListenError(address: address, cause: .system(call: "bind", errorNumber: 98))
        #expect(error.description == "listen tcp 127.0.0.1:2379: bind: address already in use")
        let unknown = ListenError(
            address: ListenAddress(host: "::1", port: 1), cause: .unresolvedHost("nest", reason: "no such host"))
        #expect(unknown.description == "listen tcp [::1]:1: lookup nest: no such host")
    }
}
