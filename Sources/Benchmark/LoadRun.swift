internal import Environment
package import GRPCCore
internal import Platform
internal import Primitives
internal import Synchronization

/// A load on a server: connections side by side, and what they saw together.
package struct LoadRun: Sendable {
    /// What a run came to.
    package struct Outcome: Sendable {
        package let tally: LoadTally
        package let nanoseconds: UInt64
    }

    package let addresses: [ListenAddress]
    package var plan: LoadPlan
    package let progress: LoadProgress

    /// - Parameter addresses: the servers; connections are dealt out to them in turn.
    package init(addresses: [ListenAddress], plan: LoadPlan, progress: LoadProgress = LoadProgress()) {
        self.addresses = addresses
        self.plan = plan
        self.progress = progress
    }

    /// Runs a script on each connection until the plan is fulfilled, and waits.
    ///
    /// - Parameter makeScript: makes the script of a connection with so many clients.
    package func run<Script: LoadScript>(
        _ makeScript: @escaping @Sendable (_ connection: Int, _ clientCount: Int) -> Script
    ) -> Outcome {
        run { connection, channel, share, began in
            var load = ConnectionLoad(
                channel: channel, plan: share, script: makeScript(connection, share.clientCount), began: began,
                progress: progress)
            return load.run()
        }
    }

    /// Runs a body on a thread of its own for each connection and adds up what they answer.
    func run(
        _ body: @escaping @Sendable (_ connection: Int, GRPCClientChannel, LoadPlan, _ began: UInt64) -> LoadTally
    ) -> Outcome {
        let clock = RealClock()
        let began = clock.monotonicNanoseconds()
        let total = TallySum()
        let workers = (0..<plan.connectionCount).map { connection in
            let share = plan.share(of: connection)
            let address = addresses[connection % addresses.count]
            let worker = Worker<Void>(name: "load \(connection)") {
                { _, _ in
                    let channel = GRPCClientChannel(address)
                    total.add(body(connection, channel, share, began))
                    channel.close()
                }
            }
            worker.submit(())
            return worker
        }
        for worker in workers { worker.stop() }
        return Outcome(tally: total.value, nanoseconds: clock.monotonicNanoseconds() - began)
    }
}

/// Tallies of several threads, added up.
private final class TallySum: Sendable {
    private let sum = Mutex(LoadTally())

    func add(_ tally: LoadTally) { sum.withLock { $0.merge(tally) } }

    var value: LoadTally { sum.withLock { $0 } }
}
