/// What a flag takes, as Go and etcd read it (Go's `flag` package; etcd v3.6 `pkg/flags`).
enum FlagKind: Equatable, Sendable {
    case text
    case boolean
    case integer(GoInteger)
    /// A 32-bit number whose errors have the text of another function of Go's.
    case count32
    /// A length of time as Go writes it, such as `100ms` or `1h30m`, with a sign or without.
    case duration
    /// Words with commas between them, in the order given.
    case words
    /// Words with commas between them, sorted, each once.
    case uniqueWords
    /// URLs with commas between them, sorted, each once; or nothing.
    case urls
    /// URLs with commas between them, or `*`.
    case origins
    /// One of these words. The error names the value where etcd's does.
    case choice([String], namesValue: Bool = false)
    /// `Gate=true,Other=false`.
    case gates
    /// A flag of long ago.
    case forgotten

    /// Whether the flag may stand alone.
    var isBoolean: Bool { self == .boolean || self == .forgotten }

    /// What a configuration file calls the type of its field, in the words of Go's JSON decoder.
    var goName: String {
        switch self {
        case .boolean: "bool"
        case .integer(let type): type.rawValue
        case .count32: "uint32"
        case .duration: "time.Duration"
        default: "string"
        }
    }

    /// Reads a value.
    ///
    /// - Throws: the reason why it is none, in Go's words.
    func value(of text: String) throws(FlagReason) -> FlagValue {
        switch self {
        case .text, .forgotten: return .text(text)
        case .boolean:
            guard let value = GoText.boolean(text) else { throw .syntax }
            return .boolean(value)
        case .integer(let type): return try type.value(of: text)
        case .count32:
            do throws(FlagReason) {
                return try GoInteger.uint32.value(of: text)
            } catch {
                let what = error == .syntax ? "invalid syntax" : error.text
                throw FlagReason("strconv.ParseUint: parsing \(GoText.quoted(text)): \(what)")
            }
        case .duration:
            guard let value = GoText.nanoseconds(text) else { throw .syntax }
            return .nanoseconds(value)
        case .words: return .words(text.isEmpty ? [] : GoText.split(text))
        case .uniqueWords: return .words(Set(text.isEmpty ? [] : GoText.split(text)).sorted())
        case .urls: return .urls(text.isEmpty ? [] : try ServerURL.list(text))
        case .origins:
            if text == "*" { return .words(["*"]) }
            return .words(try ServerURL.list(text).map(\.text))
        case .choice(let known, let namesValue):
            guard known.contains(text) else {
                throw FlagReason(namesValue ? "invalid value \(GoText.quoted(text))" : "invalid value")
            }
            return .text(text)
        case .gates:
            _ = try FeatureGates(parsing: text)
            return .text(text)
        }
    }
}

/// The value of a flag, read.
enum FlagValue: Equatable, Sendable {
    case text(String)
    case boolean(Bool)
    case integer(Int64)
    case unsigned(UInt64)
    case nanoseconds(Int64)
    case words([String])
    case urls([ServerURL])
}

/// Why a text is no value of a flag.
struct FlagReason: Error, Equatable {
    let text: String

    init(_ text: String) {
        self.text = text
    }

    static let syntax = FlagReason("parse error")
    static let range = FlagReason("value out of range")
}
