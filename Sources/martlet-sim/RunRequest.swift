internal import Simulation

/// A run to be made by a child process: one line of its standard input.
struct RunRequest: Equatable {
    var kind: RunKind
    var seed: UInt64
    var overrides = Overrides()
    /// Whether a failure tells of the last events in words.
    var isTold = false

    init(_ kind: RunKind, _ seed: UInt64, _ overrides: Overrides = Overrides(), isTold: Bool = false) {
        self.kind = kind
        self.seed = seed
        self.overrides = overrides
        self.isTold = isTold
    }

    /// nil if the line is not one of `line`.
    init?(line: String) {
        let words = line.split(separator: " ")
        guard words.count == 4, let kind = RunKind(rawValue: String(words[0])), let seed = UInt64(words[1]),
            let overrides = Overrides(words[2] == "-" ? "" : String(words[2])),
            let isTold = ["plain": false, "told": true][words[3]]
        else { return nil }
        self.init(kind, seed, overrides, isTold: isTold)
    }

    /// `KIND SEED OVERRIDES plain|told`
    var line: String {
        "\(kind.rawValue) \(seed) \(overrides.isEmpty ? "-" : "\(overrides)") \(isTold ? "told" : "plain")"
    }

    /// How a person makes this run again.
    func command(canary: String?) -> String {
        "martlet-sim --kind \(kind.rawValue) --seed \(seed)" + (overrides.isEmpty ? "" : " --overrides \(overrides)")
            + (canary.map { " --canary \($0)" } ?? "")
    }
}

/// What a child process says of a run: one line of its standard output, as JSON.
struct RunReport: Codable, Equatable {
    /// A rule that was broken.
    struct Failure: Codable, Equatable {
        var text: String
        var trace: [String] = []

        init(_ text: String, trace: [String] = []) {
            self.text = text
            self.trace = trace
        }

        /// What kind of failure it is, as far as its words before the first number or name tell. Shrinking keeps it.
        var sort: Substring {
            let words = text.prefix { !$0.isNumber && $0 != "\"" && $0 != ":" && $0 != "[" && $0 != "\n" }
            return words.isEmpty ? text.prefix(20) : words
        }
    }

    var kind: RunKind
    var seed: UInt64
    /// nil if a rule was broken.
    var outcome: RunOutcome?
    var failure: Failure?
    /// How often each branch with a mark was taken, by the mark's name.
    var marks: [String: Int] = [:]
    /// What the run took of a core, in nanoseconds.
    var processorNanoseconds: UInt64 = 0

    init(_ request: RunRequest, outcome: RunOutcome) {
        kind = request.kind
        seed = request.seed
        self.outcome = outcome
    }

    init(_ request: RunRequest, failure: Failure) {
        kind = request.kind
        seed = request.seed
        self.failure = failure
    }
}
