import Environment
import Platform
import Primitives
import Synchronization
import Testing

@Suite struct WorkerTests {
    @Test func doesEveryJobInOrderAndThenEnds() {
        let done = Mutex<[Int]>([])
        let worker = Worker<Int>(name: "test") { { job, _ in done.withLock { $0.append(job) } } }
        for job in 0..<1000 { worker.submit(job) }
        worker.stop()
        #expect(done.withLock { $0 } == Array(0..<1000))
        worker.submit(1000)
        #expect(done.withLock { $0.count } == 1000)
    }

    @Test func saysWhenNoOtherJobWaits() {
        let idle = Mutex<[Int]>([])
        let gate = Mutex(())
        let worker = Worker<Int>(name: "test") {
            { job, isIdle in
                if job == 0 { gate.withLock { _ in } }
                if isIdle { idle.withLock { $0.append(job) } }
            }
        }
        gate.withLock { _ in
            for job in 0..<10 { worker.submit(job) }
        }
        worker.stop()
        #expect(idle.withLock { $0.last } == 9)
        #expect(idle.withLock { $0.count } < 10)
    }

    @Test func namesItsThread() {
        let name = Mutex<String>("")
        let worker = Worker<Int>(name: "a-name-that-is-too-long") {
            { _, _ in
                let file = try? RealDisk().open("/proc/thread-self/comm", .readOnly)
                var bytes = Bytes(repeating: 0, count: 64)
                var span = bytes.mutableSpan
                var destination = span.mutableBytes
                let count = (try? file?.read(into: &destination, at: 0)) ?? 0
                name.withLock { $0 = Bytes(bytes[..<count]).text }
            }
        }
        worker.submit(1)
        worker.stop()
        worker.stop()
        #expect(name.withLock { $0 } == "a-name-that-is-\n")
    }

    @Test func takesJobsFromManyThreads() {
        let sums = Mutex<[Int: Int]>([:])
        let worker = Worker<(from: Int, number: Int)>(name: "many") {
            // Touched by this thread alone.
            var next: [Int: Int] = [:]
            return { job, _ in
                if next[job.from, default: 0] == job.number {
                    next[job.from] = job.number + 1
                    sums.withLock { $0[job.from] = job.number + 1 }
                }
            }
        }
        let senders = (0..<4).map { from in
            Worker<Int>(name: "sender") { { number, _ in worker.submit((from, number)) } }
        }
        for number in 0..<500 {
            for sender in senders { sender.submit(number) }
        }
        for sender in senders { sender.stop() }
        worker.stop()
        #expect(sums.withLock { $0 } == [0: 500, 1: 500, 2: 500, 3: 500])
    }
}
