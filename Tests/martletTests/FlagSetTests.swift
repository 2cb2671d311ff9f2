import Testing

@testable import martlet

/// Command lines as etcd reads them; the texts are those of a real etcd 3.5.1.
@Suite struct FlagSetTests {
    private static let table = [
        Flag("name", .text, "default", ""), Flag("data-dir", .text, "", ""),
        Flag("snapshot-count", .integer(.int64), "0", ""), Flag("strict", .boolean, "false", ""),
        Flag("interval", .duration, "0s", ""), Flag("limit", .integer(.uint), "5", ""),
        Flag("old-limit", .integer(.uint), "5", "", .alias(of: "limit")),
    ]

    private func parse(_ arguments: String...) throws -> FlagSet {
        var flags = FlagSet(Self.table)
        try flags.parse(arguments)
        return flags
    }

    private func refusal(_ arguments: [String]) -> String? {
        do throws(FlagError) {
            var flags = FlagSet(Self.table)
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
        #expect(try parse().text("name") == "default" && !(try parse().isSet("name")))
    }

    @Test(
        arguments: [
            ("0", 0), ("100ms", 100_000_000), ("1h30m", 5_400_000_000_000), ("1.5s", 1_500_000_000), ("2us", 2000),
            ("7µs", 7000), ("3ns", 3), ("1m0.5s", 60_500_000_000),
            ("-1s", -1_000_000_000), ("+.5h", 1_800_000_000_000), ("1.s", 1_000_000_000), ("3μs", 3000),
        ] as [(String, Int64)])
    func durations(text: String, nanoseconds: Int64) throws {
        #expect(try parse("--interval", text).nanoseconds("interval") == nanoseconds)
    }

    @Test(arguments: [
        (["--foo"], "flag provided but not defined: -foo"),
        (["-foo=1"], "flag provided but not defined: -foo"),
        (["--name"], "flag needs an argument: -name"),
        (["--snapshot-count=x"], "invalid value \"x\" for flag -snapshot-count: parse error"),
        (
            ["--snapshot-count", "9223372036854775808"],
            "invalid value \"9223372036854775808\" for flag -snapshot-count: value out of range"
        ),
        (["--strict=maybe"], "invalid boolean value \"maybe\" for -strict: parse error"),
        (["--strict", "false"], "\"false\" is not a valid flag"),
        (["extra"], "\"extra\" is not a valid flag"),
        (["-"], "\"-\" is not a valid flag"),
        (["--", "x"], "\"x\" is not a valid flag"),
        (["---name=x"], "bad flag syntax: ---name=x"),
        (["--=x"], "bad flag syntax: --=x"),
        (["--interval=5"], "invalid value \"5\" for flag -interval: parse error"),
        (["--interval="], "invalid value \"\" for flag -interval: parse error"),
        (["--interval=1e400s"], "invalid value \"1e400s\" for flag -interval: parse error"),
        (["--interval=99999999999h"], "invalid value \"99999999999h\" for flag -interval: parse error"),
        (["--interval=1"], "invalid value \"1\" for flag -interval: parse error"),
        (["--interval=.s"], "invalid value \".s\" for flag -interval: parse error"),
        (["--limit=-1"], "invalid value \"-1\" for flag -limit: parse error"),
        (["--limit=08"], "invalid value \"08\" for flag -limit: parse error"),
        (["--limit=1__0"], "invalid value \"1__0\" for flag -limit: parse error"),
        (["--limit=0x"], "invalid value \"0x\" for flag -limit: parse error"),
        (
            ["--limit=18446744073709551616"],
            "invalid value \"18446744073709551616\" for flag -limit: value out of range"
        ),
    ])
    func whatCannotBeRead(arguments: [String], text: String) {
        #expect(refusal(arguments) == text)
    }

    @Test(arguments: [["-h"], ["--help"], ["--name=a", "--help=false"]])
    func helpIsAsked(arguments: [String]) {
        #expect(throws: FlagError.help) {
            var flags = FlagSet(Self.table)
            try flags.parse(arguments)
        }
    }

    // MARK: Environment

    @Test func variablesStandForFlags() throws {
        var flags = try parse("--name=flag")
        let notes = try flags.readEnvironment([
            "ETCD_NAME": "variable", "ETCD_DATA_DIR": "/data", "ETCD_SNAPSHOT_COUNT": "7", "ETCD_STRICT": "true",
            "ETCD_INTERVAL": "", "ETCD_FOO": "1", "ETCD_data_dir": "/other", "HOME": "/h", "ETCDCTL_API": "3",
            "ETCD_VERSION": "3",
        ])
        #expect(flags.text("name") == "flag")
        #expect(flags.text("data-dir") == "/data")
        #expect(flags.integer("snapshot-count") == 7 && flags.boolean("strict") == true)
        #expect(!flags.isSet("interval"))
        #expect(
            notes == [
                Note("unrecognized environment variable", ["environment-variable": "ETCD_FOO=1"]),
                Note(
                    "environment variable is shadowed by corresponding command-line flag",
                    ["environment-variable": "ETCD_NAME"]),
                Note("cannot set special environment variable", ["key": "ETCD_VERSION", "value": "3"]),
                Note("unrecognized environment variable", ["environment-variable": "ETCD_data_dir=/other"]),
            ])
    }

    @Test func aVariableThatCannotBeReadIsNamed() throws {
        var flags = try parse()
        let expected = FlagError.invalidValue(
            "x", .environment("ETCD_SNAPSHOT_COUNT"), reason: "parse error")
        #expect(throws: expected) { _ = try flags.readEnvironment(["ETCD_SNAPSHOT_COUNT": "x"]) }
        #expect(expected.description == "invalid value \"x\" for ETCD_SNAPSHOT_COUNT: parse error")
        #expect(!expected.isOfSyntax)
    }

    // MARK: Values

    @Test(
        arguments: [
            ("10", 10), ("0x1F", 31), ("0b101", 5), ("0o17", 15), ("017", 15), ("1_000", 1000), ("0x_f", 15), ("0", 0),
        ] as [(String, UInt64)])
    func numbersAsGoWritesThem(text: String, value: UInt64) throws {
        #expect(try parse("--limit", text).unsigned("limit") == value)
        #expect(try parse("--snapshot-count", "-" + text).integer("snapshot-count") == -Int64(value))
    }

    @Test func theSmallestAndTheLargest() throws {
        #expect(try parse("--limit=18446744073709551615").unsigned("limit") == .max)
        #expect(try parse("--snapshot-count=-9223372036854775808").integer("snapshot-count") == .min)
        #expect(try parse("--snapshot-count=9223372036854775807").integer("snapshot-count") == .max)
    }

    @Test func aNameOfBeforeStandsForTheOneOfNow() throws {
        var flags = try parse("--old-limit=7")
        try flags.resolveAliases()
        #expect(flags.unsigned("limit") == 7 && flags.differsFromDefault("limit"))
        var both = try parse("--old-limit=7", "--limit=7")
        #expect(throws: FlagError.bothNames(old: "old-limit", new: "limit")) { try both.resolveAliases() }
    }

    @Test(
        arguments: [
            (0, "0s"), (1, "1ns"), (1500, "1.5µs"), (300_000_000, "300ms"), (1_500_000_000, "1.5s"),
            (60_000_000_000, "1m0s"),
            (7_200_000_000_000, "2h0m0s"), (-5_000_000_000, "-5s"), (.min, "-2562047h47m16.854775808s"),
        ] as [(Int64, String)])
    func durationsAsGoPrintsThem(nanoseconds: Int64, text: String) {
        #expect(GoText.duration(nanoseconds) == text)
    }

    @Test(
        arguments: [
            (-1, "0 B"), (0, "0 B"), (9, "9 B"), (10, "10 B"), (999, "999 B"), (1000, "1.0 kB"), (1049, "1.0 kB"),
            (1050, "1.1 kB"), (9960, "10 kB"), (1_462_272, "1.5 MB"), (234_262_528, "234 MB"), (999_999, "1000 kB"),
            (8 << 30, "8.6 GB"), (.max, "9.2 EB"),
        ] as [(Int, String)])
    func sizesAsTheLogOfEtcdHasThem(byteCount: Int, text: String) {
        #expect(GoText.size(byteCount) == text)
    }

    // MARK: The table

    @Test func everyDefaultIsAValueAndEveryNameIsThereOnce() {
        // Making it reads all defaults.
        let flags = FlagSet()
        #expect(flags.given.isEmpty)
        #expect(FlagTable.all.count == Set(FlagTable.all.map(\.name)).count && FlagTable.all.count > 150)
        for flag in FlagTable.all {
            guard case .alias(let name) = flag.effect else { continue }
            #expect(flags.flag(name)?.kind == flag.kind && flag.deprecation != nil, "\(flag.name)")
        }
    }
}
