internal import Environment
internal import EtcdMessages
internal import GRPCCore
internal import Platform
internal import Primitives

/// Clients that each hold a lease and keep it alive on a stream of their own, on the thread that calls `run`.
struct KeepAliveLoad {
    private let channel: GRPCClientChannel
    private let plan: LoadPlan
    private let clock = RealClock()
    private let began: UInt64
    private let progress: LoadProgress
    private var begunCount: UInt64 = 0
    private var tally = LoadTally()
    /// By stream: when its last question was asked, since the run began.
    private var asked: [CallID: UInt64] = [:]
    private var questions: [CallID: Bytes] = [:]

    init(channel: GRPCClientChannel, plan: LoadPlan, began: UInt64, progress: LoadProgress) {
        self.channel = channel
        self.plan = plan
        self.began = began
        self.progress = progress
    }

    mutating func run() -> LoadTally {
        for _ in 0..<plan.clientCount { openStream() }
        for stream in questions.keys { ask(stream) }
        while !asked.isEmpty {
            var events: [(CallID, GRPCClientEvent)] = []
            channel.poll(timeoutNanoseconds: 100_000_000) { events.append(($0, $1)) }
            for (stream, event) in events { take(event, of: stream) }
            // A stream that does not answer ends with its connection; what it owes is not waited for longer than a call.
            if events.isEmpty, let oldest = asked.values.min(), elapsed() - oldest > plan.timeoutNanoseconds {
                giveUp()
            }
        }
        for stream in questions.keys { channel.cancel(stream) }
        return tally
    }

    private func elapsed() -> UInt64 { clock.monotonicNanoseconds() - began }

    private mutating func openStream() {
        var grant = LeaseGrantRequest()
        grant.ttl = 600
        let answer = channel.call(
            EtcdPath.leaseGrant, message: grant.encoded(), timeoutNanoseconds: plan.timeoutNanoseconds)
        guard case .success(let message) = answer, let response = try? LeaseGrantResponse(decoding: message) else {
            tally.record(kind: "lease grant", nanoseconds: 0, atNanoseconds: elapsed(), error: "\(answer)")
            return
        }
        var question = LeaseKeepAliveRequest()
        question.id = response.id
        questions[channel.openStream(EtcdPath.leaseKeepAlive)] = question.encoded()
    }

    private mutating func ask(_ stream: CallID) {
        let now = elapsed()
        if let callCount = plan.callCount, begunCount >= callCount { return }
        if let duration = plan.durationNanoseconds, now >= duration { return }
        guard let question = questions[stream] else { return }
        begunCount += 1
        asked[stream] = now
        channel.send(stream, message: question)
    }

    private mutating func take(_ event: GRPCClientEvent, of stream: CallID) {
        let now = elapsed()
        switch event {
        case .sent: break
        case .message:
            guard let start = asked.removeValue(forKey: stream) else { return }
            tally.record(kind: "keep alive", nanoseconds: now - start, atNanoseconds: now)
            progress.add()
            ask(stream)
        case .ended(let status):
            questions[stream] = nil
            if asked.removeValue(forKey: stream) != nil {
                tally.record(kind: "keep alive", nanoseconds: 0, atNanoseconds: now, error: "\(status.error)")
            }
        }
    }

    private mutating func giveUp() {
        for _ in asked {
            tally.record(kind: "keep alive", nanoseconds: 0, atNanoseconds: elapsed(), error: "no answer")
        }
        asked = [:]
    }
}

extension LoadRun {
    /// Keeps leases alive, one for each client, as fast as answers come.
    package func runKeepAlive() -> Outcome {
        run { _, channel, share, began in
            var load = KeepAliveLoad(channel: channel, plan: share, began: began, progress: progress)
            return load.run()
        }
    }
}
