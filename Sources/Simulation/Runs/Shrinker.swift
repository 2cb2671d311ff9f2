/// Makes a run that breaks a rule smaller while it still does: fewer requests, members and faults.
///
/// A number is first made as small as it can be, and else brought nearer to that by halves. Runs are no lines along which failures lie
/// on one side, so this finds a small run, not the smallest.
package struct Shrinker {
    private let drawn: [SettingValue]
    private let attemptLimit: Int
    package private(set) var attemptCount = 0
    /// What still breaks the rule.
    package private(set) var overrides: Overrides

    /// - Parameters:
    ///   - settings: what the run is like that is to be made smaller, with its overrides.
    ///   - attemptLimit: how many runs may be made.
    package init(_ settings: [SettingValue], _ overrides: Overrides, attemptLimit: Int) {
        drawn = settings
        self.overrides = overrides
        self.attemptLimit = attemptLimit
    }

    /// - Parameter breaks: makes a run, and says whether it breaks the same rule; nil if there is no more time.
    package mutating func shrink(_ breaks: (Overrides) -> Bool?) {
        while true {
            let before = overrides
            for setting in drawn {
                guard let smallest = setting.smallest else { continue }
                guard shrink(setting, to: smallest, breaks) else { return }
            }
            if overrides == before { return }
        }
    }

    /// - Returns: false if there is no more time.
    private mutating func shrink(
        _ setting: SettingValue, to smallest: Int, _ breaks: (Overrides) -> Bool?
    ) -> Bool {
        var value = overrides[setting.name] ?? setting.value
        guard value > smallest else { return true }
        var step = value - smallest
        while step > 0 {
            guard attemptCount < attemptLimit else { return false }
            var smaller = overrides
            smaller[setting.name] = value - step
            attemptCount += 1
            guard let stillBreaks = breaks(smaller) else { return false }
            if stillBreaks {
                overrides = smaller
                value -= step
                step = min(step, value - smallest)
            } else {
                step /= 2
                // What is left is not worth the runs.
                if step * 8 < value { break }
            }
        }
        return true
    }
}
