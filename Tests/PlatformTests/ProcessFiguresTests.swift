import Glibc
import Platform
import Testing

@Suite struct ProcessFiguresTests {
    @Test func figuresAreThoseOfThisProcess() throws {
        let figures = ProcessFigures()
        let now = Double(time(nil))
        let start = try #require(figures.startUnixSeconds)
        #expect(start > now - 86_400 && start <= now + 1)
        #expect(try #require(figures.cpuSeconds) >= 0)
        #expect(try #require(figures.residentByteCount) > 1 << 20)
        #expect(try #require(figures.virtualByteCount) >= figures.residentByteCount ?? 0)
        #expect(try #require(figures.maxVirtualByteCount) > 0)
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        #expect(figures.maxFileCount == UInt64(limit.rlim_cur))
    }

    @Test func openFilesAreCounted() throws {
        // Other tests open and close files meanwhile; so many do not go unseen.
        let before = try #require(ProcessFigures().openFileCount)
        let descriptors = (0..<200).map { _ in dup(0) }
        let during = try #require(ProcessFigures().openFileCount)
        for descriptor in descriptors { close(descriptor) }
        #expect(during > before + 100)
    }
}
