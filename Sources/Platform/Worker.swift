internal import Foundation
internal import Primitives

/// A thread that does jobs one after another, in the order in which they were given.
///
/// It owns what its jobs work on: whatever `run` captures is touched by no other thread.
package final class Worker<Job: Sendable>: @unchecked Sendable {
    // Unchecked because of the queue and the flag, which are only touched while `condition` is locked.
    private let condition = NSCondition()
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
        let thread = Thread { [self] in serve(makeRunner()) }
        thread.name = name
        thread.start()
    }

    /// Gives the thread a job. After `stop` it is dropped.
    package func submit(_ job: Job) {
        condition.lock()
        if !isStopping {
            queue.append(job)
            condition.broadcast()
        }
        condition.unlock()
    }

    /// Ends the thread once it has done what it was given, and waits for that.
    package func stop() {
        condition.lock()
        isStopping = true
        condition.broadcast()
        while !hasEnded { condition.wait() }
        condition.unlock()
    }

    private func serve(_ run: (Job, Bool) -> Void) {
        while let jobs = take() {
            for (index, job) in jobs.enumerated() {
                run(job, index == jobs.count - 1 && isIdle)
            }
        }
        condition.lock()
        hasEnded = true
        condition.broadcast()
        condition.unlock()
    }

    /// Waits for jobs and takes all there are; nil once the thread shall end.
    private func take() -> [Job]? {
        condition.lock()
        defer { condition.unlock() }
        while queue.isEmpty && !isStopping { condition.wait() }
        guard !queue.isEmpty else { return nil }
        defer { queue.removeAll(keepingCapacity: true) }
        return queue
    }

    private var isIdle: Bool {
        condition.lock()
        defer { condition.unlock() }
        return queue.isEmpty
    }
}
