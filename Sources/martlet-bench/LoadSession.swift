internal import ArgumentParser
internal import Benchmark
internal import Primitives
internal import Synchronization

/// One use of the tool: what comes before the load, the load, and the report.
struct LoadSession {
    let workload: String
    let options: LoadOptions
    let run: LoadRun

    init(_ workload: String, _ options: LoadOptions) throws {
        self.workload = workload
        self.options = options
        run = LoadRun(addresses: try options.addresses(), plan: options.plan)
        for process in options.serverPid where ProcessUsage(process: process) == nil {
            throw ValidationError("there is no process \(process) here.")
        }
    }

    /// Puts every key once, many at a time.
    func preload() throws {
        guard options.preload else { return }
        var plan = LoadPlan()
        plan.clientCount = 256
        plan.callCount = UInt64(options.keys)
        let filling = LoadRun(addresses: run.addresses, plan: plan)
        let keys = options.keySpace
        let entropy = options.entropy(of: options.connections)
        let bar = ProgressBar("putting keys", plan, filling.progress, isShown: options.progress)
        let outcome = filling.run { _, _ in PutScript(keys: keys, isSequential: true, entropy: entropy) }
        bar.end()
        if let error = outcome.tally.errors.keys.min() {
            throw LoadFailure(text: "the keys could not be put: \(error)")
        }
    }

    /// Measures a load and prints the report.
    ///
    /// - Parameter body: makes the load. What it does before it calls its second argument is not measured, if it calls it.
    /// - Throws: if every call failed.
    func measure(_ body: (LoadRun, _ begin: @escaping @Sendable () -> Void) -> LoadRun.Outcome) throws {
        let processes = options.serverPid
        let start = Mutex(Usage(processes))
        let bar = ProgressBar(workload, run.plan, run.progress, isShown: options.progress)
        let outcome = body(run) { start.withLock { $0 = Usage(processes) } }
        let before = start.withLock { $0 }
        let after = Usage(processes)
        bar.end()
        let report = LoadReport(
            workload: workload, outcome: outcome, ownCPUNanoseconds: after.ownNanoseconds - before.ownNanoseconds,
            server: before.server.flatMap { before in after.server.map { (before: before, after: $0) } })
        print(options.json ? report.json.encoded().text : report.text)
        if outcome.tally.latencies.count == 0 { throw LoadFailure(text: "every call failed") }
    }

    /// What this process and the servers' have used until now.
    private struct Usage {
        let ownNanoseconds = ProcessUsage.ownCPUNanoseconds
        let server: ProcessUsage?

        init(_ processes: [Int32]) {
            server = ProcessUsage(processes: processes)
        }
    }
}

/// Why there is no result.
struct LoadFailure: Error, CustomStringConvertible {
    let text: String

    var description: String { text }
}
