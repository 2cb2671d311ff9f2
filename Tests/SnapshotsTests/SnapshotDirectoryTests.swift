import Environment
import EtcdMessages
import Primitives
import SimulatedPlatform
import Testing

@testable import Snapshots

@Suite struct SnapshotDirectoryTests {
    private let path = "/data/member/snap"

    private func makeDirectory(_ disk: SimulatedDisk) -> SnapshotDirectory {
        disk.placeDirectory(path)
        return SnapshotDirectory(disk: disk, path: path)
    }

    private func snapshot(_ index: UInt64, term: UInt64) -> RaftSnapshot {
        var confState = ConfState()
        confState.voters = [7]
        let membership = V2StoreMembership(
            members: [V2StoreMember(id: MemberID(7), peerURLs: [Bytes(text: "http://a:2380")])])
        return SnapshotContents(
            index: LogIndex(index), term: Term(term), confState: confState, membership: membership
        ).raftSnapshot
    }

    private func record(_ index: UInt64, term: UInt64) -> WALSnapshot {
        var record = WALSnapshot()
        record.index = index
        record.term = term
        return record
    }

    @Test func savedSnapshotsAreLoadedIfTheLogKnowsThem() throws {
        let disk = SimulatedDisk()
        let directory = makeDirectory(disk)
        #expect(try directory.loadNewest(matching: [record(1, term: 1)]) == nil)
        for (index, term) in [(5, 1), (9, 1), (12, 2)] as [(UInt64, UInt64)] {
            try directory.save(snapshot(index, term: term))
        }
        try directory.save(RaftSnapshot())
        #expect(
            try disk.list(path) == [
                "0000000000000001-0000000000000005.snap", "0000000000000001-0000000000000009.snap",
                "0000000000000002-000000000000000c.snap",
            ])
        #expect(try disk.status("\(path)/0000000000000001-0000000000000005.snap")?.permissions == 0o644)
        let records = [record(5, term: 1), record(9, term: 1), record(12, term: 1)]
        #expect(try directory.loadNewest(matching: records) == snapshot(9, term: 1))
        #expect(try directory.loadNewest(matching: records + [record(12, term: 2)]) == snapshot(12, term: 2))
        #expect(try directory.loadNewest(matching: []) == nil)
        try directory.purge(keeping: 0)
        try directory.purge(keeping: 2)
        #expect(try directory.snapshotNames().map(\.index) == [LogIndex(9), LogIndex(12)])
    }

    @Test func everyFlippedBitIsFoundAndTheFilePutAside() throws {
        let original = SimulatedDisk()
        try makeDirectory(original).save(snapshot(9, term: 1))
        try SnapshotDirectory(disk: original, path: path).save(snapshot(5, term: 1))
        let name = "\(SnapshotName(term: Term(1), index: LogIndex(9)))"
        let bytes = try #require(original.contents(of: "\(path)/\(name)"))
        let whole = snapshot(9, term: 1)
        for offset in bytes.indices where offset < 64 || offset > bytes.count - 64 || offset % 97 == 0 {
            for bit in 0..<8 {
                let disk = original.processCrashClone()
                disk.flipBit(bit, at: offset, of: "\(path)/\(name)")
                let directory = SnapshotDirectory(disk: disk, path: path)
                let loaded = try directory.loadNewest(matching: [record(5, term: 1), record(9, term: 1)])
                let isBroken = try disk.exists("\(path)/\(name).broken")
                #expect(loaded == (isBroken ? snapshot(5, term: 1) : whole), "byte \(offset), bit \(bit)")
            }
        }
        // All but a few are found: those in fields that are not ours change nothing.
        let disk = original.processCrashClone()
        disk.flipBit(0, at: bytes.count / 2, of: "\(path)/\(name)")
        _ = try SnapshotDirectory(disk: disk, path: path).loadNewest(matching: [record(9, term: 1)])
        #expect(try disk.list(path) == ["0000000000000001-0000000000000005.snap", "\(name).broken"])
    }

    @Test func anyPrefixAndAnyGarbageIsPutAside() throws {
        let original = SimulatedDisk()
        try makeDirectory(original).save(snapshot(9, term: 1))
        let name = "\(SnapshotName(term: Term(1), index: LogIndex(9)))"
        let bytes = try #require(original.contents(of: "\(path)/\(name)"))
        var entropy = SeededEntropy(seed: 4)
        for count in stride(from: 0, to: bytes.count, by: 61) {
            let garbage = (0..<count).map { _ in UInt8.random(in: 0...255, using: &entropy) }
            for contents in [Bytes(bytes[..<count]), garbage] {
                let disk = SimulatedDisk()
                disk.place(contents, at: "\(path)/\(name)")
                let directory = SnapshotDirectory(disk: disk, path: path)
                #expect(try directory.loadNewest(matching: [record(9, term: 1)]) == nil)
                #expect(try disk.list(path) == ["\(name).broken"])
            }
        }
    }

    @Test func aCrashLeavesTheWholeFileOrNone() throws {
        var entropy = SeededEntropy(seed: 9)
        let disk = SimulatedDisk()
        let directory = makeDirectory(disk)
        try directory.save(snapshot(5, term: 1))
        var clones: [SimulatedDisk] = []
        disk.beforeOperation = { [unowned disk] _, _ in
            for policy in [.loseAllUnsynced, .keepAll, .torn, .random(survivalPercent: 50)] as [CrashPolicy] {
                clones.append(disk.crashClone(policy, entropy: &entropy))
            }
        }
        try directory.save(snapshot(9, term: 1))
        disk.beforeOperation = nil
        clones.append(disk.crashClone(.loseAllUnsynced, entropy: &entropy))
        #expect(clones.count > 20)
        var foundCount = 0
        for clone in clones {
            let found = SnapshotDirectory(disk: clone, path: path)
            try found.removeLeftovers()
            let loaded = try found.loadNewest(matching: [record(5, term: 1), record(9, term: 1)])
            #expect(loaded == snapshot(5, term: 1) || loaded == snapshot(9, term: 1))
            if loaded == snapshot(9, term: 1) { foundCount += 1 }
            #expect(try clone.list(path).allSatisfy { SnapshotName($0) != nil })
        }
        #expect(foundCount > 0)
        #expect(try SnapshotDirectory(disk: clones[clones.count - 1], path: path).snapshotNames().count == 2)
    }

    @Test func everyFailureIsReportedAndCanBeRepeated() throws {
        for number in 1...20 {
            let disk = SimulatedDisk(seed: UInt64(number))
            let directory = makeDirectory(disk)
            disk.inject(.fail(.inputOutput), at: number)
            do throws(SnapshotError) {
                try directory.save(snapshot(9, term: 1))
                #expect(number > 6)
            } catch {
                #expect(throws: Never.self) { try directory.save(snapshot(9, term: 1)) }
            }
            if disk.operationCount >= number {
                #expect(try directory.loadNewest(matching: [record(9, term: 1)]) == snapshot(9, term: 1))
            }
        }
    }

    @Test func leftoversAndOldDatabasesAreRemoved() throws {
        let disk = SimulatedDisk()
        let directory = makeDirectory(disk)
        let kept = ["db", "db.bak", "notes", SnapshotName.database(index: LogIndex(20))]
        let removed = ["tmp123", "tmp.0000000000000001-0000000000000005.snap.part", "db.tmp.55"]
        for name in kept + removed + [SnapshotName.database(index: LogIndex(19))] {
            disk.place([1], at: "\(path)/\(name)")
        }
        try directory.removeLeftovers()
        #expect(try disk.list(path).count == kept.count + 1)
        try directory.removeDatabases(before: LogIndex(20))
        #expect(try disk.list(path) == kept.sorted())
        #expect(SnapshotName.databaseIndex("0000000000000014.snap.db") == LogIndex(20))
        #expect(SnapshotName.databaseIndex("14.snap.db") == nil)
    }
}
