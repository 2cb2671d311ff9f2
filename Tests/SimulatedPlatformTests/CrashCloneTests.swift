import Environment
import Primitives
import SimulatedPlatform
import Testing

private let sector = 512

/// One sector's worth of a byte.
private func filled(_ byte: UInt8, sectors: Int = 1) -> Bytes {
    Bytes(repeating: byte, count: sectors * sector)
}

/// The first byte of each sector: enough to tell which version of it was kept.
private func versions(_ bytes: Bytes?) -> Bytes? {
    bytes.map { bytes in stride(from: 0, to: bytes.count, by: sector).map { bytes[$0] } }
}

@Suite struct CrashCloneTests {
    private let disk = SimulatedDisk(seed: 1)

    /// All that a loss of power now could leave, each once, as `describe` shows it.
    private func outcomes<Outcome: Hashable>(_ describe: (SimulatedDisk) -> Outcome) -> Set<Outcome> {
        var found: Set<Outcome> = []
        var entropy = SeededEntropy(seed: 0)
        let count = disk.crashDecisionCount
        precondition(count <= 16, "too many outcomes to visit")
        for bits in 0..<UInt64(1) << UInt64(count) {
            found.insert(describe(disk.crashClone(.choices(bits), entropy: &entropy)))
        }
        return found
    }

    /// What `policy` leaves in a number of losses of power.
    private func samples<Outcome: Hashable>(
        _ policy: CrashPolicy, count: Int = 2000, _ describe: (SimulatedDisk) -> Outcome
    ) -> Set<Outcome> {
        var entropy = SeededEntropy(seed: 5)
        return Set((0..<count).map { _ in describe(disk.crashClone(policy, entropy: &entropy)) })
    }

    /// A file of zeros, durable with its name.
    private func durableFile(_ path: String, sectors: Int) throws -> any DiskFile {
        let file = try disk.open(path, .createNew)
        try file.write(filled(0, sectors: sectors), at: 0)
        try file.sync()
        try disk.syncDirectory("/")
        return file
    }

    @Test func everySubsetOfUnsyncedWritesCanBeFound() throws {
        let file = try durableFile("/a", sectors: 3)
        for index in 0..<3 { try file.write(filled(UInt8(index) + 1), at: index * sector) }
        var subsets: Set<Bytes> = []
        for bits in 0..<8 { subsets.insert((0..<3).map { bits >> $0 & 1 == 1 ? UInt8($0) + 1 : 0 }) }
        #expect(disk.crashDecisionCount == 3)
        #expect(outcomes { versions($0.contents(of: "/a")) } == Set(subsets.map(Optional.some)))
        #expect(
            samples(.random(survivalPercent: 50)) { versions($0.contents(of: "/a")) } == Set(subsets.map(Optional.some))
        )
    }

    @Test func aSectorIsFoundInAnyVersionItHad() throws {
        let file = try durableFile("/a", sectors: 1)
        try file.write([1], at: 0)
        try file.write([2], at: 1)
        try file.write([3], at: 0)
        // The page cache is what goes to disk, so a later version contains what earlier writes put beside it.
        #expect(outcomes { $0.contents(of: "/a")?.prefix(3) } == [[0, 0, 0], [1, 0, 0], [1, 2, 0], [3, 2, 0]])
    }

    @Test func aWriteIsTornOnlyAtSectors() throws {
        let file = try durableFile("/a", sectors: 4)
        try file.write(Bytes(repeating: 9, count: 1000), at: 300)
        // It touches the sectors 0, 1 and 2, and the last only up to byte 1300.
        #expect(disk.crashDecisionCount == 3)
        let found = outcomes { clone -> [Bool] in
            let bytes = clone.contents(of: "/a") ?? []
            let parts = [Bytes(bytes[300..<512]), Bytes(bytes[512..<1024]), Bytes(bytes[1024..<1300])]
            for part in parts { #expect(Set(part).count == 1) }
            #expect(Set(bytes[..<300] + bytes[1300...]) == [0])
            return parts.map { $0[0] == 9 }
        }
        #expect(found.count == 8)
    }

    @Test func tornWritesKeepAPrefixASuffixOrAMiddle() throws {
        let file = try durableFile("/a", sectors: 5)
        try file.write(filled(1, sectors: 5), at: 0)
        var runs: Set<Bytes?> = []
        for first in 0...5 {
            for last in first...5 { runs.insert((0..<5).map { $0 >= first && $0 < last ? 1 : 0 }) }
        }
        #expect(samples(.torn) { versions($0.contents(of: "/a")) } == runs)
    }

    @Test func theLatestChangeIsFoundWithoutThoseBeforeIt() throws {
        func found(_ path: String) -> Set<Bytes?> {
            samples(.latestOnly, count: 9) { versions($0.contents(of: path)) }
        }
        let first = try durableFile("/a", sectors: 3)
        let second = try durableFile("/b", sectors: 2)
        for index in 0..<3 { try first.write(filled(UInt8(index) + 1), at: index * sector) }
        try second.write(filled(7, sectors: 4), at: 0)
        // Of each file by itself, with the length that the write made.
        #expect(found("/a") == [[0, 0, 3]])
        #expect(found("/b") == [[7, 7, 7, 7]])
        // A length is a change like any other.
        try first.truncate(byteCount: 4 * sector)
        #expect(found("/a") == [[0, 0, 0, 0]])
        // Of directories the one name that came last; what hangs on a name that is lost is lost.
        try disk.open("/c", .create).write([1], at: 0)
        try disk.open("/d", .create).write([2], at: 0)
        #expect(found("/c") == [nil])
        #expect(found("/d") == [[2]])
        try disk.rename("/d", to: "/e")
        #expect(found("/d") == [nil])
        #expect(found("/e") == [nil])
    }

    @Test func whatWasSyncedSurvivesEveryPolicy() throws {
        let file = try durableFile("/a", sectors: 8)
        try file.write(filled(1, sectors: 8), at: 0)
        try file.sync()
        try file.write(filled(2, sectors: 2), at: 3 * sector)
        let policies: [CrashPolicy] = [
            .loseAllUnsynced, .keepAll, .latestOnly, .torn, .random(survivalPercent: 0), .random(survivalPercent: 50),
            .random(survivalPercent: 100),
        ]
        for policy in policies {
            for bytes in samples(policy, count: 200, { versions($0.contents(of: "/a")) }) {
                #expect(bytes?.prefix(3) == [1, 1, 1] && bytes?.suffix(3) == [1, 1, 1])
            }
        }
        let old: Bytes = [1, 1, 1, 1, 1, 1, 1, 1]
        let new: Bytes = [1, 1, 1, 2, 2, 1, 1, 1]
        for policy in [CrashPolicy.loseAllUnsynced, .random(survivalPercent: 0)] {
            #expect(samples(policy, count: 9) { versions($0.contents(of: "/a")) } == [old])
        }
        for policy in [CrashPolicy.keepAll, .random(survivalPercent: 100)] {
            #expect(samples(policy, count: 9) { versions($0.contents(of: "/a")) } == [new])
        }
    }

    @Test func lengthAndContentsAreLostApart() throws {
        let file = try durableFile("/a", sectors: 1)
        try file.write(filled(1), at: sector)
        #expect(outcomes { versions($0.contents(of: "/a")) } == [[0], [0, 0], [0, 1]])
        // A longer write may have lengthened the file in part.
        try file.write(filled(2, sectors: 2), at: 2 * sector)
        let lengths = samples(.torn) { $0.contents(of: "/a")?.count }
        #expect(lengths == [sector, 2 * sector, 3 * sector, 4 * sector])
    }

    @Test func aTruncationIsFoundDoneOrNotDone() throws {
        let file = try durableFile("/a", sectors: 2)
        try file.write(filled(1, sectors: 2), at: 0)
        try file.sync()
        try file.truncate(byteCount: 100)
        #expect(outcomes { $0.contents(of: "/a")?.count } == [100, 1024])
        try file.truncate(byteCount: 1024)
        // Once cut off, bytes never come back; but as long as the cut may be lost, so may the file be as it was.
        let found = outcomes { $0.contents(of: "/a").map { [$0.count, Int($0[99]), Int($0.last ?? 9)] } }
        #expect(found == [[1024, 1, 1], [100, 1, 1], [1024, 1, 0]])
    }

    @Test func changesOfTheLengthArriveInOrder() throws {
        let file = try durableFile("/a", sectors: 3)
        try file.write(filled(1, sectors: 3), at: 0)
        try file.sync()
        try file.truncate(byteCount: sector)
        try file.write(filled(2), at: 2 * sector)
        try file.truncate(byteCount: 4 * sector)
        let found = outcomes { versions($0.contents(of: "/a")) }
        // The old tail is found only where none of the lengths after it are.
        #expect(
            found == [
                [1, 1, 1], [1, 1, 2], [1], [1, 0, 0], [1, 0, 2], [1, 0, 0, 0], [1, 0, 2, 0],
            ])
    }

    @Test func aLaterLengthBringsTheCutBeforeItButNotWhatWasWrittenSince() throws {
        let file = try durableFile("/a", sectors: 3)
        try file.write(filled(1, sectors: 3), at: 0)
        try file.sync()
        try file.truncate(byteCount: sector)
        try file.write(filled(2), at: 2 * sector)
        try file.truncate(byteCount: 4 * sector)
        // The decisions: the cut, the sector, the length the write made, the last length.
        var entropy = SeededEntropy(seed: 0)
        #expect(versions(disk.crashClone(.choices(0b1010), entropy: &entropy).contents(of: "/a")) == [1, 0, 2, 0])
        #expect(versions(disk.crashClone(.choices(0b1000), entropy: &entropy).contents(of: "/a")) == [1, 0, 0, 0])
        #expect(versions(disk.crashClone(.choices(0b0010), entropy: &entropy).contents(of: "/a")) == [1, 1, 2])
    }

    @Test func anAllocationIsFoundDoneOrNotDone() throws {
        let file = try durableFile("/a", sectors: 1)
        try file.allocate(byteCount: 64_000_000)
        try file.allocate(byteCount: 10)
        #expect(outcomes { $0.contents(of: "/a")?.count } == [512, 64_000_000])
    }

    @Test func aFileIsGoneWithoutASyncOfItsDirectory() throws {
        let file = try disk.open("/a", .create)
        try file.write([1, 2, 3], at: 0)
        try file.sync()
        #expect(outcomes { $0.contents(of: "/a") } == [nil, [1, 2, 3]])
        try disk.syncDirectory("/")
        #expect(outcomes { $0.contents(of: "/a") } == [[1, 2, 3]])
    }

    @Test func aNameWithoutASyncOfItsFileIsEmpty() throws {
        try disk.open("/a", .create).write([1, 2, 3], at: 0)
        try disk.syncDirectory("/")
        #expect(outcomes { $0.contents(of: "/a") } == [[], [1, 2, 3], [0, 0, 0]])
    }

    @Test func aRenameLeavesTheOldOrTheNew() throws {
        try durableFile("/db", sectors: 0).close()
        let file = try disk.open("/tmp", .create)
        try file.write([1], at: 0)
        try file.sync()
        try disk.rename("/tmp", to: "/db")
        func describe(_ clone: SimulatedDisk) -> [Bytes?] { [clone.contents(of: "/tmp"), clone.contents(of: "/db")] }
        // Neither name, the temporary one, or the rename done; the old file stays in all but the last.
        #expect(outcomes(describe) == [[nil, []], [[1], []], [nil, [1]]])
        try disk.syncDirectory("/")
        #expect(outcomes(describe) == [[nil, [1]]])
    }

    @Test func changesOfOneNameArriveInOrder() throws {
        try durableFile("/db", sectors: 1).close()
        try disk.rename("/db", to: "/old")
        try disk.open("/db", .createNew).close()
        func describe(_ clone: SimulatedDisk) -> [Int?] {
            [clone.contents(of: "/old")?.count, clone.contents(of: "/db")?.count]
        }
        // Never a new `db` without the old one under its other name.
        #expect(outcomes(describe) == [[nil, 512], [512, nil], [512, 0]])
    }

    @Test func changesOfDifferentNamesArriveInAnyOrder() throws {
        for name in ["a", "b"] { try disk.open("/\(name)", .create).close() }
        try disk.syncDirectory("/")
        try disk.remove("/a")
        try disk.open("/c", .create).close()
        try disk.remove("/b")
        let found = outcomes { clone in ["/a", "/b", "/c"].map { clone.contents(of: $0) != nil } }
        #expect(found.count == 8)
    }

    @Test func aDirectoryIsAsDurableAsItsOwnName() throws {
        try disk.makeDirectory("/d/e")
        let file = try disk.open("/d/e/a", .create)
        try file.write([1], at: 0)
        try file.sync()
        try disk.syncDirectory("/d/e")
        func describe(_ clone: SimulatedDisk) -> [Bool] {
            ["/d", "/d/e", "/d/e/a"].map { (try? clone.exists($0)) ?? false }
        }
        #expect(outcomes(describe) == [[false, false, false], [true, false, false], [true, true, true]])
        try disk.syncDirectory("/d")
        try disk.syncDirectory("/")
        #expect(outcomes(describe) == [[true, true, true]])
    }

    @Test func aRenamedDirectoryTakesItsFilesAlong() throws {
        try disk.makeDirectory("/wal.tmp")
        let file = try disk.open("/wal.tmp/0", .create)
        try file.write([1], at: 0)
        try file.sync()
        try disk.syncDirectory("/wal.tmp")
        try disk.rename("/wal.tmp", to: "/wal")
        try disk.syncDirectory("/")
        #expect(outcomes { $0.contents(of: "/wal/0") } == [[1]])
        #expect(outcomes { (try? $0.list("/")) ?? [] } == [["wal"]])
    }

    @Test func aRenameAcrossDirectoriesIsOneChange() throws {
        for name in ["from", "to"] { disk.placeDirectory("/\(name)") }
        disk.place([1], at: "/from/a")
        try disk.rename("/from/a", to: "/to/a")
        func describe(_ clone: SimulatedDisk) -> [Bytes?] {
            [clone.contents(of: "/from/a"), clone.contents(of: "/to/a")]
        }
        #expect(outcomes(describe) == [[[1], nil], [nil, [1]]])
        try disk.syncDirectory("/to")
        #expect(outcomes(describe) == [[nil, [1]]])
    }

    @Test func aSyncOfADirectoryTakesAlongWhatItDependsOn() throws {
        for name in ["from", "to"] { disk.placeDirectory("/\(name)") }
        try disk.open("/from/a", .create).close()
        try disk.open("/from/b", .create).close()
        try disk.rename("/from/a", to: "/to/a")
        try disk.syncDirectory("/to")
        // The file was never durable under its first name, and it must not be found there beside its second.
        let found = outcomes { clone in ["/from/a", "/from/b", "/to/a"].map { clone.contents(of: $0) != nil } }
        #expect(found == [[false, false, true], [false, true, true]])
    }

    @Test func aRemovedFileMayComeBackAsItWas() throws {
        let file = try durableFile("/a", sectors: 1)
        try file.write(filled(1), at: 0)
        try disk.remove("/a")
        #expect(outcomes { versions($0.contents(of: "/a")) } == [nil, [0], [1]])
        try disk.syncDirectory("/")
        #expect(outcomes { versions($0.contents(of: "/a")) } == [nil])
    }

    @Test func afterALossOfPowerEverythingFoundIsDurable() throws {
        let file = try durableFile("/a", sectors: 2)
        try file.write(filled(1, sectors: 2), at: 0)
        try disk.open("/b", .create).close()
        var entropy = SeededEntropy(seed: 2)
        for _ in 0..<50 {
            let clone = disk.crashClone(.random(survivalPercent: 50), entropy: &entropy)
            let again = clone.crashClone(.loseAllUnsynced, entropy: &entropy)
            #expect(clone.crashDecisionCount == 0)
            #expect(again.contents(of: "/a") == clone.contents(of: "/a"))
            #expect(try again.list("/") == clone.list("/"))
        }
    }

    @Test func aKilledProcessLosesNothingItWrote() throws {
        let file = try durableFile("/a", sectors: 1)
        try file.write(filled(1), at: 0)
        try disk.open("/b", .create).write([5], at: 0)
        let clone = disk.processCrashClone()
        #expect(versions(clone.contents(of: "/a")) == [1])
        #expect(clone.contents(of: "/b") == [5])
        #expect(clone.usedByteCount == disk.usedByteCount)
        // It is still in memory only: power lost later takes it.
        var entropy = SeededEntropy(seed: 3)
        let after = clone.crashClone(.loseAllUnsynced, entropy: &entropy)
        #expect(versions(after.contents(of: "/a")) == [0])
        #expect(after.contents(of: "/b") == nil)
        // And a sync of the process that came after makes it durable.
        try clone.open("/a", .readWrite).sync()
        try clone.open("/b", .readWrite).sync()
        try clone.syncDirectory("/")
        let synced = clone.crashClone(.loseAllUnsynced, entropy: &entropy)
        #expect(versions(synced.contents(of: "/a")) == [1])
        #expect(synced.contents(of: "/b") == [5])
    }

    @Test func aCloneAndItsOriginalGoSeparateWays() throws {
        let file = try durableFile("/a", sectors: 2)
        try file.write(filled(1), at: 0)
        let killed = disk.processCrashClone()
        var entropy = SeededEntropy(seed: 3)
        let lost = disk.crashClone(.loseAllUnsynced, entropy: &entropy)
        let hash = disk.traceHash
        try killed.open("/a", .readWrite).write(filled(7), at: 0)
        try lost.open("/a", .readWrite).write(filled(8), at: sector)
        try killed.remove("/a")
        try lost.rename("/a", to: "/b")
        #expect(versions(disk.contents(of: "/a")) == [1, 0])
        try file.write(filled(9), at: 0)
        #expect(versions(lost.contents(of: "/b")) == [0, 8])
        #expect(killed.contents(of: "/a") == nil)
        #expect(disk.traceHash != hash)
    }

    @Test func nothingIsKeptOnceItIsLetGoOf() throws {
        weak var gone: SimulatedDisk?
        weak var goneFile: (any DiskFile)?
        do {
            let disk = SimulatedDisk(seed: 1)
            disk.beforeOperation = { [unowned disk] _, _ in _ = disk.processCrashClone() }
            let file = try disk.open("/a", .create)
            try file.write(filled(1), at: 0)
            _ = try file.map(reservedByteCount: 1 << 30)
            gone = disk
            goneFile = file
        }
        #expect(gone == nil && goneFile == nil)
    }

    @Test func aCloneAtEveryCallNeverLosesWhatWasAcknowledged() throws {
        // A log of numbered sectors, synced after each, with the number that was acknowledged so far.
        disk.placeDirectory("/log")
        var acknowledged = 0
        var clones = 0
        var entropy = SeededEntropy(seed: 11)
        disk.beforeOperation = { [unowned disk] _, _ in
            for policy in [CrashPolicy.loseAllUnsynced, .keepAll, .torn, .random(survivalPercent: 50)] {
                let found = versions(disk.crashClone(policy, entropy: &entropy).contents(of: "/log/0")) ?? []
                clones += 1
                #expect(found.prefix(acknowledged).elementsEqual((0..<acknowledged).map { UInt8($0 + 1) }))
            }
        }
        let file = try disk.open("/log/0", .createNew)
        try disk.syncDirectory("/log")
        for number in 0..<50 {
            try file.write(filled(UInt8(number + 1)), at: number * sector)
            try file.sync()
            acknowledged = number + 1
        }
        #expect(clones == 4 * disk.operationCount)
        #expect(disk.operationCount == 102)
    }
}
