/// What `--help` prints.
enum FlagHelp {
    static let usage = """
        Usage:

          martlet [flags]
            Start an etcd server.

          martlet --version
            Show the version of etcd that the server presents, and its own.

          martlet -h | --help
            Show the flags, which are etcd's.

          martlet --config-file
            Path to the server configuration file. If it is given, other flags and the environment are ignored.


        """

    /// All flags in their groups, those of before without a word each.
    static var flags: String {
        var text = ""
        for (group, flags) in FlagTable.byGroup where group != .deprecated {
            text += "\(group.rawValue):\n"
            for flag in flags {
                text += "  --\(flag.name) '\(flag.defaultText)'\n    \(flag.help)\n"
                if let note = flag.effectNote { text += "    \(note)\n" }
            }
            text += "\n"
        }
        let old = (FlagTable.byGroup.first { $0.group == .deprecated }?.flags ?? []).map { "--\($0.name)" }
        return text + "Deprecated:\n  " + old.joined(separator: "\n  ")
            + "\n\nEach flag is also a variable of the environment, such as ETCD_DATA_DIR for --data-dir.\n"
    }
}
