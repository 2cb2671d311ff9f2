import Platform
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
}
