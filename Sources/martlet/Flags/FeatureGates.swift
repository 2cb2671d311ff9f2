/// The features that `--feature-gates` turns on and off (etcd v3.6 `server/features/etcd_features.go`,
/// `pkg/featuregate/feature_gate.go`; those of etcd 3.7 are known too).
struct FeatureGates: Equatable, Sendable, CustomStringConvertible {
    /// How far a feature is.
    enum Stage: String {
        case alpha = "ALPHA"
        case beta = "BETA"
    }

    /// One feature.
    enum Gate: String, CaseIterable, Sendable {
        case compactHashCheck = "CompactHashCheck"
        case fastLeaseKeepAlive = "FastLeaseKeepAlive"
        case initialCorruptCheck = "InitialCorruptCheck"
        case leaseCheckpoint = "LeaseCheckpoint"
        case leaseCheckpointPersist = "LeaseCheckpointPersist"
        case priorityRequest = "PriorityRequest"
        case setMemberLocalAddress = "SetMemberLocalAddr"
        case stopGRPCServiceOnDefragmentation = "StopGRPCServiceOnDefrag"
        case txnModeWriteWithSharedBuffer = "TxnModeWriteWithSharedBuffer"

        var stage: Stage {
            switch self {
            case .fastLeaseKeepAlive, .txnModeWriteWithSharedBuffer: .beta
            default: .alpha
            }
        }

        var isOnByDefault: Bool { stage == .beta }
    }

    private var settings: [Gate: Bool] = [:]
    private var bulk: [Stage: Bool] = [:]

    /// Reads `Gate=true,Other=false`. `AllAlpha` and `AllBeta` set the gates of a stage that are not named themselves.
    init(parsing text: String) throws(FlagReason) {
        for part in text.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = Self.trimmed(pair[0])
            guard pair.count == 2 else { throw FlagReason("missing bool value for \(name)") }
            let word = Self.trimmed(pair[1])
            guard let value = GoText.boolean(word) else {
                throw FlagReason(
                    "invalid value of \(name)=\(word), err: strconv.ParseBool: parsing \(GoText.quoted(word)): "
                        + "invalid syntax")
            }
            switch name {
            case "AllAlpha": bulk[.alpha] = value
            case "AllBeta": bulk[.beta] = value
            default:
                guard let gate = Gate(rawValue: name) else { throw FlagReason("unrecognized feature gate: \(name)") }
                settings[gate] = value
            }
        }
    }

    func isEnabled(_ gate: Gate) -> Bool { settings[gate] ?? bulk[gate.stage] ?? gate.isOnByDefault }

    /// Whether all gates of a stage are on that are not named themselves.
    func isBulkEnabled(_ stage: Stage) -> Bool { bulk[stage] ?? false }

    /// Whether the gate was set by its own name.
    func isNamed(_ gate: Gate) -> Bool { settings[gate] != nil }

    mutating func set(_ gate: Gate, _ value: Bool) { settings[gate] = value }

    /// All gates as they are, such as `LeaseCheckpoint=false,...`.
    var description: String {
        Gate.allCases.map { "\($0.rawValue)=\(isEnabled($0))" }.joined(separator: ",")
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
