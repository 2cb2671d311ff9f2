import Benchmark
import Glibc
import Testing

@Suite struct ProcessUsageTests {
    @Test func severalProcessesAreCountedTogether() throws {
        let one = try #require(ProcessUsage(processes: [getpid()]))
        let two = try #require(ProcessUsage(processes: [getpid(), getpid()]))
        #expect(one.anonymousByteCount > 0)
        #expect(two.cpuNanoseconds >= 2 * one.cpuNanoseconds)
        #expect(two.peakByteCount >= 2 * one.peakByteCount)
    }

    @Test func aProcessThatIsNotThereIsToldOf() {
        #expect(ProcessUsage(processes: []) == nil)
        // Greater than any process number there is.
        #expect(ProcessUsage(processes: [getpid(), 1 << 23]) == nil)
    }
}
