import Environment
import Primitives
import SimulatedPlatform
import Testing

@testable import BoltStore

/// Power losses, kills and errors at every call on the disk.
@Suite struct BoltCrashTests {
    /// What a disk may hold: the state that the last finished commit left, or that of the one under way.
    private final class Expectation {
        var settled: Contents = [:]
        var inFlight: Contents = [:]
        /// What the last commit but one left.
        var previous: Contents = [:]
    }

    private static func settings(_ keepsChecksums: Bool) -> BoltSettings {
        var settings = smallSettings
        settings.keepsChecksums = keepsChecksums
        return settings
    }

    /// Opens what a crash left, proves it, and goes on from there.
    private static func recover(
        _ disk: SimulatedDisk, _ expectation: Expectation, _ settings: BoltSettings, _ place: String
    ) throws {
        let file = try BoltFile.open(disk: disk, path: path, settings: settings)
        defer { file.close() }
        try file.check()
        var contents = try file.contents()
        #expect(contents == expectation.settled || contents == expectation.inFlight, "\(place)")
        // A commit on top reuses what the lost one had written.
        let change = BoltChange(key: [250], value: Bytes(repeating: 7, count: 700))
        try file.commit([BoltBucketChanges(bucket: Bytes(text: "lease"), changes: [change])])
        contents[Bytes(text: "lease"), default: [:]][change.key] = change.value
        #expect(try file.contents() == contents)
        try file.check()
    }

    @Test(arguments: 0..<4 as Range<UInt64>) func aCrashAtAnyCallKeepsEachCommitWhole(seed: UInt64) throws {
        let disk = makeDisk(seed: seed)
        let settings = Self.settings(seed != 3)
        let expectation = Expectation()
        var entropy = SeededEntropy(seed: seed)
        var crashes = 0
        disk.beforeOperation = { number, operation in
            var clones = [disk.processCrashClone()]
            for policy in [CrashPolicy.loseAllUnsynced, .keepAll, .torn, .random(survivalPercent: 50)] {
                clones.append(disk.crashClone(policy, entropy: &entropy))
            }
            for (index, clone) in clones.enumerated() {
                crashes += 1
                let place = "seed \(seed), call \(number), a \(operation), policy \(index)"
                #expect(throws: Never.self, "\(place)") {
                    try Self.recover(clone, expectation, settings, place)
                }
            }
        }
        var workload = Workload(seed: seed)
        var file = try BoltFile.open(disk: disk, path: path, settings: settings)
        for round in 0..<10 {
            let changes = workload.next()
            expectation.inFlight = workload.contents
            try file.commit(changes)
            expectation.settled = workload.contents
            if round == 4 {
                file.close()
                file = try BoltFile.open(disk: disk, path: path, settings: settings)
            }
        }
        #expect(crashes > 400)
    }

    /// Runs a workload until it ends or fails. Answers whether it failed.
    private static func run(
        _ seed: UInt64, on disk: SimulatedDisk, _ settings: BoltSettings, _ expectation: Expectation
    ) throws -> Bool {
        var workload = Workload(seed: seed)
        let file: BoltFile
        do {
            file = try BoltFile.open(disk: disk, path: path, settings: settings)
        } catch {
            return true
        }
        defer { file.close() }
        for _ in 0..<6 {
            let changes = workload.next()
            expectation.inFlight = workload.contents
            var committer = file.beginCommit(changes)
            do {
                file.finish(try committer.run())
            } catch let error {
                // Not retried, and nothing after it (ordering rule 5); what was settled can be read still.
                let calls = disk.operationCount
                #expect(throws: error) { try committer.run() }
                var next = file.beginCommit([])
                #expect(throws: BoltError.unfinishedCommit) { try next.run() }
                #expect(disk.operationCount == calls)
                #expect(try file.contents() == expectation.settled)
                return true
            }
            expectation.previous = expectation.settled
            expectation.settled = workload.contents
        }
        return false
    }

    @Test(arguments: [DiskError.Kind.inputOutput, .noSpace], [true, false])
    func anErrorAtAnyCallStopsCommitsAndLosesNothing(kind: DiskError.Kind, keepsChecksums: Bool) throws {
        let settings = Self.settings(keepsChecksums)
        var entropy = SeededEntropy(seed: 3)
        var failures = 0
        while true {
            let expectation = Expectation()
            let disk = makeDisk(seed: UInt64(failures))
            disk.inject(.fail(kind), at: failures + 1)
            guard try Self.run(11, on: disk, settings, expectation) else {
                #expect(disk.operationCount <= failures)
                break
            }
            failures += 1
            for policy in [CrashPolicy.loseAllUnsynced, .torn] {
                let clone = disk.crashClone(policy, entropy: &entropy)
                try Self.recover(clone, expectation, settings, "call \(failures)")
            }
            try Self.recover(disk.processCrashClone(), expectation, settings, "call \(failures), restart")
        }
        #expect(failures > 40)
    }

    @Test func aFullDiskFailsACommitAndTheFileIsAsBefore() throws {
        let disk = makeDisk()
        disk.capacityByteCount = 40 << 10
        let file = try BoltFile.open(disk: disk, path: path, settings: smallSettings)
        let bucket = Bytes(text: "key")
        try file.commit([BoltBucketChanges(bucket: bucket, changes: [BoltChange(key: [1], value: [1])])])
        let before = try file.contents()
        let large = BoltChange(key: [2], value: Bytes(repeating: 1, count: 60 << 10))
        var committer = file.beginCommit([BoltBucketChanges(bucket: bucket, changes: [large])])
        let error = #expect(throws: BoltError.self) { try committer.run() }
        guard case .disk(let disk_) = error else {
            Issue.record("not an error of the disk")
            return
        }
        #expect(disk_.kind == .noSpace)
        file.close()
        disk.capacityByteCount = nil
        let reopened = try BoltFile.open(disk: disk, path: path, settings: smallSettings)
        #expect(try reopened.contents() == before)
        try reopened.commit([BoltBucketChanges(bucket: bucket, changes: [large])])
        #expect(try reopened.contents()[bucket]?[[2]]?.count == 60 << 10)
    }

    /// Writes that the disk reports done but loses, or puts elsewhere.
    @Test(arguments: [true, false]) func aLostOrStrayWriteIsFoundOrHarmless(isLost: Bool) throws {
        var entropy = SeededEntropy(seed: 17)
        // A run without a fault tells which calls are writes; with one it is the same up to there.
        var writes: [Int] = []
        let rehearsal = makeDisk()
        rehearsal.beforeOperation = { number, operation in
            if operation == .write { writes.append(number) }
        }
        #expect(try !Self.run(21, on: rehearsal, smallSettings, Expectation()))
        #expect(writes.count > 30)
        var found = 0
        for call in writes {
            let expectation = Expectation()
            let disk = makeDisk()
            let offset = Int.random(in: 0..<12, using: &entropy) * 1024
            disk.inject(isLost ? .dropWrite : .misdirectWrite(toOffset: offset), at: call)
            do {
                if try Self.run(21, on: disk, smallSettings, expectation) { found += 1 }
                let file = try BoltFile.open(disk: disk, path: path, settings: smallSettings)
                defer { file.close() }
                try file.check()
                // Without the last meta page, the file is as the commit before left it: nothing can tell.
                let contents = try file.contents()
                let isBefore = call == writes.last && contents == expectation.previous
                #expect(contents == expectation.settled || isBefore, "call \(call)")
            } catch let error as BoltError {
                guard case .corrupt = error else { throw error }
                found += 1
            }
        }
        #expect(found > 10)
    }
}
