import Environment
import Glibc
import Primitives
import SimulatedPlatform
import Testing

/// The error a call throws; nil if it throws none.
func diskError(_ body: () throws(DiskError) -> Void) -> DiskError.Kind? {
    do {
        try body()
        return nil
    } catch {
        return error.kind
    }
}

@Suite struct SimulatedDiskFilesTests {
    let disk = SimulatedDisk(seed: 1)

    @Test func aFileKeepsWhatIsWrittenToIt() throws {
        let file = try disk.open("/a", .create)
        #expect(try file.byteCount() == 0)
        try file.write([1, 2, 3], at: 0)
        try file.write([4, 5], at: 5000)
        #expect(try file.byteCount() == 5002)
        #expect(try file.read(at: 0, count: 4) == [1, 2, 3, 0])
        #expect(try file.read(at: 4999, count: 100) == [0, 4, 5])
        #expect(try file.read(at: 5002, count: 1) == [])
        #expect(try file.read(at: 1 << 40, count: 1) == [])
        #expect(disk.contents(of: "/a") == [1, 2, 3] + Bytes(repeating: 0, count: 4997) + [4, 5])
    }

    @Test func writesOverPagesMatchAPlainArray() throws {
        let file = try disk.open("/a", .create)
        var entropy = SeededEntropy(seed: 3)
        var model: Bytes = []
        var durable: Bytes?
        for _ in 0..<600 {
            let offset = Int.random(in: 0..<20_000, using: &entropy)
            let count = Int.random(in: 0..<9_000, using: &entropy)
            switch Int.random(in: 0..<4, using: &entropy) {
            case 0:
                try file.truncate(byteCount: offset)
                model = Bytes(model.prefix(offset)) + Bytes(repeating: 0, count: max(0, offset - model.count))
            case 1:
                try file.allocate(byteCount: offset)
                model += Bytes(repeating: 0, count: max(0, offset - model.count))
            default:
                let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &entropy) }
                if count > 0 { model += Bytes(repeating: 0, count: max(0, offset + count - model.count)) }
                try file.write(bytes, at: offset)
                model.replaceSubrange(offset..<min(model.count, offset) + count, with: bytes)
            }
            if Bool.random(using: &entropy) {
                try file.sync()
                try disk.syncDirectory("/")
                durable = model
            }
            #expect(try file.byteCount() == model.count)
            #expect(try file.read(at: offset, count: count) == Bytes(model.dropFirst(offset).prefix(count)))
            var other = SeededEntropy(seed: 0)
            #expect(disk.crashClone(.keepAll, entropy: &other).contents(of: "/a") == model)
            #expect(disk.crashClone(.loseAllUnsynced, entropy: &other).contents(of: "/a") == durable)
        }
        #expect(disk.contents(of: "/a") == model)
    }

    @Test func aBigReservedFileTakesNoMemory() throws {
        for number in 0..<200 {
            let file = try disk.open("/\(number).wal", .createNew)
            try file.allocate(byteCount: 64_000_000)
            try file.write([7], at: 1000)
            try file.sync()
            #expect(try file.read(at: 63_999_999, count: 2) == [0])
        }
        #expect(disk.usedByteCount == 200 * 64_000_000)
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        #expect(usage.ru_maxrss < 1_000_000)
    }

    @Test func openModes() throws {
        #expect(diskError { () throws(DiskError) in _ = try disk.open("/a", .readOnly) } == .notFound)
        #expect(diskError { () throws(DiskError) in _ = try disk.open("/a", .readWrite) } == .notFound)
        _ = try disk.open("/a", .createNew, permissions: 0o644)
        #expect(diskError { () throws(DiskError) in _ = try disk.open("/a", .createNew) } == .exists)
        #expect(diskError { () throws(DiskError) in _ = try disk.open("/", .readOnly) } == .isDirectory)
        #expect(diskError { () throws(DiskError) in _ = try disk.open("/b/c", .create) } == .notFound)
        #expect(diskError { () throws(DiskError) in _ = try disk.open("/a/c", .create) } == .other(ENOTDIR))
        let reader = try disk.open("/a", .readOnly)
        #expect(diskError { () throws(DiskError) in try reader.write([1], at: 0) } == .other(EBADF))
        #expect(diskError { () throws(DiskError) in try reader.truncate(byteCount: 1) } == .other(EBADF))
        #expect(
            try disk.status("/a") == DiskEntryStatus(isDirectory: false, byteCount: 0, permissions: 0o644))
        reader.close()
        #expect(diskError { () throws(DiskError) in _ = try reader.byteCount() } == .other(EBADF))
    }

    @Test func invalidArgumentsAreErrors() throws {
        let file = try disk.open("/a", .create)
        #expect(diskError { () throws(DiskError) in try file.write([1], at: -1) } == .other(EINVAL))
        #expect(diskError { () throws(DiskError) in try file.write([1], at: .max) } == .other(EFBIG))
        #expect(diskError { () throws(DiskError) in try file.truncate(byteCount: -1) } == .other(EINVAL))
        #expect(diskError { () throws(DiskError) in try file.truncate(byteCount: .max) } == .other(EFBIG))
        #expect(diskError { () throws(DiskError) in _ = try file.map(reservedByteCount: 0) } == .other(EINVAL))
        #expect(try file.byteCount() == 0)
    }

    @Test func directoriesAreListedInOrder() throws {
        try disk.makeDirectory("/d/e")
        try disk.makeDirectory("/d/e")
        for name in ["b", "a", "Z", "\u{e9}", "10", "9"] { _ = try disk.open("/d/\(name)", .create) }
        #expect(try disk.list("/d") == ["10", "9", "Z", "a", "b", "e", "\u{e9}"])
        #expect(try disk.status("/d/e")?.isDirectory == true)
        #expect(try disk.exists("/d/f") == false)
        #expect(diskError { () throws(DiskError) in _ = try disk.list("/x") } == .notFound)
        #expect(diskError { () throws(DiskError) in _ = try disk.list("/d/a") } == .other(ENOTDIR))
        #expect(diskError { () throws(DiskError) in try disk.makeDirectory("/d/a/g") } == .exists)
    }

    @Test func renamesAndRemovals() throws {
        try disk.makeDirectory("/d")
        try disk.open("/d/a", .create).write([1], at: 0)
        try disk.open("/d/b", .create).write([2], at: 0)
        try disk.rename("/d/a", to: "/d/b")
        #expect(try disk.list("/d") == ["b"])
        #expect(disk.contents(of: "/d/b") == [1])
        try disk.rename("/d", to: "/e")
        #expect(disk.contents(of: "/e/b") == [1])
        try disk.rename("/e/b", to: "/e/b")
        #expect(disk.contents(of: "/e/b") == [1])
        #expect(diskError { () throws(DiskError) in try disk.rename("/e", to: "/e/f") } == .other(EINVAL))
        #expect(diskError { () throws(DiskError) in try disk.rename("/x", to: "/y") } == .notFound)
        #expect(diskError { () throws(DiskError) in try disk.rename("/e/b", to: "/e") } == .isDirectory)
        #expect(diskError { () throws(DiskError) in try disk.remove("/e") } == .isDirectory)
        #expect(diskError { () throws(DiskError) in try disk.removeDirectory("/e") } == .notEmpty)
        #expect(diskError { () throws(DiskError) in try disk.removeDirectory("/e/b") } == .other(ENOTDIR))
        try disk.remove("/e/b")
        #expect(diskError { () throws(DiskError) in try disk.remove("/e/b") } == .notFound)
        try disk.removeDirectory("/e")
        #expect(try disk.list("/") == [])
    }

    @Test func aTreeIsRemovedWhole() throws {
        try disk.makeDirectory("/d/e/f")
        try disk.makeDirectory("/other")
        for path in ["/d/a", "/d/e/b", "/d/e/f/c"] { _ = try disk.open(path, .create) }
        try disk.removeTree("/d")
        try disk.removeTree("/d")
        #expect(try disk.list("/") == ["other"])
    }

    @Test func aRemovedFileLivesWhileItIsOpen() throws {
        let file = try disk.open("/a", .create)
        try file.write([1, 2], at: 0)
        try disk.remove("/a")
        #expect(disk.usedByteCount == 4096)
        #expect(try file.read(at: 0, count: 2) == [1, 2])
        let other = try disk.open("/a", .createNew)
        #expect(try other.byteCount() == 0)
        file.close()
        #expect(disk.usedByteCount == 0)
    }

    @Test(arguments: [DiskLock.flock, .openFileDescription])
    func aLockExcludesOtherOpenFiles(_ kind: DiskLock) throws {
        let first = try disk.open("/a", .create)
        let second = try disk.open("/a", .readWrite)
        try first.lock(kind)
        try first.lock(kind)
        #expect(diskError { () throws(DiskError) in try second.lock(kind) } == .locked)
        // The two kinds know nothing of each other.
        try second.lock(kind == .flock ? .openFileDescription : .flock)
        // A process that died holds no locks.
        try disk.processCrashClone().open("/a", .readWrite).lock(kind)
        first.close()
        try second.lock(kind)
        let reader = try disk.open("/a", .readOnly)
        let expected: DiskError.Kind = kind == .flock ? .locked : .other(EBADF)
        #expect(diskError { () throws(DiskError) in try reader.lock(kind) } == expected)
    }

    @Test func whatWasNeverWrittenAtTheEndIsLeftOut() throws {
        let file = try disk.open("/f", .create)
        try file.write([1, 2, 3, 4, 5], at: 4096)
        try file.allocate(byteCount: 1 << 20)
        let written = try #require(disk.writtenContents(of: "/f"))
        #expect(written.byteCount == 1 << 20)
        #expect(written.bytes == Bytes(repeating: 0, count: 4096) + [1, 2, 3, 4, 5] + Bytes(repeating: 0, count: 4091))
        let rest = Bytes(repeating: 0, count: written.byteCount - written.bytes.count)
        #expect(disk.contents(of: "/f") == written.bytes + rest)
        try file.truncate(byteCount: 4098)
        #expect(disk.writtenContents(of: "/f")?.bytes == disk.contents(of: "/f"))
        #expect(disk.writtenContents(of: "/g") == nil)
    }
}
