import Environment
import Platform
import Primitives
import SimulatedPlatform
import Testing

@testable import BoltStore

/// Random transactions against a dictionary.
@Suite struct BoltModelTests {
    @Test(arguments: 0..<12 as Range<UInt64>)
    func aFileAgreesWithADictionary(seed: UInt64) throws {
        let disk = makeDisk()
        var settings = smallSettings
        settings.keepsChecksums = seed % 2 == 0
        settings.pageSizeByteCount = seed % 3 == 0 ? 4096 : 1024
        var workload = Workload(seed: seed)
        var file = try BoltFile.open(disk: disk, path: path, settings: settings)
        for round in 0..<40 {
            try file.commit(workload.next())
            #expect(try file.contents() == workload.contents)
            try file.check()
            if round % 7 == 6 {
                file.close()
                file = try BoltFile.open(disk: disk, path: path, settings: settings)
                #expect(try file.contents() == workload.contents)
            }
        }
        file.close()
    }

    @Test func aRangeIsVisitedAndNothingElse() throws {
        let disk = makeDisk()
        var workload = Workload(seed: 5)
        let file = try BoltFile.open(disk: disk, path: path, settings: smallSettings)
        for _ in 0..<30 { try file.commit(workload.next()) }
        let view = file.pin()
        let bucket = Bytes(text: "lease")
        let keys = workload.contents[bucket, default: [:]].keys.sorted { $0.precedes($1) }
        #expect(keys.count > 20)
        for first in stride(from: 0, to: keys.count, by: 5) {
            for last in stride(from: first, to: keys.count, by: 3) {
                var visited: [Bytes] = []
                try view.scan(bucket: bucket, from: keys[first], to: keys[last]) { key, _ in
                    visited.append(Bytes(copying: key))
                    return true
                }
                #expect(visited == Array(keys[first..<last]))
            }
        }
        var count = 0
        try view.scan(bucket: bucket, from: [], to: nil) { _, _ in
            count += 1
            return count < 4
        }
        #expect(count == 4)
        for key in keys { #expect(try view.get(bucket: bucket, key: key) == workload.contents[bucket]?[key]) }
        #expect(try view.get(bucket: bucket, key: [200, 1]) == nil)
        #expect(try view.get(bucket: Bytes(text: "none"), key: keys[0]) == nil)
        file.close()
    }

    @Test func aPinnedViewNeverChanges() throws {
        let disk = makeDisk()
        var workload = Workload(seed: 9)
        let file = try BoltFile.open(disk: disk, path: path, settings: smallSettings)
        var pinned: [(view: BoltView, contents: Contents)] = []
        for round in 0..<60 {
            try file.commit(workload.next())
            if round % 5 == 0 { pinned.append((file.pin(), workload.contents)) }
            if pinned.count > 4 {
                let oldest = pinned.remove(at: Int.random(in: 0..<3, using: &workload.random))
                #expect(try oldest.view.contents() == oldest.contents)
                file.release(oldest.view)
            }
            try file.check()
        }
        for (view, contents) in pinned { #expect(try view.contents() == contents) }
        file.close()
    }

    @Test func aLongReaderDoesNotMakeTheFileGrow() throws {
        let disk = makeDisk()
        let file = try BoltFile.open(disk: disk, path: path, settings: smallSettings)
        let bucket = Bytes(text: "lease")
        func write(_ number: UInt8) throws {
            let changes = (0..<100 as Range<UInt8>).map {
                BoltChange(key: [$0], value: Bytes(repeating: number, count: 30))
            }
            try file.commit([BoltBucketChanges(bucket: bucket, changes: changes)])
        }
        for number in 0..<5 as Range<UInt8> { try write(number) }
        let view = file.pin()
        for number in 5..<10 as Range<UInt8> { try write(number) }
        let size = file.sizeByteCount
        for number in 10..<100 as Range<UInt8> { try write(number) }
        #expect(file.sizeByteCount == size)
        #expect(try view.get(bucket: bucket, key: [50]) == Bytes(repeating: 4, count: 30))
        try file.check()
        file.release(view)
        file.close()
    }

    @Test func appendedPagesAreFilledAndThinOnesMerged() throws {
        let disk = makeDisk()
        var settings = smallSettings
        settings.pageSizeByteCount = 4096
        let file = try BoltFile.open(disk: disk, path: path, settings: settings)
        let bucket = Bytes(text: "key")
        func usedByteCount() -> Int { file.sizeByteCount - file.freePageCount * 4096 }
        for batch in 0..<40 as Range<UInt64> {
            let keys = batch * 100..<batch * 100 + 100
            let changes = keys.map { BoltChange(key: Bytes(bigEndian: $0 + 1), value: Bytes(repeating: 1, count: 76)) }
            try file.commit([BoltBucketChanges(bucket: bucket, changes: changes, fillPercent: 90)])
        }
        // 4,000 records of 100 bytes in leaves filled to 90 %, and under 20 pages of branches, metas and root.
        #expect(usedByteCount() < 4000 * 100 * 100 / 88 + 20 * 4096)
        for batch in 0..<40 as Range<UInt64> {
            let changes = (batch * 100..<batch * 100 + 100).filter { $0 % 20 != 0 }.map {
                BoltChange(key: Bytes(bigEndian: $0 + 1), value: nil)
            }
            try file.commit([BoltBucketChanges(bucket: bucket, changes: changes)])
        }
        // 200 records are left: at least a quarter of each leaf is in use.
        #expect(usedByteCount() < 200 * 100 * 4 + 20 * 4096)
        #expect(try file.contents()[bucket]?.count == 200)
        try file.check()
        file.close()
    }

    /// Views on other threads, while pages are written and verified.
    @Test func readersOnOtherThreadsSeeTheirOwnState() async throws {
        let disk = RealDisk()
        let directory = try temporaryDirectory()
        defer { try? disk.removeTree(directory) }
        let file = try BoltFile.open(
            disk: disk, path: directory + "/db", settings: BoltSettings(growthByteCount: 1 << 20))
        var workload = Workload(seed: 77)
        for _ in 0..<20 {
            try file.commit(workload.next())
            let view = file.pin()
            let contents = workload.contents
            async let first = view.contents()
            async let second = view.contents()
            for _ in 0..<5 { try file.commit(workload.next()) }
            let read = try await (first, second)
            #expect(read.0 == contents && read.1 == contents)
            file.release(view)
        }
        try file.check()
        file.close()
    }
}
