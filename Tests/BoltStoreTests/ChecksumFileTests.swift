import Environment
import Primitives
import SimulatedPlatform
import Testing

@testable import BoltStore

/// When the checksums belong to the file, and when they must not be believed.
@Suite struct ChecksumFileTests {
    private static var withoutChecksums: BoltSettings {
        var settings = smallSettings
        settings.keepsChecksums = false
        return settings
    }

    private static func commit(_ number: UInt8, to disk: SimulatedDisk, _ settings: BoltSettings) throws {
        let file = try BoltFile.open(disk: disk, path: path, settings: settings)
        defer { file.close() }
        let change = BoltChange(key: [1], value: Bytes(repeating: number, count: 600))
        try file.commit([BoltBucketChanges(bucket: Bytes(text: "key"), changes: [change])])
    }

    private static func value(on disk: SimulatedDisk) throws -> UInt8? {
        let file = try BoltFile.open(disk: disk, path: path, settings: smallSettings)
        defer { file.close() }
        try file.check()
        return try file.contents()[Bytes(text: "key")]?[[1]]?.first
    }

    @Test func aFileWrittenByAnotherProgramInBetweenIsBelieved() throws {
        let disk = makeDisk()
        for number in 0..<12 as Range<UInt8> {
            // bbolt writes no checksums and leaves the root's sequence as it is, just like us without them.
            let isOther = number % 4 > 1
            try Self.commit(number, to: disk, isOther ? Self.withoutChecksums : smallSettings)
            #expect(try Self.value(on: disk) == number)
        }
    }

    /// Another program finishes the transaction that we had not, on the same pages: its meta page says all that ours would
    /// have said but for the digest of the pages.
    @Test func anotherProgramsTransactionOfTheSameNumberIsBelieved() throws {
        let disk = makeDisk()
        try Self.commit(1, to: disk, smallSettings)
        var file = try BoltFile.open(disk: disk, path: path, settings: smallSettings)
        let lost = BoltChange(key: [1], value: Bytes(repeating: 2, count: 600))
        var committer = file.beginCommit([BoltBucketChanges(bucket: Bytes(text: "key"), changes: [lost])])
        // All but the meta page.
        while !committer.isBeforeMeta {
            let outcome = try committer.step()
            #expect(outcome == nil)
        }
        let metaOfOurs = try #require(committer.plannedRoot)
        file.close()
        try Self.commit(3, to: disk, Self.withoutChecksums)
        file = try BoltFile.open(disk: disk, path: path, settings: Self.withoutChecksums)
        var same = file.root
        #expect(same.transaction == metaOfOurs.transaction)
        same.rootSequence = metaOfOurs.rootSequence
        #expect(same == metaOfOurs, "the same but for the digest")
        file.close()
        #expect(try Self.value(on: disk) == 3)
    }

    @Test func checksumsAreKeptUpByEachCommitAndNotMadeAnew() throws {
        let disk = makeDisk()
        try Self.commit(1, to: disk, smallSettings)
        let renames = disk.count(of: .rename)
        for number in 2..<9 as Range<UInt8> {
            try Self.commit(number, to: disk, smallSettings)
            #expect(try Self.value(on: disk) == number)
        }
        #expect(disk.count(of: .rename) == renames)
        // The file says what it is.
        let bytes = try #require(disk.contents(of: ChecksumFile.path(for: path)))
        #expect(Bytes(bytes[..<60]).text.hasPrefix("Martlet: CRC-32C checksums of the pages"))
    }

    @Test func anAbsentFileIsMade() throws {
        let disk = makeDisk()
        try Self.commit(1, to: disk, Self.withoutChecksums)
        #expect(try !disk.exists(ChecksumFile.path(for: path)))
        #expect(try Self.value(on: disk) == 1)
        #expect(try disk.exists(ChecksumFile.path(for: path)))
        #expect(try !disk.exists(path + ".tmp.checksums"))
    }
}

extension BoltCommitter {
    /// The state it is to make.
    fileprivate var plannedRoot: BoltMeta? { plan?.outcome.root }

    /// Whether the next step writes the meta page.
    fileprivate var isBeforeMeta: Bool {
        guard let plan, case .writeMeta = plan.effects[done] else { return false }
        return true
    }
}
