import Environment
import EtcdMessages
import Primitives
import SimulatedPlatform
import Testing

@testable import WriteAheadLog

/// What is written is read, through restarts, cuts and conflicts.
@Suite struct LogRoundTripTests {
    @Test(arguments: 0..<20 as Range<UInt64>) func randomBatchesAgainstAModel(seed: UInt64) throws {
        var entropy = SeededEntropy(seed: seed)
        let disk = makeDisk()
        let segmentByteCount = 4096 << (seed % 3)
        var writer = try makeLog(disk, segmentByteCount: segmentByteCount)
        var model = LogModel()
        for _ in 0..<150 {
            switch entropy.next() % 20 {
            case 0:
                writer.close()
                let (contents, next) = try reopenLog(disk, segmentByteCount: segmentByteCount)
                writer = next
                #expect(model.matches(contents))
            case 1: try writer.prepareNextSegment()
            case 2 where model.state.commit > 0:
                let record = snapshotRecord(model.state.commit, term: model.term(at: model.state.commit))
                try writer.saveSnapshot(record)
                model.snapshots.append(record)
            default:
                let batch = model.nextBatch(&entropy)
                try writer.append(state: batch.state, entries: batch.entries)
                if entropy.next() % 4 > 0 { try writer.sync() }
            }
        }
        writer.close()
        let contents = try WALReader.read(disk: disk, directory: directory)
        #expect(model.matches(contents))
        #expect(contents.end.segment.sequence > 2)
        let valid = try WALReader.validSnapshots(disk: disk, directory: directory)
        #expect(valid == [WALSnapshot()] + model.snapshots.filter { $0.index <= model.state.commit })
        for record in model.snapshots {
            let rest = try WALReader.read(disk: disk, directory: directory, from: record)
            #expect(rest.entries == Array(model.entries[Int(record.index)...]))
            #expect(rest.hardState == model.state)
        }
    }

    /// A real etcd's `--force-new-cluster` puts changes of members, which have no number, behind what is committed, with the
    /// term of the entries that it drops. No other two entries of the same index and term may differ.
    @Test func aForcedClusterReplacesEntriesOfItsOwnTerm() throws {
        func change(id: UInt64, _ type: ConfChangeType = .removeNode) -> RaftEntry {
            var change = ConfChange()
            change.id = id
            change.type = type
            change.nodeID = 7
            var changing = entry(3, term: 2, change.encoded())
            changing.type = .confChange
            return changing
        }
        let cases: [(RaftEntry, isTaken: Bool)] = [
            (change(id: 0), true), (change(id: 0, .addNode), true), (change(id: 0, .updateNode), false),
            (change(id: 5), false), (entry(3, term: 2, [9]), false),
        ]
        for (number, (replacing, isTaken)) in cases.enumerated() {
            let disk = makeDisk()
            let writer = try makeLog(disk)
            let old = (1...4).map { entry($0, term: 2, [UInt8($0)]) }
            try writer.append(state: hardState(term: 2, commit: 2), entries: old)
            try writer.sync()
            try writer.append(state: hardState(term: 2, commit: 3), entries: [replacing])
            try writer.sync()
            writer.close()
            let contents = try? WALReader.read(disk: disk, directory: directory)
            #expect(contents?.entries == (isTaken ? Array(old[..<2]) + [replacing] : nil), "case \(number)")
        }
    }

    @Test func anEmptyBatchWritesNothing() throws {
        let disk = makeDisk()
        let writer = try makeLog(disk)
        let offset = writer.offset
        try writer.append(state: nil, entries: [])
        try writer.append(state: HardState(), entries: [])
        #expect(writer.offset == offset)
    }

    @Test func aLogIsMadeOnce() throws {
        let disk = makeDisk()
        #expect(try !WALReader.exists(disk: disk, directory: directory))
        try disk.makeDirectory(directory)
        #expect(try !WALReader.exists(disk: disk, directory: directory))
        _ = try makeLog(disk)
        #expect(try WALReader.exists(disk: disk, directory: directory))
        #expect(throws: WALError.exists(directory: directory)) { try makeLog(disk) }
    }

    @Test func remainsOfALogAreReplacedAndOtherFilesAreNot() throws {
        let disk = makeDisk()
        disk.place([1], at: "\(directory)/0.tmp")
        disk.place([1], at: "\(directory)/0000000000000001-0000000000000005.wal.broken")
        disk.place([1], at: "\(directory).tmp/0000000000000000-0000000000000000.wal")
        _ = try makeLog(disk)
        #expect(try disk.list(directory).count == 1)

        let other = makeDisk()
        other.place([1], at: "\(directory)/letters")
        #expect(throws: WALError.foreignFile(path: "\(directory)/letters")) { try makeLog(other) }
        #expect(other.contents(of: "\(directory)/letters") == [1])
    }

    @Test func foreignFilesAreIgnoredAndMissingSegmentsAreNot() throws {
        let disk = makeDisk()
        let writer = try makeLog(disk, segmentByteCount: 512)
        for index in 1...20 as ClosedRange<UInt64> {
            try writer.append(state: hardState(term: 1, commit: index), entries: [entry(index, term: 1, [1, 2, 3])])
            try writer.sync()
        }
        writer.close()
        disk.place([1, 2, 3], at: "\(directory)/notes.txt")
        disk.place([1, 2, 3], at: "\(directory)/00000000000000ff-1.wal")
        #expect(try WALReader.read(disk: disk, directory: directory).entries.count == 20)
        let paths = try segmentPaths(disk)
        try #require(paths.count >= 3)
        try disk.remove(paths[1])
        #expect(throws: WALError.notContiguous(before: String(paths[2].suffix(37)))) {
            try WALReader.read(disk: disk, directory: directory)
        }
        // A gap before the segments that are read does not matter.
        #expect(try WALReader.validSnapshots(disk: disk, directory: directory) == [])
    }

    @Test func theSnapshotToStartFromMustBeRecorded() throws {
        let disk = makeDisk()
        let writer = try makeLog(disk)
        try writer.append(state: hardState(term: 2, commit: 3), entries: (1...5).map { entry($0, term: 2, [7]) })
        try writer.saveSnapshot(snapshotRecord(3, term: 2))
        writer.close()
        let contents = try WALReader.read(disk: disk, directory: directory, from: snapshotRecord(3, term: 2))
        #expect(contents.entries.map(\.index) == [4, 5])
        #expect(contents.lastIndex == LogIndex(5))
        #expect(throws: WALError.snapshotNotFound(index: 3, term: 1)) {
            try WALReader.read(disk: disk, directory: directory, from: snapshotRecord(3, term: 1))
        }
        #expect(throws: WALError.snapshotNotFound(index: 4, term: 2)) {
            try WALReader.read(disk: disk, directory: directory, from: snapshotRecord(4, term: 2))
        }
        #expect(throws: WALError.self) {
            try WALReader.read(disk: disk, directory: directory, from: snapshotRecord(.max, term: 2))
        }
        #expect(throws: WALError.notFound(directory: "/data/member", index: 0)) {
            try WALReader.read(disk: disk, directory: "/data/member")
        }
    }

    @Test func entriesAfterASnapshotFromALeader() throws {
        let disk = makeDisk()
        let writer = try makeLog(disk)
        try writer.append(state: hardState(term: 2, commit: 3), entries: (1...5).map { entry($0, term: 2, [7]) })
        try writer.saveSnapshot(snapshotRecord(100, term: 6))
        #expect(writer.lastIndex == LogIndex(100))
        try writer.append(state: hardState(term: 6, commit: 101), entries: [entry(101, term: 6, [8])])
        try writer.sync()
        writer.close()
        let (contents, next) = try reopenLog(disk, from: snapshotRecord(100, term: 6))
        #expect(contents.entries == [entry(101, term: 6, [8])])
        #expect(next.lastIndex == LogIndex(101))
    }

    @Test func whatWasReplacedDoesNotComeBackBehindASnapshot() throws {
        let disk = makeDisk()
        let writer = try makeLog(disk)
        try writer.append(state: hardState(term: 3), entries: (1...8).map { entry($0, term: 3, [3]) })
        // A new leader replaces what is behind entry 4, with fewer.
        try writer.append(state: hardState(term: 5, commit: 6), entries: (5...6).map { entry($0, term: 5, [5]) })
        try writer.saveSnapshot(snapshotRecord(6, term: 5))
        writer.close()
        let (contents, next) = try reopenLog(disk, from: snapshotRecord(6, term: 5))
        #expect(contents.entries == [])
        #expect(contents.lastIndex == LogIndex(6))
        try next.append(state: hardState(term: 5, commit: 7), entries: [entry(7, term: 5, [7])])
        next.close()
        let later = try WALReader.read(disk: disk, directory: directory, from: snapshotRecord(6, term: 5))
        #expect(later.entries == [entry(7, term: 5, [7])])
    }

    @Test func whatASnapshotFromALeaderReplacedDoesNotComeBack() throws {
        let disk = makeDisk()
        let writer = try makeLog(disk)
        try writer.append(state: hardState(term: 3), entries: (1...9).map { entry($0, term: 3, [3]) })
        try writer.saveSnapshot(snapshotRecord(6, term: 5))
        try writer.append(state: hardState(term: 5, commit: 6), entries: [])
        writer.close()
        let contents = try WALReader.read(disk: disk, directory: directory, from: snapshotRecord(6, term: 5))
        #expect(contents.entries == [])
        #expect(contents.hardState == hardState(term: 5, commit: 6))
    }

    @Test func segmentsAreLockedWhileTheyAreNeeded() throws {
        let disk = makeDisk()
        let writer = try makeLog(disk, segmentByteCount: 512)
        func isLocked() -> Bool {
            do {
                _ = try WALReader.read(disk: disk, directory: directory, access: .append)
                return false
            } catch .disk(let error) {
                return error.kind == .locked
            } catch {
                return false
            }
        }
        #expect(isLocked())
        _ = try WALReader.read(disk: disk, directory: directory)
        for index in 1...20 as ClosedRange<UInt64> {
            try writer.append(state: hardState(term: 1, commit: index), entries: [entry(index, term: 1, [1, 2, 3])])
            try writer.sync()
        }
        #expect(writer.heldSegmentCount == 3)
        writer.close()
        #expect(!isLocked())
        #expect(throws: WALError.stopped("it was closed")) { try writer.sync() }
    }

    @Test func onlyReleasedSegmentsArePurgedOldestFirst() throws {
        let disk = makeDisk()
        let writer = try makeLog(disk, segmentByteCount: 512)
        for index in 1...40 as ClosedRange<UInt64> {
            try writer.append(state: hardState(term: 1, commit: index), entries: [entry(index, term: 1, [1, 2, 3])])
            try writer.sync()
        }
        let paths = try segmentPaths(disk)
        try writer.purge(keeping: 1)
        #expect(try segmentPaths(disk) == paths)
        let firsts = paths.compactMap { SegmentName(String($0.suffix(37)))?.firstIndex }
        // The segment that begins with the index is not enough for etcd: it keeps the one before, too.
        try writer.saveSnapshot(snapshotRecord(firsts[4].rawValue, term: 1))
        writer.releaseSegments(through: firsts[4])
        #expect(writer.heldSegmentCount == paths.count - 3)
        try writer.purge(keeping: paths.count - 1)
        #expect(try segmentPaths(disk) == Array(paths[1...]))
        try writer.purge(keeping: 0)
        #expect(try segmentPaths(disk) == Array(paths[1...]))
        // Another process reads the third.
        let other = try disk.open(paths[2], .readWrite)
        try other.lock(.openFileDescription)
        try writer.purge(keeping: 1)
        #expect(try segmentPaths(disk) == Array(paths[2...]))
        other.close()
        try writer.purge(keeping: 1)
        #expect(try segmentPaths(disk) == Array(paths[3...]))
        try writer.saveSnapshot(snapshotRecord(1000, term: 1))
        writer.releaseSegments(through: LogIndex(1000))
        #expect(writer.heldSegmentCount == 1)
        writer.close()
        let (contents, _) = try reopenLog(disk, from: snapshotRecord(firsts[4].rawValue, term: 1))
        #expect(contents.lastIndex == LogIndex(40))
    }

    @Test func theNextSegmentIsMadeAhead() throws {
        let disk = makeDisk()
        var writer = try makeLog(disk, segmentByteCount: 512)
        var index: UInt64 = 0
        for round in 0..<3 {
            #expect(writer.needsPreparation)
            try writer.prepareNextSegment()
            try writer.prepareNextSegment()
            #expect(!writer.needsPreparation)
            #expect(try disk.list(directory).filter { $0.hasSuffix(".tmp") } == ["\(round % 2).tmp"])
            let sequence = writer.lastSegment.sequence
            let opened = disk.count(of: .open)
            while writer.lastSegment.sequence == sequence {
                index += 1
                try writer.append(state: nil, entries: [entry(index, term: 1, [1, 2, 3])])
            }
            #expect(disk.count(of: .open) == opened)
        }
        try writer.prepareNextSegment()
        writer.close()
        (_, writer) = try reopenLog(disk, segmentByteCount: 512)
        #expect(try disk.list(directory).allSatisfy { SegmentName($0) != nil })
    }

    @Test func googleFormsAreReadToo() throws {
        // What etcd 3.7 writes: fields that are zero are left out, or there, as it happens.
        let disk = makeDisk()
        var log = HandmadeLog()
        log.add(4, nil)
        log.add(1, sampleMetadata.encoded())
        log.add(5, [])
        log.add(2, hexBytes("10021801"))
        log.add(2, hexBytes("100218022200"))
        log.add(3, hexBytes("08021802"))
        log.add(5, hexBytes("08021002"))
        log.add(2, hexBytes("18031002"))
        disk.place(log.bytes, at: "\(directory)/\(SegmentName(sequence: 0, firstIndex: .zero))")
        let contents = try WALReader.read(disk: disk, directory: directory)
        #expect(contents.entries == [entry(1, term: 2), entry(2, term: 2, []), entry(3, term: 2)])
        #expect(contents.hardState == hardState(term: 2, commit: 2))
        #expect(contents.snapshots.map(\.index) == [0, 2])
        let (_, writer) = try reopenLog(disk)
        try writer.append(state: hardState(term: 2, commit: 4), entries: [entry(4, term: 2, [9])])
        writer.close()
        #expect(try WALReader.read(disk: disk, directory: directory).entries.last == entry(4, term: 2, [9]))
    }
}
