import Environment
import Platform
import Primitives
import SimulatedPlatform
import Testing

@testable import BoltStore

extension BoltCopy {
    /// All of it, read in pieces.
    func bytes(pieceByteCount: Int = .max) throws -> Bytes {
        var bytes = Bytes()
        while bytes.count < byteCount {
            let piece = try read(offset: bytes.count, count: pieceByteCount)
            #expect(piece.count == min(pieceByteCount, byteCount - bytes.count))
            bytes += piece
        }
        return bytes
    }
}

/// Copies hold every node against its checksum, and take nothing else for damage.
@Suite struct BoltCopyTests {
    private static let bucket = Bytes(text: "key")

    /// A file with free pages, and with nodes of one page and of many.
    private static func sample(_ disk: SimulatedDisk, settings: BoltSettings = smallSettings) throws -> BoltFile {
        let file = try BoltFile.open(disk: disk, path: path, settings: settings)
        func put(_ keys: Range<UInt8>, byteCount: Int, mark: UInt8) throws {
            let changes = keys.map {
                BoltChange(key: [$0], value: Bytes(repeating: $0 ^ mark, count: byteCount))
            }
            try file.commit([BoltBucketChanges(bucket: bucket, changes: changes)])
        }
        try put(0..<100, byteCount: 60, mark: 1)
        try put(100..<103, byteCount: 9000, mark: 1)
        try put(40..<60, byteCount: 60, mark: 2)
        try put(101..<102, byteCount: 7000, mark: 2)
        return file
    }

    /// The first page of each node, and how many pages it has.
    private static func nodes(of view: BoltView) -> [UInt64: Int] {
        var nodes: [UInt64: Int] = [:]
        func visit(_ id: UInt64) {
            let page = unsafe Page(base: view.pages.mapping.base + Int(id) * 1024, byteCount: 1 << 20)
            nodes[id] = page.overflow + 1
            for index in 0..<page.count {
                if !page.isLeaf { visit(page.child(index)) }
                guard page.isLeaf, page.isBucket(index), let start = unsafe page.value(index).baseAddress else {
                    continue
                }
                let header = unsafe BucketHeader(start, byteCount: page.value(index).count)
                if header.inlineLeaf == nil { visit(header.rootPage) }
            }
        }
        visit(view.root.rootPage.rawValue)
        return nodes
    }

    @Test func aBitThatTurnsOverInAPageInUseIsFoundAndElsewhereHarmless() throws {
        let disk = makeDisk()
        let file = try Self.sample(disk)
        let view = file.pin()
        let copy = file.copy(of: view)
        let nodes = Self.nodes(of: view)
        var heads: [UInt64: UInt64] = [:]
        for (first, count) in nodes { for page in first..<first + UInt64(count) { heads[page] = first } }
        #expect(nodes.values.contains { $0 > 8 } && heads.count < Int(view.root.highWaterMark) - 8)
        for offset in stride(from: 2048, to: copy.byteCount, by: 97) {
            disk.flipBit(offset % 8, at: offset, of: path)
            let page = UInt64(offset / 1024)
            if let head = heads[page] {
                #expect(throws: BoltError.wrongChecksum(ofPage: head)) { try copy.bytes() }
                #expect(throws: BoltError.wrongChecksum(ofPage: head)) { try copy.bytes(pieceByteCount: 3000) }
                #expect(throws: BoltError.wrongChecksum(ofPage: head)) { try copy.read(offset: offset, count: 1) }
            } else {
                #expect(throws: Never.self, "page \(page) is free") { try copy.bytes(pieceByteCount: 3000) }
            }
            disk.flipBit(offset % 8, at: offset, of: path)
        }
        #expect(try copy.bytes().count == copy.byteCount)
        file.close()
    }

    @Test func aLostWriteIsFound() throws {
        let disk = makeDisk()
        let file = try Self.sample(disk)
        disk.inject(.dropWrite, atNext: .write, leastOffset: 2048)
        let change = BoltChange(key: [7], value: Bytes(repeating: 200, count: 60))
        try file.commit([BoltBucketChanges(bucket: Self.bucket, changes: [change])])
        #expect(!disk.hasFaults)
        let view = file.pin()
        let copy = file.copy(of: view)
        #expect { try copy.bytes(pieceByteCount: 2048) } throws: { error in
            guard case .corrupt(let text) = error as? BoltError else { return false }
            return text.hasSuffix("does not have the checksum it was written with")
        }
        file.close()
    }

    /// Pieces begin and end anywhere, in nodes, between them and among free pages.
    @Test func piecesOfAnyLengthAreWhatLiesThere() throws {
        let disk = makeDisk()
        let file = try Self.sample(disk)
        let copy = file.copy(of: file.pin())
        let image = try #require(disk.contents(of: path))
        for count in [1, 100, 1023, 1024, 1025, 4000, 9500, 100_000] {
            for offset in stride(from: 2048, to: copy.byteCount, by: 331) {
                let end = min(offset + count, copy.byteCount)
                #expect(try copy.read(offset: offset, count: count) == Bytes(image[offset..<end]))
            }
            #expect(
                try Bytes(copy.bytes(pieceByteCount: max(64, count))[2048...]) == Bytes(image[2048..<copy.byteCount]))
        }
        file.close()
    }

    /// What an earlier life left at pages that continue a node is taken away when they are written and when the file is
    /// opened: older versions left it there, and so does a commit whose node goes on in another block of checksums.
    @Test func checksumsOfAnEarlierLifeAreNotMinded() throws {
        let disk = makeDisk()
        let file = try Self.sample(disk)
        let view = file.pin()
        let contents = try view.contents()
        let continued = Self.nodes(of: view).flatMap { first, count in first + 1..<first + UInt64(count) }
        let table = view.pages.table
        #expect(continued.count > 20 && continued.allSatisfy { table.checksum(of: $0) == nil })
        for page in continued { table.setChecksum(7, of: page) }
        _ = try ChecksumFile.make(disk: disk, path: path, meta: view.root, table: table)
        file.close()
        let opened = try BoltFile.open(disk: disk, path: path, settings: smallSettings)
        #expect(try Self.contents(of: opened.copy(of: opened.pin()).bytes(pieceByteCount: 1500)) == contents)
        opened.close()
    }

    /// Without checksums a file is copied as it lies there.
    @Test func withoutChecksumsNothingIsFound() throws {
        let disk = makeDisk()
        var settings = smallSettings
        settings.keepsChecksums = false
        let file = try Self.sample(disk, settings: settings)
        let copy = file.copy(of: file.pin())
        let offset = Int(file.root.rootPage.rawValue) * 1024 + 1000
        disk.flipBit(0, at: offset, of: path)
        #expect(try copy.bytes(pieceByteCount: 900)[offset] == disk.contents(of: path)?[offset])
        file.close()
    }

    @Test func afterAFailedCommitTheFileIsStillCopied() throws {
        let disk = makeDisk()
        let file = try Self.sample(disk)
        let contents = try file.contents()
        disk.inject(.fail(.inputOutput), atNext: .sync)
        let change = BoltChange(key: [7], value: Bytes(repeating: 200, count: 3000))
        #expect(throws: BoltError.self) {
            try file.commit([BoltBucketChanges(bucket: Self.bucket, changes: [change])])
        }
        for _ in 0..<2 {
            let view = file.pin()
            #expect(try Self.contents(of: file.copy(of: view).bytes(pieceByteCount: 777)) == contents)
            file.release(view)
            #expect(throws: BoltError.unfinishedCommit) { try file.commit([]) }
        }
        file.close()
    }

    /// Opens a copy as the file that it is, and proves it.
    private static func contents(of bytes: Bytes) throws -> Contents {
        let disk = makeDisk()
        disk.place(bytes, at: path)
        let file = try BoltFile.open(disk: disk, path: path, settings: smallSettings)
        defer { file.close() }
        try file.check()
        return try file.contents()
    }

    /// A copy on its way, of a state that had these contents.
    private struct Reading {
        let view: BoltView
        let copy: BoltCopy
        let contents: Contents
        let pieceByteCount: Int
        var bytes = Bytes()
    }

    /// Copies that are read while commits, a step at a time, reuse pages, make the file longer and move it together; files
    /// opened again with their checksums, without, and as a crash left them.
    @Test(arguments: 0..<8 as Range<UInt64>) func nothingElseIsTakenForDamage(seed: UInt64) throws {
        var disk = makeDisk(seed: seed)
        var workload = Workload(seed: seed)
        var random = SeededEntropy(seed: seed + 1000)
        func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
        var file = try BoltFile.open(disk: disk, path: path, settings: smallSettings)
        var readings: [Reading] = []
        var (copied, grown, reused) = (0, 0, 0)

        func read(_ pieces: Int) throws {
            for _ in 0..<pieces where !readings.isEmpty {
                let place = Int.random(in: 0..<readings.count, using: &random)
                var reading = readings.remove(at: place)
                reading.bytes += try reading.copy.read(offset: reading.bytes.count, count: reading.pieceByteCount)
                guard reading.bytes.count == reading.copy.byteCount else {
                    readings.append(reading)
                    continue
                }
                file.release(reading.view)
                copied += 1
                #expect(try Self.contents(of: reading.bytes) == reading.contents)
            }
        }
        func begin() throws {
            guard readings.count < 4 else { return }
            let view = file.pin()
            let count = [500, 1024, 3000, 10_000, 40_000][Int.random(in: 0..<5, using: &random)]
            readings.append(
                Reading(
                    view: view, copy: file.copy(of: view), contents: try view.contents(), pieceByteCount: count))
        }

        for _ in 0..<120 {
            if chance(5) { file.beginDefragmentation() }
            if chance(30) { try begin() }
            let before = file.sizeByteCount
            var committer = file.beginCommit(workload.next())
            while true {
                // Also while the pages are planned and written, and before anybody is told.
                if chance(10) { try begin() }
                if let outcome = try committer.step() {
                    file.finish(outcome)
                    break
                }
                try read(Int.random(in: 0..<3, using: &random))
            }
            if file.sizeByteCount > before { grown += 1 } else { reused += 1 }
            guard chance(10) else { continue }
            // Whoever reads is through first, or has to do without.
            if chance(50) { try read(10_000) }
            readings = []
            if chance(30) {
                var interrupted = file.beginCommit(workload.next())
                for _ in 0..<Int.random(in: 0..<5, using: &random) { _ = try interrupted.step() }
                disk = disk.crashClone(.random(survivalPercent: 50), entropy: &random)
            }
            file.close()
            let checksums = ChecksumFile.path(for: path)
            if chance(20) { disk.lose(checksums) }
            if chance(20), let byteCount = disk.contents(of: checksums)?.count {
                disk.flipBit(0, at: Int.random(in: 0..<byteCount, using: &random), of: checksums)
            }
            file = try BoltFile.open(disk: disk, path: path, settings: smallSettings)
        }
        try read(10_000)
        #expect(readings.isEmpty && copied > 5 && grown > 5 && reused > 20)
        file.close()
    }

    /// A copy on another thread, while pages are reused and the table of checksums is written to.
    @Test func aCopyOnAnotherThread() async throws {
        let disk = RealDisk()
        let directory = try temporaryDirectory()
        defer { try? disk.removeTree(directory) }
        let file = try BoltFile.open(
            disk: disk, path: directory + "/db", settings: BoltSettings(growthByteCount: 1 << 20))
        var workload = Workload(seed: 78)
        for _ in 0..<20 {
            try file.commit(workload.next())
            let view = file.pin()
            let copy = file.copy(of: view)
            let contents = workload.contents
            async let bytes = copy.bytes(pieceByteCount: 5000)
            for _ in 0..<5 { try file.commit(workload.next()) }
            #expect(try await Self.contents(of: bytes) == contents)
            file.release(view)
        }
        file.close()
    }
}
