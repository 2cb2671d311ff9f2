internal import Node
internal import SimulatedPlatform

/// A member that starts on what a crash left, and what it finds there.
struct Recovery {
    let member: SimulatedMember
    let state: RecoveredState

    init(disk: SimulatedDisk, clock: SimulatedClock, settings: SimulationSettings) throws(SimulationFailure) {
        do throws(NodeError) {
            member = try SimulatedMember(disk: disk, clock: clock, settings: settings.nodeSettings())
        } catch {
            throw SimulationFailure("the member does not start again: \(error)")
        }
        member.settle()
        if let error = member.stopError { throw SimulationFailure("the member stopped as it started: \(error)") }
        state = try RecoveredState(member.node)
    }
}
