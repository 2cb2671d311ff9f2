internal import Environment
internal import Logging
internal import Platform
internal import Primitives

/// The command line: flags in, exit code out.
enum Command {
    /// Runs the server until it is told to end, or prints what was asked for. Answers the process's exit code.
    static func run(_ arguments: [String]) -> Int32 {
        let configuration: ServerConfiguration
        do {
            configuration = try ServerConfiguration(arguments: arguments)
        } catch GoFlags.ParseError.help {
            print(ServerConfiguration.usage)
            return 0
        } catch {
            let text = "error verifying flags, \(error). See 'martlet --help'.\n"
            StandardError.write(text)
            return 1
        }
        if configuration.printsVersion {
            print(versionText)
            return 0
        }
        let clock = RealClock()
        let level = configuration.logLevel
        LoggingSystem.bootstrap { _ in ZapLogHandler(level: level, clock: clock) }
        return Server(configuration: configuration, clock: clock, shutdown: ShutdownRequest()).run()
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
