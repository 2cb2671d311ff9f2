import Environment
import Glibc
import Primitives
import SimulatedPlatform
import Testing

@Suite struct DiskFaultTests {
    let disk = SimulatedDisk(seed: 1)

    /// A run that makes every sort of call, on a disk where `/d` is.
    private func run(on disk: SimulatedDisk) throws(DiskError) {
        try disk.makeDirectory("/d/e")
        let file = try disk.open("/d/a", .create)
        try file.lock(.flock)
        try file.allocate(byteCount: 10_000)
        try file.write([1, 2, 3], at: 100)
        _ = try file.read(at: 100, count: 3)
        _ = try file.map(reservedByteCount: 1 << 20)
        try file.sync()
        try file.truncate(byteCount: 5000)
        try disk.rename("/d/a", to: "/d/b")
        try disk.syncDirectory("/d")
        _ = try disk.list("/d")
        _ = try disk.status("/d/b")
        try disk.remove("/d/b")
        try disk.removeDirectory("/d/e")
    }

    @Test func theRunMakesEverySortOfCall() throws {
        try run(on: disk)
        for operation in DiskOperation.allCases { #expect(disk.count(of: operation) > 0, "\(operation)") }
        #expect(DiskOperation.allCases.map(disk.count(of:)).reduce(0, +) == disk.operationCount)
        #expect(Set(DiskOperation.allCases.map(\.category)) == Set(DiskOperation.Category.allCases))
    }

    @Test func everyCallCanFail() throws {
        // Fail call 1, 2, 3 and so on, until a run completes.
        var number = 1
        while true {
            let disk = SimulatedDisk(seed: 1)
            var operations: [DiskOperation] = []
            disk.beforeOperation = { _, operation in operations.append(operation) }
            disk.inject(.fail(.inputOutput), at: number)
            do {
                try run(on: disk)
                break
            } catch {
                #expect(error.kind == .inputOutput)
                #expect(disk.operationCount == number)
                #expect(error.operation == "\(operations[number - 1])")
                #expect(!disk.hasCrashed)
            }
            number += 1
        }
        try run(on: disk)
        #expect(number == disk.operationCount + 1)
    }

    @Test func afterACrashNothingHappens() throws {
        var number = 1
        while true {
            let disk = SimulatedDisk(seed: 1)
            disk.inject(.crash, at: number)
            do {
                try run(on: disk)
                break
            } catch {
                #expect(error.kind == .crashed)
            }
            let other = SimulatedDisk(seed: 1)
            var before: Bytes?
            other.beforeOperation = { [unowned other] call, _ in
                if call == number { before = other.contents(of: "/d/a") }
            }
            try? run(on: other)
            #expect(disk.contents(of: "/d/a") == before)
            #expect(diskError { () throws(DiskError) in _ = try disk.list("/") } == .crashed)
            #expect(diskError { () throws(DiskError) in try disk.makeDirectory("/x") } == .crashed)
            #expect(disk.processCrashClone().hasCrashed == false)
            number += 1
        }
        #expect(number > 15)
    }

    @Test func aFaultAtTheNextCallOfASortHappensOnce() throws {
        let file = try disk.open("/a", .create)
        disk.inject(.fail(.noSpace), atNext: .write)
        _ = try file.byteCount()
        #expect(diskError { () throws(DiskError) in try file.write([1], at: 0) } == .noSpace)
        try file.write([1], at: 0)
        #expect(try file.read(at: 0, count: 1) == [1])
    }

    @Test func aFailedWriteMayHaveWrittenAnySectorsFromTheFront() throws {
        let bytes = Bytes((0..<1300).map { UInt8(truncatingIfNeeded: $0 % 251 + 1) })
        var lengths: Set<Int> = []
        for seed in 0..<200 {
            let disk = SimulatedDisk(seed: UInt64(seed))
            let file = try disk.open("/a", .create)
            try file.write(Bytes(repeating: 7, count: 100), at: 0)
            disk.inject(.fail(.inputOutput), atNext: .write)
            #expect(diskError { () throws(DiskError) in try file.write(bytes, at: 100) } == .inputOutput)
            let found = try #require(disk.contents(of: "/a"))
            #expect(
                found.prefix(100) == Bytes(repeating: 7, count: 100)[...] && bytes.starts(with: found.dropFirst(100)))
            lengths.insert(found.count)
        }
        #expect(lengths == [100, 512, 1024, 1400])
    }

    @Test func afterAFailedSyncALaterOneIsALie() throws {
        var found: Set<Bytes> = []
        for seed in 0..<200 {
            let disk = SimulatedDisk(seed: UInt64(seed))
            disk.place(Bytes(repeating: 0, count: 1024), at: "/a")
            let file = try disk.open("/a", .readWrite)
            try file.write(Bytes(repeating: 1, count: 1024), at: 0)
            disk.inject(.fail(.inputOutput), atNext: .sync)
            #expect(diskError { () throws(DiskError) in try file.sync() } == .inputOutput)
            // The program that asks again is told that all is well, and sees what it wrote.
            try file.sync()
            #expect(try file.read(at: 0, count: 1024) == Bytes(repeating: 1, count: 1024))
            var entropy = SeededEntropy(seed: 0)
            let kept = disk.crashClone(.loseAllUnsynced, entropy: &entropy).contents(of: "/a") ?? []
            #expect(disk.crashClone(.keepAll, entropy: &entropy).contents(of: "/a") == kept)
            found.insert([kept[0], kept[512]])
        }
        #expect(found == [[0, 0], [0, 1], [1, 0], [1, 1]])
    }

    @Test func afterAFailedDirectorySyncALaterOneIsALie() throws {
        var found: Set<[Bool]> = []
        for seed in 0..<200 {
            let disk = SimulatedDisk(seed: UInt64(seed))
            for name in ["a", "b"] { try disk.open("/\(name)", .create).close() }
            disk.inject(.fail(.inputOutput), atNext: .syncDirectory)
            #expect(diskError { () throws(DiskError) in try disk.syncDirectory("/") } == .inputOutput)
            try disk.syncDirectory("/")
            #expect(try disk.list("/") == ["a", "b"])
            var entropy = SeededEntropy(seed: 0)
            let clone = disk.crashClone(.keepAll, entropy: &entropy)
            found.insert(["/a", "/b"].map { clone.contents(of: $0) != nil })
        }
        #expect(found == [[false, false], [false, true], [true, false], [true, true]])
    }

    @Test func aDroppedWriteLeavesWhatWasThere() throws {
        disk.place([9, 9], at: "/a")
        let file = try disk.open("/a", .readWrite)
        disk.inject(.dropWrite, at: disk.operationCount + 1)
        try file.write([1, 2, 3], at: 0)
        try file.sync()
        #expect(disk.contents(of: "/a") == [9, 9, 0])
        try file.write([1], at: 0)
        #expect(disk.contents(of: "/a") == [1, 9, 0])
    }

    @Test func aMisdirectedWriteLandsElsewhere() throws {
        disk.place(Bytes(repeating: 9, count: 6), at: "/a")
        let file = try disk.open("/a", .readWrite)
        disk.inject(.misdirectWrite(toOffset: 4), atNext: .write)
        try file.write([1, 2], at: 0)
        try file.sync()
        var entropy = SeededEntropy(seed: 0)
        #expect(disk.crashClone(.loseAllUnsynced, entropy: &entropy).contents(of: "/a") == [9, 9, 9, 9, 1, 2])
    }

    @Test func aFlippedBitIsFoundNowAndAfterACrash() throws {
        disk.place([0b1010, 5], at: "/a")
        let file = try disk.open("/a", .readWrite)
        try file.write([7], at: 1)
        disk.flipBit(0, at: 0, of: "/a")
        disk.flipBit(7, at: 1, of: "/a")
        #expect(try file.read(at: 0, count: 2) == [0b1011, 0x87])
        var entropy = SeededEntropy(seed: 0)
        #expect(disk.crashClone(.loseAllUnsynced, entropy: &entropy).contents(of: "/a") == [0b1011, 0x85])
        disk.flipBit(0, at: 0, of: "/a")
        #expect(try file.read(at: 0, count: 1) == [0b1010])
    }

    @Test func aFullDiskTakesWhatFits() throws {
        disk.capacityByteCount = 3 * 4096
        let first = try disk.open("/a", .create)
        try first.write([1], at: 0)
        #expect(disk.usedByteCount == 4096)
        let second = try disk.open("/b", .create)
        try second.allocate(byteCount: 4097)
        #expect(disk.usedByteCount == 3 * 4096)
        #expect(diskError { () throws(DiskError) in try second.allocate(byteCount: 8193) } == .noSpace)
        #expect(diskError { () throws(DiskError) in try second.truncate(byteCount: 8193) } == .noSpace)
        #expect(try second.byteCount() == 4097)
        // Within what it has there is room.
        try second.write([2], at: 8191)
        #expect(diskError { () throws(DiskError) in try first.write([3, 3, 3], at: 4094) } == .noSpace)
        #expect(disk.contents(of: "/a")?.suffix(3) == [0, 3, 3])
        // A clone is as full as its original.
        let clone = disk.processCrashClone()
        let full = try clone.open("/a", .readWrite)
        #expect(diskError { () throws(DiskError) in try full.write([3], at: 4096) } == .noSpace)
        second.close()
        try disk.remove("/b")
        try first.write([3, 3, 3], at: 4094)
        #expect(disk.usedByteCount == 2 * 4096)
    }
}
