internal import Yams

/// The configuration file: YAML, of which JSON is a part, with the names of flags as keys and a few nested ones (etcd v3.6
/// `server/embed/config.go`, `configYAML`). What it sets, it sets as the flags would.
///
/// ```
/// name: m1
/// listen-client-urls: http://127.0.0.1:2379
/// client-transport-security: {cert-file: ...}      -> --cert-file
/// peer-transport-security: {cert-file: ...}        -> --peer-cert-file
/// socket-options: {reuse-port: true}               -> --socket-reuse-port
/// discovery-config: {discovery-token: ...}         -> --discovery-token
/// ```
///
/// Durations are whole numbers of nanoseconds there. Keys that stand for nothing are ignored, as etcd does, but told of.
struct ConfigurationFile {
    private(set) var notes: [Note] = []
    private var flags: FlagSet

    /// Reads a file's text.
    ///
    /// - Returns: the flags that it sets, and what an operator should know.
    /// - Throws: `ConfigurationError`, or `FlagError` for a value that is none of its flag.
    static func read(_ text: String) throws -> (flags: FlagSet, notes: [Note]) {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw ConfigurationError("error converting YAML to JSON: yaml: \(Self.reason(error))")
        }
        var file = ConfigurationFile(flags: FlagSet())
        if let root, root.tag != Tag(.null) { try file.read(root) }
        return (file.flags, file.notes)
    }

    private init(flags: FlagSet) {
        self.flags = flags
    }

    private mutating func read(_ root: Node) throws {
        for (key, value) in try pairs(root, of: "embed.configYAML") {
            switch key {
            case "client-transport-security":
                try readNested(key, value) { ["allowed-hostname": "client-cert-allowed-hostname"][$0] ?? $0 }
            case "peer-transport-security":
                try readNested(key, value) {
                    ["allowed-cn": "peer-cert-allowed-cn", "allowed-hostname": "peer-cert-allowed-hostname"][$0]
                        ?? "peer-\($0)"
                }
            case "socket-options": try readNested(key, value) { "socket-\($0)" }
            case "discovery-config": try readNested(key, value) { $0.hasPrefix("discovery-") ? $0 : "discovery-\($0)" }
            case "feature-gates" where value.mapping != nil:
                let gates = try pairs(value, of: "string").map { "\($0.0)=\($0.1.string ?? "")" }
                try set(key, gates.joined(separator: ","))
            default: try read(key, value, path: key)
            }
        }
    }

    private mutating func readNested(_ section: String, _ node: Node, flag: (String) -> String) throws {
        guard node.mapping != nil else { throw ConfigurationError("invalid \(section)") }
        for (key, value) in try pairs(node, of: section) {
            try read(flag(key), value, path: "\(section).\(key)")
        }
    }

    private mutating func read(_ name: String, _ node: Node, path: String) throws {
        guard let flag = flags.flag(name), name != "config-file", name != "version" else {
            notes.append(Note("unrecognized key in the configuration file", ["key": path]))
            return
        }
        if let text = try text(node, for: flag, path: path) { try set(name, text) }
    }

    private mutating func set(_ name: String, _ text: String) throws {
        do throws(FlagError) {
            try flags.set(name, fromFile: text)
        } catch {
            throw error
        }
    }

    /// A value as the flag would be given it; nil for none.
    private func text(_ node: Node, for flag: Flag, path: String) throws -> String? {
        let type = flag.kind.goName
        func mismatch(_ found: String) -> ConfigurationError {
            ConfigurationError(
                "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal \(found) into Go struct field "
                    + "configYAML.\(path) of type \(type)")
        }
        switch node.tag {
        case Tag(.null): return nil
        case Tag(.bool):
            guard type == "bool", let value = node.bool else { throw mismatch("bool") }
            return "\(value)"
        case Tag(.int), Tag(.float):
            let number = node.string ?? ""
            guard type != "bool", type != "string" else { throw mismatch("number") }
            guard let value = node.int else { throw mismatch("number \(number)") }
            if flag.kind == .duration { return "\(value)ns" }
            guard (try? flag.kind.value(of: "\(value)")) != nil else { throw mismatch("number \(number)") }
            return "\(value)"
        case Tag(.seq):
            guard flag.kind == .words || flag.kind == .uniqueWords, let items = node.sequence else {
                throw mismatch("array")
            }
            return items.compactMap(\.string).joined(separator: ",")
        case Tag(.map): throw mismatch("object")
        default:
            guard type == "string" else { throw mismatch("string") }
            return node.string
        }
    }

    /// The entries of a mapping. Go's decoder does not tell capital letters in keys.
    private func pairs(_ node: Node, of type: String) throws -> [(String, Node)] {
        guard let mapping = node.mapping else {
            throw ConfigurationError(
                "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "
                    + "\(node.sequence != nil ? "array" : "string") into Go value of type \(type)")
        }
        return mapping.map { (type == "string" ? $0.key.string ?? "" : ($0.key.string ?? "").lowercased(), $0.value) }
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? YamlError else { return "\(error)" }
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return "line \(mark.line): \(problem)"
        case .duplicatedKeysInMapping(let duplicates, _):
            return "keys that stand twice: \(duplicates.joined(separator: ", "))"
        default: return "\(error)"
        }
    }
}
