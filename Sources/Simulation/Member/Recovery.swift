internal import EtcdMessages
internal import Node
internal import Primitives
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
        try RestartAudit.check(member, settings.nodeSettings())
        member.settle()
        if let error = member.stopError { throw SimulationFailure("the member stopped as it started: \(error)") }
        state = try RecoveredState(member.node)
    }

    /// Puts a key, which must be answered at the next revision.
    func serves() throws(SimulationFailure) {
        var request = PutRequest()
        request.key = Bytes(text: "afterwards")
        member.propose(Proposal(.put, request), RequestToken(rawValue: .max))
        for _ in 0..<1000 {
            if let reply = member.takeReplies().first(where: { $0.token == RequestToken(rawValue: .max) }) {
                guard case .success(let reply) = reply.result, reply.revision == state.revision + 1 else {
                    throw SimulationFailure("a put after the start was answered with \(reply.result)")
                }
                return
            }
            guard let actor = member.runnableActors.first else { break }
            member.run(actor)
        }
        throw SimulationFailure("a put after the start was not answered")
    }
}
