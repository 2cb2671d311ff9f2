import Environment
import Platform
import Primitives
import SimulatedPlatform
import Testing

@testable import BoltStore

/// The format's own rules, and the vectors computed from them independently.
@Suite struct BoltFormatTests {
    private func meta(transaction: UInt64, freeList: PageID = PageID(2)) -> BoltMeta {
        BoltMeta(
            pageSizeByteCount: 4096, rootPage: PageID(3), rootSequence: 0, freeListPage: freeList, highWaterMark: 4,
            transaction: transaction)
    }

    @Test func metaChecksums() {
        #expect(meta(transaction: 0).checksum == 0x0751_6e11_4689_fdee)
        #expect(meta(transaction: 1).checksum == 0x264c_351a_5179_480f)
        #expect(meta(transaction: 2, freeList: .notStored).checksum == 0xc759_801d_1f87_7de6)
        let expected: Bytes =
            [0xed, 0xda, 0x0c, 0xed, 2, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]
            + [0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        #expect(Bytes(meta(transaction: 0).encoded[..<56]) == expected)
        #expect(BoltMeta(meta(transaction: 7).encoded) == meta(transaction: 7))
    }

    @Test func aNewFile() throws {
        let disk = makeDisk()
        try BoltFile.open(disk: disk, path: path, settings: BoltSettings(reservedByteCount: 1 << 30)).close()
        let bytes = try #require(disk.contents(of: path))
        #expect(bytes.count == 4 * 4096)
        for (page, flags) in [(0, 4), (1, 4), (2, 0x10), (3, 2)] as [(Int, UInt8)] {
            #expect(
                Bytes(bytes[page * 4096..<page * 4096 + 16]) == [UInt8(page), 0, 0, 0, 0, 0, 0, 0, flags]
                    + Bytes(repeating: 0, count: 7))
        }
        #expect(BoltMeta(Bytes(bytes[16..<80])) == meta(transaction: 0))
        #expect(BoltMeta(Bytes(bytes[4112..<4176])) == meta(transaction: 1))
        #expect(Bytes(bytes[(2 * 4096 + 16)..<(3 * 4096)]).allSatisfy { $0 == 0 })
    }

    @Test func growthAsInEtcd() throws {
        let disk = makeDisk()
        let file = try BoltFile.open(disk: disk, path: path, settings: BoltSettings(reservedByteCount: 1 << 30))
        try file.commit([BoltBucketChanges(bucket: Bytes(text: "key"), changes: [])])
        // Pages 0 to 3 and a new root in page 4: five used, one more asked for, and 16 MiB.
        #expect(try disk.byteCount(of: path) == 6 * 4096 + (16 << 20))
        #expect(file.root.freeListPage == .notStored)
        #expect(file.sizeByteCount == 5 * 4096)
        file.close()
    }

    @Test(arguments: BoltMeta.pageSizes.prefix(8)) func pageSizes(pageSize: Int) throws {
        let disk = makeDisk()
        var settings = BoltSettings(pageSizeByteCount: pageSize, reservedByteCount: 1 << 30, growthByteCount: 0)
        var file = try BoltFile.open(disk: disk, path: path, settings: settings)
        let change = BoltChange(key: [1], value: Bytes(repeating: 9, count: 3 * pageSize))
        try file.commit([BoltBucketChanges(bucket: [1], changes: [change])])
        file.close()
        // A file keeps its size of pages, also when only the second meta page tells it.
        settings.pageSizeByteCount = 4096
        var bytes = try #require(disk.contents(of: path))
        let damaged = makeDisk()
        bytes[20] ^= 1
        damaged.place(bytes, at: path)
        for (disk, transaction) in [(disk, 2), (damaged, 1)] as [(SimulatedDisk, UInt64)] {
            file = try BoltFile.open(disk: disk, path: path, settings: settings)
            #expect(file.root.pageSizeByteCount == pageSize)
            #expect(file.root.transaction == transaction)
            file.close()
        }
    }

    @Test func smallBucketsAreInlineAndGrowOutOfIt() throws {
        let disk = makeDisk()
        let file = try BoltFile.open(disk: disk, path: path, settings: smallSettings)
        let bucket = Bytes(text: "meta")
        // Header 16, elements 16, keys of 1 byte: up to a quarter of a page, 256 bytes.
        for (count, isInline) in [(223, true), (224, false), (0, true), (3000, false), (223, true)] {
            let change = BoltChange(key: [1], value: Bytes(repeating: 1, count: count))
            try file.commit([BoltBucketChanges(bucket: bucket, changes: [change])])
            let view = file.pin()
            defer { file.release(view) }
            let root = try #require(try view.bucketRoot(bucket.span.bytes))
            if case .inline = root { #expect(isInline) } else { #expect(!isInline) }
            #expect(try view.get(bucket: bucket, key: [1])?.count == count)
            try file.check()
        }
        file.close()
    }

    @Test func aStoredFreeListIsCheckedAndThenFreed() throws {
        // A new file with two pages more, both free: one in the list, one not.
        var bytes = BoltFile.newFile(pageSizeByteCount: 1024)
        bytes += Bytes(repeating: 0, count: 2048)
        var root = BoltMeta(
            pageSizeByteCount: 1024, rootPage: PageID(3), rootSequence: 0, freeListPage: PageID(2), highWaterMark: 6,
            transaction: 2)
        bytes.replaceSubrange(0..<1024, with: root.page(id: PageID(0)))
        var list = Bytes(pageHeader: PageID(2), flags: .freeList, count: 1, overflow: 0)
        list.append(number64: 4)
        bytes.replaceSubrange(2048..<2048 + list.count, with: list)
        var disk = makeDisk()
        disk.place(bytes, at: path)
        var file = try BoltFile.open(disk: disk, path: path, settings: smallSettings)
        #expect(throws: BoltError.corrupt("free pages are missing in the free list")) { try file.check() }
        file.close()

        root.highWaterMark = 5
        root.transaction = 4
        bytes.replaceSubrange(0..<1024, with: root.page(id: PageID(0)))
        disk = makeDisk()
        disk.place(bytes, at: path)
        file = try BoltFile.open(disk: disk, path: path, settings: smallSettings)
        try file.check()
        #expect(file.freePageCount == 2)
        try file.commit([BoltBucketChanges(bucket: [1], changes: [])])
        try file.check()
        // The new root took page 4; the list and the old root are free.
        #expect(file.root.rootPage == PageID(4) && file.root.highWaterMark == 5 && file.freePageCount == 2)
        file.close()
    }

    @Test func aSecondOpenerIsRefused() throws {
        let disk = makeDisk()
        let file = try BoltFile.open(disk: disk, path: path, settings: smallSettings)
        #expect(throws: BoltError.locked(path: path)) {
            try BoltFile.open(disk: disk, path: path, settings: smallSettings)
        }
        file.close()
        try BoltFile.open(disk: disk, path: path, settings: smallSettings).close()
    }

    @Test func outgrowingTheReservedAddressesIsAnError() throws {
        let disk = makeDisk()
        var settings = smallSettings
        settings.reservedByteCount = 64 << 10
        let file = try BoltFile.open(disk: disk, path: path, settings: settings)
        let change = BoltChange(key: [1], value: Bytes(repeating: 1, count: 70 << 10))
        var committer = file.beginCommit([BoltBucketChanges(bucket: [1], changes: [change])])
        #expect(throws: BoltError.tooLarge(reservedByteCount: 64 << 10)) { try committer.run() }
        file.close()
    }

    @Test func aCopyIsAFileOfTheViewWhileCommitsGoOn() throws {
        let disk = makeDisk()
        var workload = Workload(seed: 31)
        let file = try BoltFile.open(disk: disk, path: path, settings: smallSettings)
        for _ in 0..<20 { try file.commit(workload.next()) }
        let view = file.pin()
        let contents = workload.contents
        let copy = file.copy(of: view)
        var bytes = Bytes()
        while bytes.count < copy.byteCount {
            bytes += try copy.read(offset: bytes.count, count: 700)
            try file.commit(workload.next())
        }
        #expect(try copy.read(offset: bytes.count, count: 1).isEmpty)
        #expect(try copy.read(offset: 1000, count: 900) == Bytes(bytes[1000..<1900]))
        file.release(view)
        file.close()
        #expect(throws: BoltError.self) { try copy.read(offset: 4000, count: 1) }
        #expect(bytes.count == copy.byteCount && bytes.count == Int(view.root.highWaterMark) * 1024)
        #expect(BoltMeta(Bytes(bytes[16..<80]))?.transaction == view.root.transaction)
        #expect(BoltMeta(Bytes(bytes[1040..<1104]))?.transaction == view.root.transaction - 1)
        let target = makeDisk()
        target.place(bytes, at: path)
        let opened = try BoltFile.open(disk: target, path: path, settings: smallSettings)
        try opened.check()
        #expect(try opened.contents() == contents)
        opened.close()
    }

    @Test func aFileOnARealDisk() throws {
        let disk = RealDisk()
        let directory = try temporaryDirectory()
        defer { try? disk.removeTree(directory) }
        var workload = Workload(seed: 41)
        let settings = BoltSettings(growthByteCount: 1 << 20)
        for _ in 0..<3 {
            let file = try BoltFile.open(disk: disk, path: directory + "/db", settings: settings)
            #expect(try file.contents() == workload.contents)
            #expect(throws: BoltError.locked(path: directory + "/db")) {
                try BoltFile.open(disk: disk, path: directory + "/db", settings: settings)
            }
            for _ in 0..<5 { try file.commit(workload.next()) }
            #expect(try file.contents() == workload.contents)
            try file.check()
            file.close()
        }
        #expect(try disk.list(directory) == ["db", "db.checksums"])
        #expect(try disk.status(directory + "/db")?.permissions == 0o600)
    }
}
