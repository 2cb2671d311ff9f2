import Environment
import Platform
import Primitives
import SimulatedPlatform
import Testing

@testable import BoltStore

extension BoltFile {
    var isDefragmenting: Bool { defragmentationProgress != nil }

    /// Bytes of pages that the newest state leads to.
    var inUseByteCount: Int { sizeByteCount - freePageCount * root.pageSizeByteCount }

    /// Runs a defragmentation to its end, with commits of `changes` meanwhile, and checks after each. Answers how many
    /// commits it took.
    @discardableResult
    func defragment(
        checking: Bool = true, changes: (Int) throws -> [BoltBucketChanges] = { _ in [] }
    ) throws -> Int {
        beginDefragmentation()
        var commits = 0
        var percent = 0
        while let progress = defragmentationProgress {
            #expect(progress.percent >= percent && progress.percent < 100)
            percent = progress.percent
            try commit(try changes(commits))
            commits += 1
            if checking { try check() }
            guard commits < 5000 else {
                Issue.record("the defragmentation does not end")
                break
            }
        }
        return commits
    }
}

/// Moving pages together while the file is in use.
@Suite struct BoltDefragmentationTests {
    private static let bucket = Bytes(text: "key")
    /// What a value of `Workload` takes at most, in pages of 1 KiB.
    private static let largestNodeByteCount = 6 * 1024

    private static func put(_ keys: some Sequence<Int>, byteCount: Int) -> BoltBucketChanges {
        let changes = keys.map {
            BoltChange(
                key: Bytes(bigEndian: UInt64($0 + 1)), value: Bytes(repeating: UInt8($0 & 255), count: byteCount))
        }
        return BoltBucketChanges(bucket: bucket, changes: changes, fillPercent: 90)
    }

    private static func delete(_ keys: some Sequence<Int>) -> BoltBucketChanges {
        let changes = keys.map { BoltChange(key: Bytes(bigEndian: UInt64($0 + 1)), value: nil) }
        return BoltBucketChanges(bucket: bucket, changes: changes, fillPercent: 90)
    }

    /// A file with holes all over, and what it holds.
    private static func holed(
        _ disk: SimulatedDisk, seed: UInt64, keepsChecksums: Bool = true, commitCount: Int = 40
    ) throws -> (file: BoltFile, workload: Workload) {
        var settings = smallSettings
        settings.keepsChecksums = keepsChecksums
        let file = try BoltFile.open(disk: disk, path: path, settings: settings)
        var workload = Workload(seed: seed)
        for _ in 0..<commitCount { try file.commit(workload.next()) }
        return (file, workload)
    }

    @Test(arguments: 0..<12 as Range<UInt64>)
    func contentsStayAndHolesGo(seed: UInt64) throws {
        let disk = makeDisk()
        var (file, workload) = try Self.holed(disk, seed: seed, keepsChecksums: seed % 4 != 0)
        let before = file.sizeByteCount
        // First with nothing else to write: it ends as small as it gets.
        try file.defragment()
        #expect(try file.contents() == workload.contents)
        // So small a file may keep a hole that its largest node does not fit.
        #expect(file.sizeByteCount * 10 <= file.inUseByteCount * 11 + 10 * Self.largestNodeByteCount)
        #expect(file.sizeByteCount <= before)
        #expect(try disk.byteCount(of: path) == file.sizeByteCount, "the file is cut off")
        file.close()
        file = try BoltFile.open(disk: disk, path: path, settings: smallSettings)
        #expect(try file.contents() == workload.contents)
        // Then with a random transaction in each slice.
        for _ in 0..<10 { try file.commit(workload.next()) }
        try file.defragment { commit in
            guard commit < 25 else { return [] }
            return workload.next()
        }
        #expect(try file.contents() == workload.contents)
        file.close()
        file = try BoltFile.open(disk: disk, path: path, settings: smallSettings)
        try file.check()
        #expect(try file.contents() == workload.contents)
        file.close()
    }

    @Test func aFileThatLostMostOfItsRecordsBecomesSmall() throws {
        let disk = makeDisk()
        var settings = BoltSettings(reservedByteCount: 1 << 30, growthByteCount: 1 << 20)
        settings.pageSizeByteCount = 4096
        let file = try BoltFile.open(disk: disk, path: path, settings: settings)
        for batch in 0..<20 { try file.commit([Self.put(batch * 1000..<batch * 1000 + 1000, byteCount: 200)]) }
        try file.commit([Self.delete((0..<20_000).filter { $0 % 3 != 0 })])
        let inUse = file.inUseByteCount
        let commits = try file.defragment(checking: false)
        try file.check()
        // A third of each leaf was in use: now nine tenths are.
        #expect(file.inUseByteCount * 2 < inUse)
        #expect(file.sizeByteCount * 10 <= file.inUseByteCount * 11)
        #expect(commits > 3 && commits < 60)
        #expect(try file.contents()[Self.bucket]?.count == 6667)
        // And again: there is nothing to do.
        let size = file.sizeByteCount
        try file.defragment()
        #expect(file.sizeByteCount <= size && file.sizeByteCount >= size - size / 20)
        file.close()
    }

    /// Large values of many sizes, in holes that are too small for them, with small ones in between.
    @Test(arguments: 0..<3 as Range<UInt64>)
    func largeValuesFindRoom(seed: UInt64) throws {
        let disk = makeDisk()
        let file = try BoltFile.open(
            disk: disk, path: path, settings: BoltSettings(reservedByteCount: 1 << 30, growthByteCount: 0))
        var entropy = SeededEntropy(seed: seed)
        var key = 0
        for round in 0..<30 {
            let sizes = (0..<4).map { _ in
                Int.random(in: 0..<3, using: &entropy) == 0
                    ? Int.random(in: 100..<3000, using: &entropy)
                    : 20_000 + round * 2000 + Int.random(in: 0..<10_000, using: &entropy)
            }
            var changes: [BoltChange] = []
            for size in sizes {
                changes += Self.put([key], byteCount: size).changes
                key += 1
            }
            try file.commit([BoltBucketChanges(bucket: Self.bucket, changes: changes, fillPercent: 90)])
        }
        // Those that come early are small, and go: no hole is as large as what is left.
        try file.commit([Self.delete((0..<key).filter { $0 < 80 && $0 % 4 != 0 || $0 % 7 == 0 && $0 >= 80 })])
        let contents = try file.contents()
        try file.defragment(checking: false)
        try file.check()
        #expect(try file.contents() == contents)
        #expect(file.sizeByteCount * 10 <= file.inUseByteCount * 11, "\(file.sizeByteCount) \(file.inUseByteCount)")
        file.close()
    }

    @Test(arguments: 0..<5 as Range<UInt64>)
    func readersKeepTheirPagesAndItEnds(seed: UInt64) throws {
        let disk = makeDisk()
        var (file, workload) = try Self.holed(disk, seed: seed + 100)
        let old = file.pin()
        let oldContents = workload.contents
        var pinned: [(view: BoltView, contents: Contents)] = []
        try file.defragment { commit in
            let changes = commit < 30 ? workload.next() : []
            if commit % 4 == 3, commit < 30 {
                let contents = try file.contents()
                pinned.append((file.pin(), contents))
            }
            if pinned.count > 3 {
                let (view, contents) = pinned.remove(at: Int.random(in: 0..<3, using: &workload.random))
                #expect(try view.contents() == contents)
                file.release(view)
            }
            return changes
        }
        #expect(try old.contents() == oldContents)
        for (view, contents) in pinned {
            #expect(try view.contents() == contents)
            file.release(view)
        }
        // What the file holds and what readers pinned is all there is room for.
        let held = file.sizeByteCount
        file.release(old)
        try file.defragment()
        #expect(file.sizeByteCount <= held)
        #expect(file.sizeByteCount * 10 <= file.inUseByteCount * 11 + 10 * Self.largestNodeByteCount)
        #expect(try file.contents() == workload.contents)
        file.close()
    }

    @Test func aFileOfARealServerIsDefragmented() throws {
        let disk = makeDisk()
        disk.place(try GoldenFileTests.database(), at: path)
        let settings = BoltSettings(reservedByteCount: 1 << 30, growthByteCount: 0)
        var file = try BoltFile.open(disk: disk, path: path, settings: settings)
        let contents = try file.contents()
        try file.defragment()
        #expect(try file.contents() == contents)
        #expect(file.sizeByteCount * 10 <= file.inUseByteCount * 11)
        #expect(try disk.byteCount(of: path) == file.sizeByteCount)
        file.close()
        file = try BoltFile.open(disk: disk, path: path, settings: settings)
        try file.check()
        #expect(try file.contents() == contents)
        file.close()
    }

    // MARK: Crashes

    private final class Expectation {
        var settled: Contents = [:]
        var inFlight: Contents = [:]
    }

    private static func recover(
        _ disk: SimulatedDisk, _ expectation: Expectation, _ settings: BoltSettings, _ place: String
    ) throws {
        let file = try BoltFile.open(disk: disk, path: path, settings: settings)
        defer { file.close() }
        try file.check()
        var contents = try file.contents()
        #expect(contents == expectation.settled || contents == expectation.inFlight, "\(place)")
        let change = BoltChange(key: [250], value: Bytes(repeating: 7, count: 700))
        contents[Bytes(text: "lease"), default: [:]][change.key] = change.value
        // The beginning of a defragmentation on top, with a commit in it.
        file.beginDefragmentation()
        for commit in 0..<3 where file.isDefragmenting {
            try file.commit(commit == 0 ? [BoltBucketChanges(bucket: Bytes(text: "lease"), changes: [change])] : [])
        }
        #expect(try file.contents() == contents, "\(place)")
        try file.check()
    }

    @Test(arguments: 0..<4 as Range<UInt64>) func aCrashAtAnyCallLosesNothing(seed: UInt64) throws {
        let disk = makeDisk(seed: seed)
        var settings = smallSettings
        settings.keepsChecksums = seed != 3
        var (file, workload) = try Self.holed(
            disk, seed: seed, keepsChecksums: settings.keepsChecksums, commitCount: 12)
        let expectation = Expectation()
        expectation.settled = workload.contents
        expectation.inFlight = workload.contents
        var entropy = SeededEntropy(seed: seed)
        var crashes = 0
        var operations: Set<DiskOperation> = []
        disk.beforeOperation = { number, operation in
            operations.insert(operation)
            var clones = [disk.processCrashClone()]
            for policy in [CrashPolicy.loseAllUnsynced, .keepAll, .torn, .random(survivalPercent: 50)] {
                clones.append(disk.crashClone(policy, entropy: &entropy))
            }
            for (index, clone) in clones.enumerated() {
                crashes += 1
                let place = "seed \(seed), call \(number), a \(operation), policy \(index)"
                #expect(throws: Never.self, "\(place)") { try Self.recover(clone, expectation, settings, place) }
            }
        }
        try file.defragment { commit in
            expectation.settled = workload.contents
            let changes = commit == 2 ? workload.next() : []
            expectation.inFlight = workload.contents
            return changes
        }
        disk.beforeOperation = nil
        #expect(try file.contents() == workload.contents)
        #expect(operations.contains(.truncate))
        #expect(crashes > 200)
    }

    @Test(arguments: [DiskError.Kind.inputOutput, .noSpace])
    func anErrorAtAnyCallStopsItAndLosesNothing(kind: DiskError.Kind) throws {
        var entropy = SeededEntropy(seed: 5)
        var failures = 0
        while true {
            let disk = makeDisk(seed: UInt64(failures))
            let (file, workload) = try Self.holed(disk, seed: 9, commitCount: 12)
            let expectation = Expectation()
            expectation.settled = workload.contents
            expectation.inFlight = workload.contents
            disk.inject(.fail(kind), at: disk.operationCount + failures + 1)
            do {
                try file.defragment(checking: false)
                break
            } catch is BoltError {
                failures += 1
            }
            #expect(file.isDefragmenting)
            #expect(try file.contents() == workload.contents)
            for policy in [CrashPolicy.loseAllUnsynced, .torn] {
                try Self.recover(disk.crashClone(policy, entropy: &entropy), expectation, smallSettings, "\(failures)")
            }
        }
        #expect(failures > 20)
    }
}
