internal import Environment
internal import Logging
internal import Platform
internal import Primitives

/// The command line: flags in, exit code out. Texts and codes are etcd's (etcd v3.6 `server/etcdmain`).
enum Command {
    /// Runs the server until it is told to end, or prints what was asked for. Answers the process's exit code: 2 for a
    /// command line that cannot be read, 1 for one that cannot be carried out.
    static func run(_ arguments: [String], environment: [String: String]) -> Int32 {
        let clock = RealClock()
        let configuration: ServerConfiguration
        do {
            configuration = try ServerConfiguration(arguments: arguments, environment: environment)
        } catch GoFlags.ParseError.help {
            print(ServerConfiguration.usage + ServerConfiguration.flagList)
            return 0
        } catch let error as GoFlags.ParseError where error.isOfSyntax {
            StandardError.write("\(error)\n\(ServerConfiguration.usage)")
            return 2
        } catch {
            let logger = Logger(label: "martlet") { _ in ZapLogHandler(level: .info, clock: clock) }
            logger.warning("failed to verify flags", metadata: ["error": "\(error)"])
            return 1
        }
        if configuration.printsVersion {
            print(versionText)
            return 0
        }
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
