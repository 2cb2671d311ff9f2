/// What is simulated.
package enum RunKind: String, CaseIterable, Codable, Sendable {
    /// Raft and a disk for each member, and nothing else: minutes in milliseconds.
    case raft
    /// One member, whose disk and crashes are looked at closely.
    case member
    /// Whole members, the network between them, and clients.
    case cluster
    /// Fixed workloads in which every call on a disk is a place to crash and to fail.
    case points

    /// Makes the run of a seed.
    package func run(seed: UInt64, _ overrides: Overrides, telling: Telling) throws(SimulationFailure) -> RunOutcome {
        switch self {
        case .raft: try Self.run(RaftRun.self, seed, overrides, telling)
        case .member: try Self.run(MemberRun.self, seed, overrides, telling)
        case .cluster: try Self.run(ClusterRun.self, seed, overrides, telling)
        case .points: try Self.run(PointRun.self, seed, overrides, telling)
        }
    }

    private static func run<Run: SeededRun>(
        _ type: Run.Type, _ seed: UInt64, _ overrides: Overrides, _ telling: Telling
    ) throws(SimulationFailure) -> RunOutcome {
        var settings = Run.Settings(seed: seed)
        do throws(OverrideError) {
            try settings.apply(overrides)
        } catch {
            throw SimulationFailure("\(error)")
        }
        return try Run.run(seed: seed, settings: settings, telling: telling)
    }

    /// What the run of a seed is like.
    package func settings(seed: UInt64, _ overrides: Overrides) throws(OverrideError) -> [SettingValue] {
        switch self {
        case .raft: try Self.settings(RaftRun.self, seed, overrides)
        case .member: try Self.settings(MemberRun.self, seed, overrides)
        case .cluster: try Self.settings(ClusterRun.self, seed, overrides)
        case .points: try Self.settings(PointRun.self, seed, overrides)
        }
    }

    private static func settings<Run: SeededRun>(
        _ type: Run.Type, _ seed: UInt64, _ overrides: Overrides
    ) throws(OverrideError) -> [SettingValue] {
        var settings = Run.Settings(seed: seed)
        try settings.apply(overrides)
        return settings.values
    }
}
