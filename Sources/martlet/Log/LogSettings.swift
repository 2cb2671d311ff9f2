internal import Logging
internal import Yams

/// Where the log goes, and in which form (etcd v3.6 `server/embed/config_logging.go`).
struct LogSettings: Equatable, Sendable {
    /// How a line is written.
    enum Format: String, Sendable {
        case json
        case console
    }

    /// One place that lines go to.
    enum Output: Hashable, Sendable {
        case standardError
        case standardOutput
        case file(path: String)
    }

    var level = Logger.Level.info
    var format = Format.json
    var outputs = [Output.standardError]
    /// Set if the file among `outputs` is rotated.
    var rotation: LogRotation?

    private static let levels: [String: Logger.Level] = [
        "debug": .debug, "DEBUG": .debug, "info": .info, "INFO": .info, "": .info, "warn": .warning, "WARN": .warning,
        "error": .error, "ERROR": .error, "dpanic": .critical, "panic": .critical, "PANIC": .critical,
        "fatal": .critical, "FATAL": .critical,
    ]

    init() {}

    init(_ flags: FlagSet) throws(ConfigurationError) {
        switch flags.text("logger") {
        case "zap": break
        case "capnslog": throw ConfigurationError("--logger=capnslog is removed in v3.5")
        case let other: throw ConfigurationError("unknown logger option \(GoText.quoted(other))")
        }
        let names = flags.words("log-outputs").isEmpty ? ["default"] : flags.words("log-outputs")
        if names.count > 1, names.contains("default") {
            throw ConfigurationError("multi logoutput for \"default\" is not supported yet")
        }
        outputs = try names.map(Self.output)
        if flags.boolean("enable-log-rotation") {
            guard outputs.count(where: \.isFile) == 1 else {
                throw ConfigurationError(
                    "--log-outputs requires a single file path when --log-rotate-config-json is defined")
            }
            rotation = try LogRotation(json: flags.text("log-rotation-config-json"))
        }
        let level = flags.text("log-level")
        guard let known = Self.levels[level] else {
            throw ConfigurationError("unrecognized level: \(GoText.quoted(level))")
        }
        self.level = known
        let format = flags.text("log-format")
        guard let known = format.isEmpty ? .json : Format(rawValue: format) else {
            throw ConfigurationError("unknown log format: \(format), supported values json, console")
        }
        self.format = known
    }

    private static func output(_ name: String) throws(ConfigurationError) -> Output {
        switch name {
        case "default", "stderr": return .standardError
        case "stdout": return .standardOutput
        case "systemd/journal":
            throw ConfigurationError(
                "--log-outputs=systemd/journal is not served by this version: use stderr, which systemd's journal reads"
            )
        case "": throw ConfigurationError("--log-outputs must not have an empty path")
        default: return .file(path: name)
        }
    }
}

extension LogSettings.Output {
    var isFile: Bool {
        if case .file = self { true } else { false }
    }
}

/// When a log file is begun anew, in the words of `--log-rotation-config-json`.
struct LogRotation: Equatable, Sendable {
    /// `maxsize`: length in bytes that a file may have.
    var maxByteCount = 100 << 20
    /// `maxage`: days after which a file that was put aside is removed; 0 keeps it.
    var maxAgeDays = 0
    /// `maxbackups`: files that were put aside and are kept; 0 keeps all.
    var maxBackupCount = 0
    /// `localtime`: whether the names of such files tell local time.
    var usesLocalTime = false

    init() {}

    init(json text: String) throws(ConfigurationError) {
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch {
            throw ConfigurationError("improperly formatted log rotation config: \(text)")
        }
        guard let mapping = node?.mapping else {
            throw ConfigurationError("invalid log rotation config: it is no object: \(text)")
        }
        func count(_ key: String, _ value: Node) throws(ConfigurationError) -> Int {
            guard let number = value.int, value.tag == Tag(.int), 0...1_000_000 ~= number else {
                throw ConfigurationError("invalid log rotation config: \(key) must be a whole number from 0 to 1000000")
            }
            return number
        }
        func flag(_ key: String, _ value: Node) throws(ConfigurationError) -> Bool {
            guard let flag = value.bool, value.tag == Tag(.bool) else {
                throw ConfigurationError("invalid log rotation config: \(key) must be true or false")
            }
            return flag
        }
        for (keyNode, value) in mapping {
            let key = (keyNode.string ?? "").lowercased()
            switch key {
            case "maxsize":
                let megabytes = try count(key, value)
                maxByteCount = (megabytes == 0 ? 100 : megabytes) << 20
            case "maxage": maxAgeDays = try count(key, value)
            case "maxbackups": maxBackupCount = try count(key, value)
            case "localtime": usesLocalTime = try flag(key, value)
            case "compress":
                if try flag(key, value) {
                    throw ConfigurationError(
                        "log rotation with \"compress\": true is not served by this version: rotated files stay as they are"
                    )
                }
            default: break
            }
        }
    }
}
