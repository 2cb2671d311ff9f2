import Environment
import Glibc
import Platform
import Primitives
import Testing

@Suite struct RealFileTests {
    private let directory = TemporaryDirectory()
    private var disk: RealDisk { directory.disk }
    private var path: String { directory.path("file") }

    private func bytes(_ mapping: FileMapping, _ range: Range<Int>) -> Bytes {
        Bytes(UnsafeRawBufferPointer(start: mapping.base + range.lowerBound, count: range.count))
    }

    @Test func aFileKeepsWhatIsWrittenToIt() throws {
        let file = try disk.open(path, .create)
        #expect(file.path == path)
        try file.write([1, 2, 3], at: 0)
        try file.write([4, 5], at: 5000)
        try file.write([], at: 9000)
        try file.sync()
        #expect(try file.byteCount() == 5002)
        #expect(try file.read(at: 0, count: 4) == [1, 2, 3, 0])
        #expect(try file.read(at: 4999, count: .max) == [0, 4, 5])
        #expect(try file.read(at: 5002, count: 1) == [])
        #expect(try file.read(at: 1 << 40, count: 1) == [])
        #expect(diskError { () throws(DiskError) in try file.write([1], at: -1) } == .other(EINVAL))
    }

    @Test func readsFillTheCallersMemory() throws {
        let file = try disk.open(path, .create)
        let written = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        try file.write(written.span.bytes, at: 10)
        var read = Bytes(repeating: 9, count: written.count + 20)
        var span = read.mutableSpan
        var destination = span.mutableBytes
        #expect(try file.read(into: &destination, at: 0) == written.count + 10)
        #expect(read == Bytes(repeating: 0, count: 10) + written + Bytes(repeating: 9, count: 10))
    }

    @Test func allocationKeepsZerosAndLength() throws {
        let file = try disk.open(path, .create)
        try file.write([1, 2, 3], at: 0)
        try file.allocate(byteCount: 1_000_000)
        #expect(try file.byteCount() == 1_000_000)
        #expect(try file.read(at: 0, count: 2_000_000) == [1, 2, 3] + Bytes(repeating: 0, count: 999_997))
        try file.allocate(byteCount: 10)
        try file.allocate(byteCount: 0)
        #expect(try file.byteCount() == 1_000_000)
        try file.truncate(byteCount: 2)
        try file.truncate(byteCount: 4)
        #expect(try file.read(at: 0, count: 9) == [1, 2, 0, 0])
    }

    @Test func allocationReservesBlocks() throws {
        let file = try disk.open(path, .create)
        try file.allocate(byteCount: 1_000_000)
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_blocks * 512 >= 1_000_000)
    }

    @Test func aMappingSeesLaterWritesAndGrowth() throws {
        let file = try disk.open(path, .create)
        try file.write([1, 2, 3], at: 0)
        let mapping = try file.map(reservedByteCount: 1 << 40)
        #expect(mapping.reservedByteCount == 1 << 40)
        #expect(bytes(mapping, 0..<4) == [1, 2, 3, 0])
        let other = try disk.open(path, .readWrite)
        try other.write([9], at: 1)
        try file.write([7, 8], at: 50_000_000)
        #expect(bytes(mapping, 0..<3) == [1, 9, 3])
        #expect(bytes(mapping, 49_999_999..<50_000_002) == [0, 7, 8])
        try file.truncate(byteCount: 2)
        try file.truncate(byteCount: 8192)
        #expect(bytes(mapping, 0..<3) == [1, 9, 0])
        try file.write([5], at: 8191)
        #expect(bytes(mapping, 8190..<8192) == [0, 5])
    }

    @Test func mappedPagesAreReleasedAndComeBack() throws {
        let file = try disk.open(path, .create)
        let pageCount = 64
        for page in 0..<pageCount { try file.write([UInt8(page)], at: page * 4096) }
        try file.write([0], at: pageCount * 4096 - 1)
        let mapping = try file.map(reservedByteCount: 1 << 40)
        func read() -> Int { (0..<pageCount).reduce(0) { $0 + Int(bytes(mapping, $1 * 4096..<$1 * 4096 + 1)[0]) } }
        #expect(read() == 63 * 32)
        #expect(try residentPageCount(mapping) == pageCount)
        file.releaseMappedPages()
        #expect(try residentPageCount(mapping) == 0)
        #expect(read() == 63 * 32)
    }

    /// How many pages of a mapping the process has in memory: `Rss` of its entry in `/proc/self/smaps`.
    private func residentPageCount(_ mapping: FileMapping) throws -> Int {
        // Of no stated length, so it is read until it ends.
        let file = try #require(fopen("/proc/self/smaps", "r"))
        defer { fclose(file) }
        var text = Bytes()
        while case let next = fgetc(file), next != EOF { text.append(UInt8(truncatingIfNeeded: next)) }
        let smaps = text.text
        let start = String(UInt(bitPattern: mapping.base), radix: 16) + "-"
        let entry = try #require(
            smaps.split(separator: "\n").drop { !$0.hasPrefix(start) }.first { $0.hasPrefix("Rss:") })
        return try #require(Int(entry.split(separator: " ")[1])) / 4
    }

    @Test func mappingsEndWithTheirFile() throws {
        // Far more address space in all than a process has.
        try disk.open(path, .create).write([1], at: 0)
        for _ in 0..<1000 {
            let file = try disk.open(path, .readOnly)
            _ = try file.map(reservedByteCount: 1 << 40)
        }
    }

    @Test(arguments: [DiskLock.flock, .openFileDescription])
    func aLockExcludesOtherOpenFiles(_ kind: DiskLock) throws {
        let first = try disk.open(path, .create)
        let second = try disk.open(path, .readWrite)
        try first.lock(kind)
        try first.lock(kind)
        #expect(diskError { () throws(DiskError) in try second.lock(kind) } == .locked)
        try second.lock(kind == .flock ? .openFileDescription : .flock)
        first.close()
        try second.lock(kind)
        let reader = try disk.open(path, .readOnly)
        let expected: DiskError.Kind = kind == .flock ? .locked : .other(EBADF)
        #expect(diskError { () throws(DiskError) in try reader.lock(kind) } == expected)
    }

    @Test func aLockExcludesAnotherProcess() throws {
        // flock(1) of util-linux stands for a real etcd; it exits with 1 if the lock is held.
        let file = try disk.open(path, .create)
        #expect(exitStatus(of: ["flock", "-n", path, "true"]) == 0)
        try file.lock(.flock)
        #expect(exitStatus(of: ["flock", "-n", path, "true"]) == 1)
        file.close()
        #expect(exitStatus(of: ["flock", "-n", path, "true"]) == 0)
    }

    /// Runs a program that is looked up in `PATH`.
    private func exitStatus(of arguments: [String]) -> Int32? {
        var vector = arguments.map { strdup($0) } + [nil]
        defer { for argument in vector { free(argument) } }
        var process = pid_t()
        guard posix_spawnp(&process, arguments[0], nil, nil, &vector, environ) == 0 else { return nil }
        var status: Int32 = 0
        guard waitpid(process, &status, 0) == process, status & 0x7f == 0 else { return nil }
        return status >> 8 & 0xff
    }

    @Test func aClosedFileAnswersNothing() throws {
        let file = try disk.open(path, .create)
        try file.write([1], at: 0)
        file.close()
        file.close()
        // A file opened since may well have the same descriptor; the closed one must not reach it.
        let other = try disk.open(directory.path("other"), .create)
        #expect(diskError { () throws(DiskError) in try file.write([1, 2], at: 0) } == .other(EBADF))
        #expect(diskError { () throws(DiskError) in _ = try file.byteCount() } == .other(EBADF))
        #expect(diskError { () throws(DiskError) in _ = try file.read(at: 0, count: 1) } == .other(EBADF))
        #expect(diskError { () throws(DiskError) in try file.truncate(byteCount: 5) } == .other(EBADF))
        #expect(diskError { () throws(DiskError) in try file.allocate(byteCount: 5) } == .other(EBADF))
        #expect(diskError { () throws(DiskError) in try file.sync() } == .other(EBADF))
        #expect(diskError { () throws(DiskError) in try file.lock(.flock) } == .other(EBADF))
        #expect(diskError { () throws(DiskError) in _ = try file.map(reservedByteCount: 4096) } == .other(EBADF))
        #expect(try other.byteCount() == 0)
    }
}
