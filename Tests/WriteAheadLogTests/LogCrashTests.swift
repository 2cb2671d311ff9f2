import Environment
import EtcdMessages
import Primitives
import SimulatedPlatform
import Testing

@testable import WriteAheadLog

/// A member's use of its log: batches, snapshots, segments made ahead, released and purged.
private final class Workload {
    let disk: SimulatedDisk
    var entropy: SeededEntropy
    /// What may be found after a crash now: what was synced first, then with each record that was written since.
    private(set) var candidates: [LogModel]
    /// The last snapshot whose record was synced, and whose commit was.
    private(set) var snapshotIndex: UInt64 = 0
    /// Whether the log was made.
    private(set) var isMade = false
    private var writer: WALWriter?
    private var model: LogModel

    static let segmentByteCount = 1500

    init(disk: SimulatedDisk, seed: UInt64, model: LogModel = LogModel(), isMade: Bool = false) {
        self.disk = disk
        entropy = SeededEntropy(seed: seed)
        self.model = model
        self.isMade = isMade
        candidates = [model]
        snapshotIndex = model.snapshots.last?.index ?? 0
    }

    /// Opens the log, or makes it; then writes so many batches. Ends with the first error.
    func run(batchCount: Int) throws(WALError) {
        let writer = try open()
        self.writer = writer
        for _ in 0..<batchCount { try step(writer) }
    }

    private func open() throws(WALError) -> WALWriter {
        guard isMade else {
            let writer = try makeLog(disk, segmentByteCount: Workload.segmentByteCount)
            isMade = true
            return writer
        }
        let snapshot = try WALReader.validSnapshots(disk: disk, directory: directory).last
        return try reopenLog(disk, from: snapshot, segmentByteCount: Workload.segmentByteCount).1
    }

    private func step(_ writer: WALWriter) throws(WALError) {
        switch entropy.next() % 10 {
        case 0: try writer.prepareNextSegment()
        case 1 where model.state.commit > snapshotIndex:
            // First the state that says the entry is committed.
            try writer.append(state: model.state, entries: [])
            try sync(writer)
            let record = snapshotRecord(model.state.commit, term: model.term(at: model.state.commit))
            model.snapshots.append(record)
            candidates.append(model)
            try writer.saveSnapshot(record)
            candidates = [model]
            snapshotIndex = record.index
            writer.releaseSegments(through: LogIndex(record.index))
            try writer.purge(keeping: 2)
        default:
            let batch = model.nextBatch(&entropy, maxByteCount: 400)
            addCandidates(batch)
            try writer.append(state: batch.state, entries: batch.entries)
            if entropy.next() % 3 > 0 { try sync(writer) }
        }
    }

    private func sync(_ writer: WALWriter) throws(WALError) {
        try writer.sync()
        candidates = [model]
    }

    private func addCandidates(_ batch: LogModel.Batch) {
        guard var next = candidates.last else { return }
        for entry in batch.entries {
            next.apply(LogModel.Batch(state: nil, entries: [entry]))
            candidates.append(next)
        }
        next.apply(LogModel.Batch(state: batch.state))
        candidates.append(next)
    }

    /// Whether later calls are refused, as they must be after an error.
    func isRefused() -> Bool {
        guard let writer else { return true }
        do throws(WALError) {
            try writer.append(state: hardState(term: 1), entries: [])
            return false
        } catch {
            if case .stopped = error { return true }
            return false
        }
    }
}

/// What is found of a log after a crash; an error if it is not one of the candidates.
private func recovered(_ disk: SimulatedDisk, _ candidates: [LogModel], snapshotIndex: UInt64) throws -> LogModel {
    let snapshot = try #require(try WALReader.validSnapshots(disk: disk, directory: directory).last)
    #expect(snapshot.index >= snapshotIndex)
    let (contents, writer) = try reopenLog(disk, from: snapshot, segmentByteCount: Workload.segmentByteCount)
    writer.close()
    for var candidate in candidates {
        // Entries whose state was lost with the end of their batch tell their term.
        if let last = candidate.entries.last, last.term > candidate.state.term {
            candidate.state.term = last.term
            candidate.state.vote = 0
        }
        if candidate.state == contents.hardState, Int(snapshot.index) <= candidate.entries.count,
            Array(candidate.entries[Int(snapshot.index)...]) == contents.entries
        {
            candidate.snapshots.removeAll { $0.index > snapshot.index }
            return candidate
        }
    }
    Issue.record("nothing that was written: \(contents.hardState), entries up to \(contents.lastIndex)")
    return candidates[0]
}

@Suite struct LogCrashTests {
    @Test(arguments: 0..<3 as Range<UInt64>) func powerIsLostAtEveryCall(seed: UInt64) throws {
        let disk = makeDisk(seed: seed)
        let workload = Workload(disk: disk, seed: seed)
        var entropy = SeededEntropy(seed: seed)
        var crashes: [(disk: SimulatedDisk, candidates: [LogModel], snapshotIndex: UInt64, isMade: Bool)] = []
        let policies: [CrashPolicy] = [.loseAllUnsynced, .keepAll, .torn, .random(survivalPercent: 50)]
        disk.beforeOperation = { [unowned disk, unowned workload] number, operation in
            if case .read = operation.category { return }
            for policy in policies {
                crashes.append(
                    (
                        disk.crashClone(policy, entropy: &entropy), workload.candidates, workload.snapshotIndex,
                        workload.isMade
                    ))
            }
        }
        try workload.run(batchCount: 40)
        disk.beforeOperation = nil
        #expect(crashes.count > 300)
        for (number, crash) in crashes.enumerated() {
            // Before the log was made it is there or not, and can be made.
            if try !crash.isMade && !WALReader.exists(disk: crash.disk, directory: directory) {
                _ = try makeLog(crash.disk)
                continue
            }
            let model = try recovered(crash.disk, crash.candidates, snapshotIndex: crash.snapshotIndex)
            // And on it goes, through another crash.
            let next = Workload(disk: crash.disk, seed: UInt64(number), model: model, isMade: true)
            try next.run(batchCount: 6)
            let again = crash.disk.crashClone(policies[number % 4], entropy: &entropy)
            _ = try recovered(again, next.candidates, snapshotIndex: next.snapshotIndex)
        }
    }

    @Test(arguments: 0..<2 as Range<UInt64>) func everyCallFailsOnce(seed: UInt64) throws {
        var number = 0
        var isFinished = false
        while !isFinished {
            number += 1
            let disk = makeDisk(seed: seed &* 1000 &+ UInt64(number))
            let workload = Workload(disk: disk, seed: seed)
            disk.inject(.fail(number % 2 == 0 ? .inputOutput : .noSpace), at: number)
            do throws(WALError) {
                try workload.run(batchCount: 40)
                isFinished = disk.operationCount < number
                #expect(isFinished, "call \(number) failed unnoticed")
            } catch {
                // The process stops, and starts again: after kill -9, or with the power off as well.
                var entropy = SeededEntropy(seed: UInt64(number))
                for clone in [disk.processCrashClone(), disk.crashClone(.torn, entropy: &entropy)] {
                    if try !workload.isMade && !WALReader.exists(disk: clone, directory: directory) {
                        _ = try makeLog(clone)
                        continue
                    }
                    _ = try recovered(clone, workload.candidates, snapshotIndex: workload.snapshotIndex)
                }
                // Nothing was lost if only making the next segment ahead failed; all else ends the log.
                if case .disk = error, !workload.isRefused() {
                    #expect(error.description.contains(".tmp"), "\(error)")
                }
            }
        }
        #expect(number > 100)
    }

    @Test func everyOutcomeOfACut() throws {
        // A cut with few writes open, so that all that can be found is looked at.
        let disk = makeDisk()
        let writer = try makeLog(disk, segmentByteCount: 600)
        var index: UInt64 = 0
        while writer.offset < 600 {
            index += 1
            try writer.append(state: hardState(term: 1, commit: index), entries: [entry(index, term: 1, [7, 8, 9])])
            try writer.sync()
        }
        var clones: [SimulatedDisk] = []
        var entropy = SeededEntropy(seed: 1)
        disk.beforeOperation = { [unowned disk] _, _ in
            for bits in 0..<UInt64(1) << UInt64(min(disk.crashDecisionCount, 10)) {
                clones.append(disk.crashClone(.choices(bits), entropy: &entropy))
            }
        }
        try writer.append(state: nil, entries: [entry(index + 1, term: 1, [1])])
        try writer.sync()
        disk.beforeOperation = nil
        #expect(writer.lastSegment.sequence == 1)
        #expect(clones.count > 20)
        var segmentCounts: Set<Int> = []
        for clone in clones {
            let (contents, next) = try reopenLog(clone, segmentByteCount: 600)
            #expect(contents.entries.count == Int(index) || contents.entries.count == Int(index) + 1)
            segmentCounts.insert(try segmentPaths(clone).count)
            let more = entry(contents.lastIndex.rawValue + 1, term: 2, [3])
            try next.append(state: hardState(term: 2, commit: index), entries: [more])
            try next.sync()
            next.close()
            #expect(try WALReader.read(disk: clone, directory: directory).entries == contents.entries + [more])
        }
        #expect(segmentCounts == [1, 2])
    }
}
