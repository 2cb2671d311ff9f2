internal import Primitives
internal import Simulation

/// What the words of the command line ask for.
enum Command: Equatable {
    /// Many seeds, in child processes.
    case run(RunOptions)
    /// One seed, here.
    case replay(ReplayOptions)
    /// The seeds that broke a rule once, from a directory.
    case stored(directory: String, jobCount: Int)
    /// A child process: seeds from standard input, reports to standard output.
    case work(canary: String?)
    case checkHistory(path: String)
    /// The names of the known bugs.
    case canaries
    case help
}

/// Which seeds are run, and how.
struct RunOptions: Equatable {
    /// Each seed is run by each of them.
    var kinds: [RunKind] = [.cluster]
    var first: UInt64 = 1
    /// nil: as many as there is time for, or the canary's budget.
    var seedCount: UInt64?
    /// For how long to go on, in seconds of real time.
    var seconds: Double?
    var jobCount = 1
    var overrides = Overrides()
    var canary: String?
    /// Whether a run that breaks a rule is made smaller.
    var shrinks = true
    /// After so many no more seeds are begun.
    var mostFailures = 5
    /// A run that takes longer in real time has failed.
    var greatestSeconds: Double = 900

    static let defaultSeedCount: UInt64 = 1000
}

/// Which run is made again, and how it is told.
struct ReplayOptions: Equatable {
    var kind = RunKind.cluster
    var seed: UInt64
    var overrides = Overrides()
    var canary: String?
    /// Whether each event is told as it happens.
    var isTold = false
    /// Where to write what clients asked and were told.
    var history: String?
}

/// Words that cannot be understood.
struct UsageError: Error, Equatable, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }
}

extension Command {
    static let usage = """
        Usage: martlet-sim [--kind KINDS] [--first S] [--seeds N | --hours H] [--jobs N] [--overrides NAME=N,...]
                           [--no-shrink] [--most-failures N] [--timeout SECONDS] [--canary NAME]
               martlet-sim --seed N [--kind KIND] [--overrides NAME=N,...] [--trace] [--history FILE] [--canary NAME]
               martlet-sim --stored DIRECTORY [--jobs N]
               martlet-sim check-history FILE
               martlet-sim canaries

          --kind KINDS       what is simulated, several with commas between (cluster): \(RunKind.allCases.map(\.rawValue).joined(separator: " "))
          --first S          the first seed (1)
          --seeds N          how many (1000)
          --hours H          for how long to go on, in hours of real time, instead
          --jobs N           child processes at once (one for each core)
          --overrides LIST   settings that are not what the seed draws
          --no-shrink        do not make runs that break a rule smaller
          --most-failures N  begin no more seeds after so many that broke a rule (5)
          --timeout SECONDS  a run that takes longer has failed (900)
          --canary NAME      with a known bug in the core. Without --seeds or --hours, it is looked for where it must be
                             found, and the program ends with 0 if it is and with 1 if not
          --seed N           one run, here
          --trace            each event in words, as it happens
          --history FILE     where to write what clients asked and were told, if the run breaks a rule
          --stored DIRECTORY the seeds that broke a rule once (Tests/Seeds)

        It ends with 0 if no rule was broken, 1 if one was, and 2 if it does not understand. The last line is the summary.

        check-history judges a history recorded from processes (docs/internals/histories.md). It ends with 0 if nothing is wrong
        with it, 1 if something is, 2 if it cannot be read, and 3 if that could not be decided.
        """

    /// - Parameter coreCount: how many child processes there are if no other number is given.
    init(_ words: [String], coreCount: Int) throws(UsageError) {
        if words.first == "check-history" {
            guard words.count == 2 else { throw UsageError("check-history takes one file") }
            self = .checkHistory(path: words[1])
            return
        }
        if words == ["canaries"] {
            self = .canaries
            return
        }
        if words.contains("--help") || words.contains("-h") {
            self = .help
            return
        }
        var given = try GivenOptions(words)
        if given.takeFlag("--worker") {
            let canary = given.take("--canary")
            try given.finish("--worker")
            self = .work(canary: canary)
        } else if let directory = given.take("--stored") {
            let jobs = try given.takeNumber("--jobs", least: 1)
            try given.finish("--stored")
            self = .stored(directory: directory, jobCount: jobs.map(Int.init) ?? coreCount)
        } else if let seed = try given.takeNumber("--seed") {
            self = .replay(try Self.replay(seed, &given))
        } else {
            self = .run(try Self.run(&given, coreCount: coreCount))
        }
    }

    private static func replay(_ seed: UInt64, _ given: inout GivenOptions) throws(UsageError) -> ReplayOptions {
        var options = ReplayOptions(seed: seed)
        if let kinds = try given.takeKinds() {
            guard kinds.count == 1 else { throw UsageError("--seed takes one kind") }
            options.kind = kinds[0]
        }
        options.overrides = try given.takeOverrides()
        options.canary = given.take("--canary")
        options.isTold = given.takeFlag("--trace")
        options.history = given.take("--history")
        try given.finish("--seed")
        return options
    }

    private static func run(_ given: inout GivenOptions, coreCount: Int) throws(UsageError) -> RunOptions {
        var options = RunOptions()
        if let kinds = try given.takeKinds() { options.kinds = kinds }
        options.first = try given.takeNumber("--first") ?? 1
        options.seedCount = try given.takeNumber("--seeds", least: 1)
        options.seconds = try given.takeDecimal("--hours").map { $0 * 3600 }
        options.jobCount = try given.takeNumber("--jobs", least: 1).map(Int.init) ?? coreCount
        options.overrides = try given.takeOverrides()
        options.canary = given.take("--canary")
        options.shrinks = !given.takeFlag("--no-shrink")
        if let most = try given.takeNumber("--most-failures", least: 1) { options.mostFailures = Int(most) }
        if let seconds = try given.takeDecimal("--timeout") { options.greatestSeconds = seconds }
        try given.finish("a run of many seeds")
        if options.canary != nil, options.seedCount == nil, options.seconds == nil,
            options.kinds != [.cluster] || !options.overrides.isEmpty
        {
            throw UsageError("--canary says itself where it is looked for, without --seeds or --hours")
        }
        if options.seconds != nil, options.seedCount != nil { throw UsageError("either --seeds or --hours") }
        if options.seedCount == nil, options.seconds == nil, options.canary == nil {
            options.seedCount = RunOptions.defaultSeedCount
        }
        guard !options.first.addingReportingOverflow(options.seedCount ?? UInt64(UInt32.max)).overflow else {
            throw UsageError("there are not so many seeds from \(options.first) on")
        }
        return options
    }
}
