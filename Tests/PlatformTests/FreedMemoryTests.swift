import Glibc
import Platform
import Testing

@Suite struct FreedMemoryTests {
    /// Page faults of this thread.
    private func faultCount() -> Int {
        var usage = rusage()
        // RUSAGE_THREAD, which Swift does not see.
        #expect(getrusage(1, &usage) == 0)
        return usage.ru_minflt
    }

    @Test func blocksThatWereFreedAreUsedAgain() {
        FreedMemory.keepForReuse()
        let byteCount = 1 << 20
        // By default the C library keeps twice the largest block that was freed, and gives the rest back.
        func use() {
            let blocks = (0..<4).map { _ in malloc(byteCount)! }
            for block in blocks { memset(block, 1, byteCount) }
            // Read back, so that the compiler cannot do without the memory.
            #expect(blocks.allSatisfy { $0.load(fromByteOffset: byteCount - 1, as: UInt8.self) == 1 })
            for block in blocks { free(block) }
        }
        use()
        let before = faultCount()
        let useCount = 20
        for _ in 0..<useCount { use() }
        // From the system, each use would take a thousand pages. Some do here, too, when a test on another thread has taken
        // from the same arena in between.
        #expect(faultCount() - before < useCount * 1000 / 2)
    }
}
