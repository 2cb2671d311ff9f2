/// A line for the log, in etcd's words where operators look for them.
package struct PeerLogLine: Sendable {
    /// How much it matters.
    package enum Level: Sendable {
        case debug, info, warning, error
    }

    package let level: Level
    package let message: String
    /// Names and texts, in the order in which they were given.
    package let fields: [(name: String, text: String)]

    init(_ level: Level, _ message: String, _ fields: [(name: String, text: String)] = []) {
        self.level = level
        self.message = message
        self.fields = fields
    }
}
