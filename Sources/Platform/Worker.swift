/// A thread that does jobs one after another, in the order in which they were given.
///
/// It owns what its jobs work on: whatever `run` captures is touched by no other thread.
package final class Worker<Job: Sendable>: @unchecked Sendable {
    // Unchecked because of the queue and the flags, which are only touched under the lock of `monitor`.
    private let monitor = Monitor()
    private var queue: [Job] = []
    private var isStopping = false
    private var hasEnded = false

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - name: what debuggers and `ps` show; 15 bytes at most.
    ///   - makeRunner: called on the thread, makes the function that does a job. Its second argument says whether no other
    ///     job is waiting, so that work that can wait can be done then.
    package init(name: String, makeRunner: @escaping @Sendable () -> (Job, _ isIdle: Bool) -> Void) {
        startThread(name: name) { [self] in serve(makeRunner()) }
    }

    /// Gives the thread a job. After `stop` it is dropped.
    package func submit(_ job: Job) {
        monitor.withLock {
            if !isStopping { queue.append(job) }
        }
        // Not under the lock, on which the thread would at once have to wait.
        monitor.signal()
    }

    /// Ends the thread once it has done what it was given, and waits for that.
    package func stop() {
        monitor.withLock { isStopping = true }
        monitor.signal()
        monitor.withLock {
            while !hasEnded { monitor.wait() }
        }
    }

    private func serve(_ run: (Job, Bool) -> Void) {
        while let jobs = take() {
            for (index, job) in jobs.enumerated() {
                run(job, index == jobs.count - 1 && isIdle)
            }
        }
        monitor.withLock { hasEnded = true }
        monitor.signal()
    }

    /// Waits for jobs and takes all there are; nil once the thread shall end.
    private func take() -> [Job]? {
        monitor.withLock {
            while queue.isEmpty && !isStopping { monitor.wait() }
            if queue.isEmpty { return nil }
            defer { queue.removeAll(keepingCapacity: true) }
            return queue
        }
    }

    private var isIdle: Bool {
        monitor.withLock { queue.isEmpty }
    }
}
