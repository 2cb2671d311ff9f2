internal import Environment
internal import GRPCCore
internal import Platform
internal import Primitives

/// The load of one connection, on the thread that calls `run`.
struct ConnectionLoad<Script: LoadScript> {
    private struct Pending {
        var client: Int
        var kind: String
        /// When it was due, since the run began.
        var startNanoseconds: UInt64
        var message: Bytes = []
    }

    private let channel: GRPCClientChannel
    private let plan: LoadPlan
    private let clock = RealClock()
    private let began: UInt64
    private let progress: LoadProgress
    private var script: Script
    private var idleClients: [Int]
    private var pending: [CallID: Pending] = [:]
    private var begunCount: UInt64 = 0
    private var tally = LoadTally()

    /// - Parameters:
    ///   - plan: the part of this connection.
    ///   - began: when the run began, by the monotonic clock.
    init(channel: GRPCClientChannel, plan: LoadPlan, script: Script, began: UInt64, progress: LoadProgress) {
        self.channel = channel
        self.plan = plan
        self.script = script
        self.began = began
        self.progress = progress
        idleClients = Array((0..<plan.clientCount).reversed())
    }

    /// Makes all calls and waits for their answers.
    mutating func run() -> LoadTally {
        while true {
            let now = elapsed()
            beginCalls(now)
            if pending.isEmpty, isOver(now) { return tally }
            var finished: [(CallID, GRPCStatus)] = []
            channel.poll(timeoutNanoseconds: nanosecondsToNextCall(now)) { call, event in
                switch event {
                case .message(let message): pending[call]?.message = message
                case .ended(let status): finished.append((call, status))
                case .sent: break
                }
            }
            for (call, status) in finished { finish(call, status) }
        }
    }

    private func elapsed() -> UInt64 { clock.monotonicNanoseconds() - began }

    private func isOver(_ now: UInt64) -> Bool {
        if let callCount = plan.callCount, begunCount >= callCount { return true }
        if let duration = plan.durationNanoseconds, now >= duration { return true }
        return false
    }

    /// When the next call is due, since the run began; nil without a rate.
    private var dueNanoseconds: UInt64? {
        plan.callsPerSecond.map { UInt64(Double(begunCount) / $0 * 1e9) }
    }

    private func nanosecondsToNextCall(_ now: UInt64) -> UInt64 {
        guard !idleClients.isEmpty, let due = dueNanoseconds else { return 100_000_000 }
        return due > now ? min(due - now, 100_000_000) : 0
    }

    private mutating func beginCalls(_ now: UInt64) {
        while !isOver(now), let client = idleClients.last {
            if let due = dueNanoseconds, due > now { return }
            idleClients.removeLast()
            let start = dueNanoseconds ?? now
            let call = script.next(client: client)
            let id = channel.startUnary(
                call.path, message: call.message, timeoutNanoseconds: plan.timeoutNanoseconds)
            pending[id] = Pending(client: client, kind: call.kind, startNanoseconds: start)
            begunCount += 1
        }
    }

    private mutating func finish(_ call: CallID, _ status: GRPCStatus) {
        guard let done = pending.removeValue(forKey: call) else { return }
        let now = elapsed()
        idleClients.append(done.client)
        if status.isSuccess { script.answered(client: done.client, message: done.message) }
        tally.record(
            kind: done.kind, nanoseconds: now - min(now, done.startNanoseconds), atNanoseconds: now,
            error: status.isSuccess ? nil : "\(status.error)")
        progress.add()
    }
}
