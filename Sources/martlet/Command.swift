internal import Environment
internal import Logging
internal import Platform
internal import Primitives

/// The command line: flags in, exit code out. Texts and codes are etcd's (etcd v3.6 `server/etcdmain`).
enum Command {
    /// Runs the server until it is told to end, or prints what was asked for. Answers the process's exit code: 2 for a
    /// command line that cannot be read, 1 for one that cannot be carried out.
    ///
    /// - Parameter arguments: the command line without the program's name, which matters not: a link named `etcd` is one.
    static func run(_ arguments: [String], environment: [String: String]) -> Int32 {
        var flags = FlagSet()
        do throws(FlagError) {
            try flags.parse(arguments)
        } catch .help {
            print(FlagHelp.usage + FlagHelp.flags)
            return 0
        } catch {
            if error.isOfSyntax {
                StandardStream.error.write("\(error)\n\(FlagHelp.usage)")
                return 2
            }
            return refuse(error)
        }
        if flags.boolean("version") {
            print(versionText)
            return 0
        }
        do {
            return try serve(try configuration(flags, environment), arguments)
        } catch {
            return refuse(error)
        }
    }

    /// What is asked for: by the configuration file if there is one, else by flags and environment.
    static func configuration(_ given: FlagSet, _ environment: [String: String]) throws -> ServerConfiguration {
        let path = given.text("config-file")
        let file = path.isEmpty ? environment["ETCD_CONFIG_FILE"] ?? "" : path
        if file.isEmpty {
            var flags = given
            let notes = try flags.readEnvironment(environment)
            return try ServerConfiguration(flags, notes: notes)
        }
        let (flags, notes) = try ConfigurationFile.read(try TextFile.read(file))
        let loaded = Note(
            "loaded server configuration, other configuration command line flags and environment variables will be "
                + "ignored if provided", ["path": file], isWarning: false)
        return try ServerConfiguration(flags, notes: [loaded] + notes)
    }

    private static func serve(_ configuration: ServerConfiguration, _ arguments: [String]) throws -> Int32 {
        let clock = RealClock()
        let log = configuration.log
        let sink = try LogSink(log)
        LoggingSystem.bootstrap { _ in ZapLogHandler(level: log.level, format: log.format, clock: clock, sink: sink) }
        return Server(configuration: configuration, arguments: arguments, clock: clock, shutdown: ShutdownRequest())
            .run()
    }

    /// Says what is wrong, where there is no logger yet.
    private static func refuse(_ error: any Error) -> Int32 {
        let clock = RealClock()
        let logger = Logger(label: "martlet") { _ in ZapLogHandler(level: .info, clock: clock, sink: LogSink()) }
        logger.warning("failed to verify flags", metadata: ["error": "\(error)"])
        return 1
    }

    /// What `--version` prints: etcd's own first line, which tools read, then ours.
    private static var versionText: String {
        """
        etcd Version: \(EtcdVersion.presented)
        Martlet Version: \(MartletVersion.current)
        Swift Version: \(MartletVersion.swift)
        """
    }
}
