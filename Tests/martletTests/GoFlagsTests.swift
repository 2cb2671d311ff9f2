import Testing

@testable import martlet

/// Command lines as etcd reads them; the texts are those of a real etcd 3.5.1.
@Suite struct GoFlagsTests {
    private static let kinds: [String: GoFlags.Kind] = [
        "name": .text, "data-dir": .text, "snapshot-count": .integer, "strict": .boolean, "interval": .duration,
    ]

    private func parse(_ arguments: String...) throws -> GoFlags {
        var flags = GoFlags(Self.kinds)
        try flags.parse(arguments)
        return flags
    }

    private func refusal(_ arguments: [String]) -> String? {
        do throws(GoFlags.ParseError) {
            var flags = GoFlags(Self.kinds)
            try flags.parse(arguments)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func everyWayOfWritingAFlag() throws {
        #expect(try parse("--name", "a").text("name") == "a")
        #expect(try parse("-name", "a").text("name") == "a")
        #expect(try parse("--name=a").text("name") == "a")
        #expect(try parse("-name=a=b").text("name") == "a=b")
        #expect(try parse("--name=").text("name") == "")
        #expect(try parse("--name", "--data-dir").text("name") == "--data-dir")
        #expect(try parse("--name=a", "--name=b").text("name") == "b")
        #expect(try parse("--strict").boolean("strict") == true)
        #expect(try parse("--strict=false").boolean("strict") == false)
        #expect(try parse("--snapshot-count", "-5").integer("snapshot-count") == -5)
        #expect(try parse("--name=a", "--").text("name") == "a")
        #expect(try parse().text("name") == nil)
    }

    @Test(
        arguments: [
            ("0", 0), ("100ms", 100_000_000), ("1h30m", 5_400_000_000_000), ("1.5s", 1_500_000_000), ("2us", 2000),
            ("7µs", 7000), ("3ns", 3), ("1m0.5s", 60_500_000_000),
        ] as [(String, UInt64)])
    func durations(text: String, nanoseconds: UInt64) throws {
        #expect(try parse("--interval", text).nanoseconds("interval") == nanoseconds)
    }

    @Test(arguments: [
        (["--foo"], "flag provided but not defined: -foo"),
        (["-foo=1"], "flag provided but not defined: -foo"),
        (["--name"], "flag needs an argument: -name"),
        (["--snapshot-count=x"], "invalid value \"x\" for flag -snapshot-count: parse error"),
        (
            ["--snapshot-count", "9223372036854775808"],
            "invalid value \"9223372036854775808\" for flag -snapshot-count: parse error"
        ),
        (["--strict=maybe"], "invalid boolean value \"maybe\" for -strict: parse error"),
        (["--strict", "false"], "'false' is not a valid flag"),
        (["extra"], "'extra' is not a valid flag"),
        (["-"], "'-' is not a valid flag"),
        (["--", "x"], "'x' is not a valid flag"),
        (["---name=x"], "bad flag syntax: ---name=x"),
        (["--=x"], "bad flag syntax: --=x"),
        (["--interval=5"], "invalid value \"5\" for flag -interval: parse error"),
        (["--interval="], "invalid value \"\" for flag -interval: parse error"),
        (["--interval=1e400s"], "invalid value \"1e400s\" for flag -interval: parse error"),
        (["--interval=99999999999h"], "invalid value \"99999999999h\" for flag -interval: parse error"),
        (["--interval=-1s"], "invalid value \"-1s\" for flag -interval: parse error"),
    ])
    func whatCannotBeRead(arguments: [String], text: String) {
        #expect(refusal(arguments) == text)
    }

    @Test(arguments: [["-h"], ["--help"], ["--name=a", "--help=false"]])
    func helpIsAsked(arguments: [String]) {
        #expect(throws: GoFlags.ParseError.help) {
            var flags = GoFlags(Self.kinds)
            try flags.parse(arguments)
        }
    }

    // MARK: Environment

    @Test func variablesStandForFlags() throws {
        var flags = try parse("--name=flag")
        let notes = try flags.readEnvironment([
            "ETCD_NAME": "variable", "ETCD_DATA_DIR": "/data", "ETCD_SNAPSHOT_COUNT": "7", "ETCD_STRICT": "true",
            "ETCD_INTERVAL": "", "ETCD_FOO": "1", "ETCD_data_dir": "/other", "HOME": "/root", "ETCDCTL_API": "3",
        ])
        #expect(flags.text("name") == "flag")
        #expect(flags.text("data-dir") == "/data")
        #expect(flags.integer("snapshot-count") == 7 && flags.boolean("strict") == true)
        #expect(flags.nanoseconds("interval") == nil)
        #expect(
            notes == [
                "unrecognized environment variable ETCD_FOO=1",
                "environment variable ETCD_NAME is shadowed by the flag --name",
                "unrecognized environment variable ETCD_data_dir=/other",
            ])
    }

    @Test func aVariableThatCannotBeReadIsNamed() throws {
        var flags = try parse()
        let expected = GoFlags.ParseError.invalidValue(
            "x", .environment("ETCD_SNAPSHOT_COUNT"), reason: "parse error")
        #expect(throws: expected) { _ = try flags.readEnvironment(["ETCD_SNAPSHOT_COUNT": "x"]) }
        #expect(expected.description == "invalid value \"x\" for ETCD_SNAPSHOT_COUNT: parse error")
        #expect(!expected.isOfSyntax)
    }
}
