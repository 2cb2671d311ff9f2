import Testing

@testable import martlet

/// Configuration files as etcd reads them; the texts are those of a real etcd 3.5.1.
@Suite struct ConfigurationFileTests {
    private func refusal(_ text: String) -> String? {
        do {
            _ = try ConfigurationFile.read(text)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func everyKindOfValue() throws {
        let (flags, notes) = try ConfigurationFile.read(
            """
            name: m1
            snapshot-count: 0x10
            quota-backend-bytes: -1
            pre-vote: false
            grpc-keepalive-interval: 600000000000
            log-outputs: [stdout, "/var/log/m"]
            listen-client-urls: http://127.0.0.1:1,http://127.0.0.1:2
            feature-gates: {LeaseCheckpoint: true}
            wal-dir:
            Max-Wals: 7
            """)
        #expect(flags.text("name") == "m1" && flags.unsigned("snapshot-count") == 16)
        #expect(flags.integer("quota-backend-bytes") == -1 && !flags.boolean("pre-vote"))
        #expect(flags.nanoseconds("grpc-keepalive-interval") == 600_000_000_000)
        #expect(flags.words("log-outputs") == ["/var/log/m", "stdout"])
        #expect(flags.urls("listen-client-urls").count == 2 && !flags.isSet("wal-dir"))
        #expect(flags.text("feature-gates") == "LeaseCheckpoint=true" && flags.unsigned("max-wals") == 7)
        #expect(notes.isEmpty)
    }

    @Test func nestedKeysAreFlags() throws {
        let (flags, notes) = try ConfigurationFile.read(
            """
            client-transport-security: {cert-file: a, client-cert-auth: true, allowed-hostname: [x, y]}
            peer-transport-security: {cert-file: b, allowed-cn: [z], skip-client-san-verification: true, other: 1}
            socket-options: {reuse-port: true, reuse-address: true}
            discovery-config: {discovery-token: t, endpoints: [e]}
            unknown: {a: 1}
            """)
        #expect(flags.text("cert-file") == "a" && flags.boolean("client-cert-auth"))
        #expect(flags.words("client-cert-allowed-hostname") == ["x", "y"])
        #expect(flags.text("peer-cert-file") == "b" && flags.words("peer-cert-allowed-cn") == ["z"])
        #expect(flags.boolean("peer-skip-client-san-verification"))
        #expect(flags.boolean("socket-reuse-port") && flags.boolean("socket-reuse-address"))
        #expect(flags.text("discovery-token") == "t" && flags.words("discovery-endpoints") == ["e"])
        #expect(notes.map(\.fields) == [["key": "peer-transport-security.other"], ["key": "unknown"]])
    }

    @Test func jsonAndNothingAreFilesToo() throws {
        #expect(try ConfigurationFile.read(#"{"name": "j", "max-wals": 3}"#).flags.text("name") == "j")
        #expect(try ConfigurationFile.read("").flags.given.isEmpty)
        #expect(try ConfigurationFile.read("# nothing\n").flags.given.isEmpty)
    }

    private static let decoding = "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "

    @Test(arguments: [
        ("snapshot-count: abc", decoding + "string into Go struct field configYAML.snapshot-count of type uint64"),
        (
            "grpc-keepalive-interval: 5s",
            decoding + "string into Go struct field configYAML.grpc-keepalive-interval of type time.Duration"
        ),
        ("pre-vote: \"true\"", decoding + "string into Go struct field configYAML.pre-vote of type bool"),
        ("pre-vote: 1", decoding + "number into Go struct field configYAML.pre-vote of type bool"),
        ("name: 5", decoding + "number into Go struct field configYAML.name of type string"),
        ("name: true", decoding + "bool into Go struct field configYAML.name of type string"),
        ("name: [a]", decoding + "array into Go struct field configYAML.name of type string"),
        ("max-wals: {}", decoding + "object into Go struct field configYAML.max-wals of type uint"),
        ("max-wals: -5", decoding + "number -5 into Go struct field configYAML.max-wals of type uint"),
        ("max-wals: 1.5", decoding + "number 1.5 into Go struct field configYAML.max-wals of type uint"),
        ("- a", decoding + "array into Go value of type embed.configYAML"),
        ("socket-options: 3", "invalid socket-options"),
        (
            "listen-client-urls: foo",
            "unexpected error setting up listen-client-urls: URL scheme must be http, https, unix, or unixs: foo"
        ),
    ])
    func whatDoesNotFit(text: String, refusal expected: String) {
        #expect(refusal(text) == expected)
    }

    @Test func whatIsNoYAML() {
        #expect(refusal("name: [a")?.hasPrefix("error converting YAML to JSON: yaml: line ") == true)
        #expect(refusal("name: a\nname: b")?.contains("twice: name") == true)
        #expect(refusal("a: \u{0}") != nil)
    }
}
