import ClientAPI
import GRPCCore
import Logging
import Node
import Testing

@testable import martlet

@Suite struct ServerConfigurationTests {
    private func refusal(_ arguments: [String], _ environment: [String: String] = [:]) -> String? {
        do {
            _ = try ServerConfiguration(arguments: arguments, environment: environment)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func defaultsAreEtcds() throws {
        let configuration = try ServerConfiguration(arguments: [])
        #expect(configuration.node.name == "default")
        #expect(configuration.node.dataDirectory.hasPrefix("/"))
        #expect(configuration.node.dataDirectory.hasSuffix("/default.etcd"))
        #expect(configuration.node.clientURLs == ["http://localhost:2379"])
        #expect(configuration.node.peerURLs == ["http://localhost:2380"])
        #expect(configuration.clientAddresses == [ListenAddress(host: "localhost", port: 2379)])
        #expect(configuration.node.snapshotEntryCount == 10_000 && configuration.node.maxWALCount == 5)
        #expect(configuration.services.quotaByteCount == 2_147_483_648)
        #expect(configuration.grpc.maxReceiveMessageByteCount == 1_572_864 + 512 * 1024)
        #expect(!configuration.printsVersion && configuration.notes.isEmpty)
    }

    @Test func flagsAndVariablesReachTheSettings() throws {
        let configuration = try ServerConfiguration(
            arguments: [
                "--name=m1", "--listen-client-urls", "http://127.0.0.1:4001, http://[::1]:4002/",
                "--advertise-client-urls", "http://10.0.0.1:4001", "--initial-advertise-peer-urls=http://10.0.0.1:2380",
                "--initial-cluster", "m1=http://10.0.0.1:2380", "--quota-backend-bytes=-1", "--max-request-bytes=1000",
                "--wal-dir=/fast", "--log-level=warn",
            ], environment: ["ETCD_DATA_DIR": "/data", "ETCD_BACKEND_BATCH_INTERVAL": "10ms", "ETCD_MAX_TXN_OPS": "9"])
        #expect(configuration.node.dataDirectory == "/data" && configuration.node.logDirectory == "/fast")
        #expect(
            configuration.clientAddresses == [
                ListenAddress(host: "127.0.0.1", port: 4001), ListenAddress(host: "::1", port: 4002),
            ])
        #expect(configuration.node.commitIntervalNanoseconds == 10_000_000)
        #expect(configuration.services.maxTxnOperationCount == 9 && configuration.services.quotaByteCount == 0)
        #expect(configuration.node.quotaByteCount == -1 && configuration.node.maxRequestByteCount == 1000)
        #expect(configuration.logLevel == .warning)
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
        (["--max-wals=-1"], "--max-wals must not be negative"),
        (
            ["--initial-cluster=default=http://a:1"],
            "--initial-cluster has default=http://a:1 but missing from "
                + "--initial-advertise-peer-urls=http://localhost:2380"
        ),
    ])
    func whatCannotBeCarriedOut(arguments: [String], text: String) {
        #expect(refusal(arguments) == text)
    }

    @Test func aClusterOfSeveralMembersIsRefused() {
        let text = refusal(["--initial-cluster=default=http://localhost:2380,other=http://a:2380"])
        #expect(text?.contains("clusters of one member") == true)
    }

    @Test func aVariableWithABadURLIsNamed() {
        #expect(
            refusal([], ["ETCD_LISTEN_PEER_URLS": "ftp://a:1"])
                == "invalid value \"ftp://a:1\" for ETCD_LISTEN_PEER_URLS: "
                + "URL scheme must be http, https, unix, or unixs: ftp://a:1")
    }

    @Test(arguments: ["http://a", "http://a:", "http://a:x", "http://a:65536", "http:a:1", "a:1", "", "http://"])
    func whatIsNoURL(text: String) {
        #expect(throws: ServerURL.Malformed.self) { try ServerURL(text) }
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
