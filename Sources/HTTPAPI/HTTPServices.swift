internal import EtcdMessages
package import Metrics
package import Node
package import Primitives

/// The answers to what is asked over HTTP, from one member. It belongs to the loop's thread, as the member does.
///
/// A probe that reads is answered once its reads are; meanwhile it waits here under a number of its own. The member bounds
/// how long a read waits, and `HTTPServer` how many questions there are.
package final class HTTPServices {
    /// A question whose reads are under way.
    private struct Probe {
        let call: HTTPCall
        var failures: [HealthCheck: EtcdError] = [:]
        var waiting: Int
    }

    private let member: any HTTPMember
    private let scrape: (HTTPCounts) -> @Sendable () -> [MetricFamily]
    /// What came of the questions.
    package private(set) var counts = HTTPCounts()
    private var probes: [UInt64: Probe] = [:]
    private var nextNumber: UInt64 = 0

    /// - Parameter scrape: takes the counts kept here, and reads all metrics as they are now, or what it takes to make them
    ///   of: that is then done on the thread that sends the answer.
    package init(member: any HTTPMember, scrape: @escaping (HTTPCounts) -> @Sendable () -> [MetricFamily]) {
        self.member = member
        self.scrape = scrape
    }

    package func ask(_ call: HTTPCall) {
        switch call.question {
        case .version:
            call.answer(member.versions.response)
        case .health(let question):
            let problem = HealthReport.problem(question, alarms: member.activeAlarms, hasLeader: member.hasLeader)
            if let problem {
                counts.answered(isHealthy: false)
                call.answer(HealthReport(reason: problem).response)
            } else {
                read([question.isSerializable ? .serializableRead : .linearizableRead], for: call)
            }
        case .metrics(let acceptsGzip):
            let families = scrape(counts)
            counts.scraped()
            call.answer(making: { MetricsReport.response(families(), acceptsGzip: acceptsGzip) })
        case .checks(let checks, _, _):
            read(checks.filter { $0 == .serializableRead || $0 == .linearizableRead }, for: call)
        }
    }

    /// The member's answer to a read.
    package func answer(_ token: RequestToken, _ result: Result<Reply, EtcdError>) {
        let number = token.number >> 1
        guard var probe = probes[number] else { unreachable("an answer to a probe that does not wait") }
        if case .failure(let error) = result {
            probe.failures[token.rawValue & 1 == 1 ? .serializableRead : .linearizableRead] = error
        }
        probe.waiting -= 1
        if probe.waiting > 0 {
            probes[number] = probe
        } else {
            probes[number] = nil
            finish(probe)
        }
    }

    private func read(_ checks: [HealthCheck], for call: HTTPCall) {
        let probe = Probe(call: call, waiting: checks.count)
        guard !checks.isEmpty else {
            finish(probe)
            return
        }
        let number = nextNumber
        nextNumber = (nextNumber + 1) & (RequestToken.greatestNumber >> 1)
        probes[number] = probe
        for check in checks {
            let isSerializable = check == .serializableRead
            member.probe(
                isSerializable: isSerializable,
                RequestToken(.http, number << 1 | (isSerializable ? 1 : 0)))
        }
    }

    private func finish(_ probe: Probe) {
        switch probe.call.question {
        case .version, .metrics:
            unreachable("what needs no read")
        case .health:
            let error = probe.failures[.serializableRead] ?? probe.failures[.linearizableRead]
            let report = HealthReport(reason: HealthReport.problem(error))
            counts.answered(isHealthy: report.reason == nil)
            probe.call.answer(report.response)
        case .checks(let checks, let kind, let isVerbose):
            let outcomes = checks.map { CheckReport.Outcome(check: $0, failure: failure(of: $0, probe)) }
            for outcome in outcomes { counts.checked(outcome.check, of: kind, succeeded: outcome.failure == nil) }
            probe.call.answer(CheckReport(outcomes: outcomes, isVerbose: isVerbose).response)
        }
    }

    private func failure(of check: HealthCheck, _ probe: Probe) -> String? {
        switch check {
        case .dataCorruption: member.activeAlarms.contains(.corrupt) ? "alarm activated: CORRUPT" : nil
        case .serializableRead, .linearizableRead: probe.failures[check]?.message
        case .nonLearner: member.isLearner ? "not supported for learner" : nil
        }
    }
}
