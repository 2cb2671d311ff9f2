import Environment
import Glibc
import Platform
import Testing

@Suite struct RealDiskTests {
    private let directory = TemporaryDirectory()
    private var disk: RealDisk { directory.disk }

    private func path(_ name: String) -> String { directory.path(name) }

    @Test func openModes() throws {
        #expect(diskError { () throws(DiskError) in _ = try disk.open(path("a"), .readOnly) } == .notFound)
        #expect(diskError { () throws(DiskError) in _ = try disk.open(path("a"), .readWrite) } == .notFound)
        try disk.open(path("a"), .createNew).write([1], at: 0)
        #expect(diskError { () throws(DiskError) in _ = try disk.open(path("a"), .createNew) } == .exists)
        // What is there is neither emptied nor refused.
        #expect(try disk.open(path("a"), .create).byteCount() == 1)
        #expect(diskError { () throws(DiskError) in _ = try disk.open(path("x/a"), .create) } == .notFound)
        #expect(diskError { () throws(DiskError) in _ = try disk.open(path("a/b"), .create) } == .other(ENOTDIR))
        #expect(diskError { () throws(DiskError) in _ = try disk.open(directory.path, .readWrite) } == .isDirectory)
        let reader = try disk.open(path("a"), .readOnly)
        #expect(diskError { () throws(DiskError) in try reader.write([1], at: 0) } == .other(EBADF))
    }

    @Test func errorsNameTheCallAndThePath() {
        #expect(throws: DiskError(.notFound, operation: "open", path: path("a"))) {
            try disk.open(path("a"), .readOnly)
        }
    }

    @Test func permissions() throws {
        _ = try disk.open(path("db"), .create)
        _ = try disk.open(path("snap"), .create, permissions: 0o644)
        try disk.makeDirectory(path("d/e"))
        #expect(try disk.status(path("db"))?.permissions == 0o600)
        let mask = umask(0)
        umask(mask)
        #expect(try disk.status(path("snap"))?.permissions == 0o644 & ~UInt16(mask))
        #expect(try disk.status(path("d")) == disk.status(path("d/e")))
        #expect(try disk.status(path("d"))?.permissions == 0o700)
        #expect(try disk.status(path("d"))?.isDirectory == true)
    }

    @Test func statusTellsWhatIsThere() throws {
        #expect(try disk.status(path("a")) == nil)
        #expect(try !disk.exists(path("a")))
        try disk.open(path("a"), .create).write([1, 2, 3], at: 7)
        #expect(try disk.exists(path("a")))
        #expect(try disk.byteCount(of: path("a")) == 10)
        #expect(try disk.status(path("a/b")) == nil)
        #expect(diskError { () throws(DiskError) in _ = try disk.byteCount(of: path("b")) } == .notFound)
        #expect(
            diskError { () throws(DiskError) in _ = try disk.status(path(String(repeating: "x", count: 300))) }
                == .other(ENAMETOOLONG))
    }

    @Test func directoriesAreListedInOrder() throws {
        try disk.makeDirectory(path("e/f/g"))
        try disk.makeDirectory(path("e/f/g"))
        for name in ["b", "a", "Z", "\u{e9}", "10", "9"] { _ = try disk.open(path(name), .create) }
        #expect(try disk.list(directory.path) == ["10", "9", "Z", "a", "b", "e", "\u{e9}"])
        #expect(try disk.list(path("e/f/g")) == [])
        #expect(diskError { () throws(DiskError) in _ = try disk.list(path("x")) } == .notFound)
        #expect(diskError { () throws(DiskError) in _ = try disk.list(path("a")) } == .other(ENOTDIR))
        #expect(diskError { () throws(DiskError) in try disk.makeDirectory(path("a")) } == .exists)
        #expect(diskError { () throws(DiskError) in try disk.makeDirectory(path("a/g")) } == .other(ENOTDIR))
    }

    @Test func renamesAndRemovals() throws {
        try disk.open(path("a"), .create).write([1], at: 0)
        try disk.open(path("b"), .create).write([2], at: 0)
        try disk.rename(path("a"), to: path("b"))
        try disk.syncDirectory(directory.path)
        #expect(try disk.list(directory.path) == ["b"])
        #expect(try disk.open(path("b"), .readOnly).read(at: 0, count: 9) == [1])
        #expect(diskError { () throws(DiskError) in try disk.rename(path("x"), to: path("y")) } == .notFound)
        try disk.makeDirectory(path("d/e"))
        #expect(diskError { () throws(DiskError) in try disk.remove(path("d")) } == .isDirectory)
        #expect(diskError { () throws(DiskError) in try disk.removeDirectory(path("d")) } == .notEmpty)
        #expect(diskError { () throws(DiskError) in try disk.removeDirectory(path("b")) } == .other(ENOTDIR))
        try disk.removeDirectory(path("d/e"))
        try disk.rename(path("d"), to: path("f"))
        try disk.remove(path("b"))
        #expect(diskError { () throws(DiskError) in try disk.remove(path("b")) } == .notFound)
        #expect(try disk.list(directory.path) == ["f"])
        #expect(diskError { () throws(DiskError) in try disk.syncDirectory(path("b")) } == .notFound)
    }

    @Test func aTreeIsRemovedWithoutFollowingLinks() throws {
        try disk.makeDirectory(path("d/e/f"))
        try disk.makeDirectory(path("kept"))
        for name in ["kept/a", "d/a", "d/e/b", "d/e/f/c"] { _ = try disk.open(path(name), .create) }
        #expect(symlink(path("kept"), path("d/link")) == 0)
        #expect(try disk.status(path("d/link"))?.isDirectory == true)
        try disk.removeTree(path("d"))
        try disk.removeTree(path("d"))
        #expect(try disk.list(directory.path) == ["kept"])
        #expect(try disk.list(path("kept")) == ["a"])
    }

    @Test func kindsOfErrno() {
        let expected: [(Int32, DiskError.Kind)] = [
            (ENOENT, .notFound), (EEXIST, .exists), (EAGAIN, .locked), (EWOULDBLOCK, .locked), (ENOSPC, .noSpace),
            (EDQUOT, .noSpace), (EIO, .inputOutput), (EISDIR, .isDirectory), (ENOTEMPTY, .notEmpty),
            (EROFS, .other(EROFS)), (EACCES, .other(EACCES)),
        ]
        for (code, kind) in expected { #expect(DiskError.Kind(errno: code) == kind) }
    }

    @Test func aFullDeviceSaysSo() throws {
        let full = try disk.open("/dev/full", .readWrite)
        #expect(diskError { () throws(DiskError) in try full.write([1], at: 0) } == .noSpace)
    }
}
