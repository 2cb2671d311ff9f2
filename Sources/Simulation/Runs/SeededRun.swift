/// A simulation that one seed determines: what `martlet-sim` runs, shrinks and stores, whatever is simulated.
///
/// A new kind conforms to this and gets a case in `RunKind`; all else - child processes, shrinking, stored seeds, runs made twice - is
/// the same for all.
package protocol SeededRun {
    /// What a run of this kind is like, drawn from its seed.
    associatedtype Settings: DrawnSettings

    /// Runs to the end, in one thread. Throws the first rule that was broken.
    ///
    /// The same seed and settings give the same run, whatever ran before in this process.
    static func run(seed: UInt64, settings: Settings, telling: Telling) throws(SimulationFailure) -> RunOutcome
}

/// Which events of a run are put into words. The run is the same.
package enum Telling {
    /// None: what most runs do, since words take most of the time.
    case nothing
    /// The last of them, for `SimulationFailure.trace`.
    case last
    /// Each as it happens.
    case everything((String) -> Void)
}

/// What a kind of run is like: each seed draws its own, and each number that shrinking or a person may want to be another one has a
/// name.
package protocol DrawnSettings {
    init(seed: UInt64)

    /// The numbers with names. What makes a run longer or harder comes first: shrinking goes in this order.
    static var fields: [SettingField<Self>] { get }
}

/// A number among the settings of a run.
package struct SettingField<Settings> {
    /// As it is written in overrides: `members`, `faults.crash`.
    package let name: String
    /// Where shrinking ends; nil if a smaller number does not make a smaller run.
    package let smallest: Int?
    private let read: (Settings) -> Int
    private let write: (inout Settings, Int) -> Void

    package init(
        _ name: String, _ path: WritableKeyPath<Settings, some FixedWidthInteger>, smallest: Int? = nil
    ) {
        self.name = name
        self.smallest = smallest
        read = { Int(clamping: $0[keyPath: path]) }
        write = { $0[keyPath: path] = .init(clamping: $1) }
    }

    func value(in settings: Settings) -> Int { read(settings) }

    func set(_ value: Int, in settings: inout Settings) { write(&settings, value) }
}

extension DrawnSettings {
    /// - Throws: `OverrideError` for a name that there is not.
    mutating func apply(_ overrides: Overrides) throws(OverrideError) {
        for (name, value) in overrides.values {
            guard let field = Self.fields.first(where: { $0.name == name }) else {
                throw OverrideError(name: name, known: Self.fields.map(\.name))
            }
            field.set(value, in: &self)
        }
    }

    /// All numbers with names, as they are.
    var values: [SettingValue] {
        Self.fields.map { SettingValue(name: $0.name, value: $0.value(in: self), smallest: $0.smallest) }
    }
}

/// A setting of one run.
package struct SettingValue: Equatable, Sendable {
    package let name: String
    package let value: Int
    /// Where shrinking ends; nil if it is not shrunk.
    package let smallest: Int?

    package init(name: String, value: Int, smallest: Int?) {
        self.name = name
        self.value = value
        self.smallest = smallest
    }
}
