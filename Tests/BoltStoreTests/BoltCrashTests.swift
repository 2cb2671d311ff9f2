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

    /// Runs a workload until it ends or fails: six commits, and then some that give all records other values. Answers why it
    /// failed, nil if it did not.
    private static func run(
        _ seed: UInt64, on disk: SimulatedDisk, _ settings: BoltSettings, _ expectation: Expectation,
        rewriteCount: Int = 0
    ) throws -> BoltError? {
        var workload = Workload(seed: seed)
        let file: BoltFile
        do {
            file = try BoltFile.open(disk: disk, path: path, settings: settings)
        } catch {
            return error
        }
        defer { file.close() }
        for round in 0..<6 + rewriteCount {
            let changes = round < 6 ? workload.next() : workload.rewritten()
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
                return error
            }
            expectation.previous = expectation.settled
            expectation.settled = workload.contents
        }
        return nil
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
            guard try Self.run(11, on: disk, settings, expectation) != nil else {
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

    /// What is wrong with a file, in words, if that is found as something is done with it; nil if not.
    private static func problem(_ body: () throws -> Void) throws -> String? {
        do {
            try body()
            return nil
        } catch BoltError.corrupt(let text) {
            return text
        }
    }

    /// Opens a file, checks it, and reads all of it.
    private static func read(_ disk: SimulatedDisk, _ settings: BoltSettings) throws -> Contents {
        let file = try BoltFile.open(disk: disk, path: path, settings: settings)
        defer { file.close() }
        try file.check()
        return try file.contents()
    }

    /// Writes that the disk reports done but loses, or puts elsewhere.
    ///
    /// In the last commits all records get other values, so that pages come back to where they have been. Where such a write
    /// is lost there is an older page of the same number with the same keys, and nothing but its checksum tells.
    @Test(arguments: [true, false]) func aLostOrStrayWriteIsFoundOrHarmless(isLost: Bool) throws {
        var entropy = SeededEntropy(seed: 17)
        // A run without a fault tells which calls are writes; with one it is the same up to there.
        var writes: [Int] = []
        let rehearsal = makeDisk()
        rehearsal.beforeOperation = { number, operation in
            if operation == .write { writes.append(number) }
        }
        #expect(try Self.run(21, on: rehearsal, smallSettings, Expectation(), rewriteCount: 4) == nil)
        #expect(writes.count > 60)
        var found = 0
        var foundByChecksumAlone: [Int] = []
        for call in writes {
            let expectation = Expectation()
            let disk = makeDisk()
            let offset = Int.random(in: 0..<12, using: &entropy) * 1024
            disk.inject(isLost ? .dropWrite : .misdirectWrite(toOffset: offset), at: call)
            func isRight(_ contents: Contents) -> Bool {
                // Without the last meta page, the file is as the commit before left it: nothing can tell.
                contents == expectation.settled || call == writes.last && contents == expectation.previous
            }
            var problem = try Self.problem {
                if let error = try Self.run(21, on: disk, smallSettings, expectation, rewriteCount: 4) { throw error }
            }
            let copy = disk.processCrashClone()
            if problem == nil {
                problem = try Self.problem {
                    let contents = try Self.read(disk, smallSettings)
                    #expect(isRight(contents), "call \(call)")
                }
            }
            guard let problem else { continue }
            found += 1
            // What has the wrong contents, and is as it should be in all else.
            var isWrong = false
            _ = try Self.problem { isWrong = !isRight(try Self.read(copy, Self.settings(false))) }
            if isWrong, problem.hasSuffix("does not have the checksum it was written with") {
                foundByChecksumAlone.append(call)
            }
        }
        #expect(found > 30)
        // Writes of pages in the last two commits.
        #expect(foundByChecksumAlone == (isLost ? [106, 107, 108, 109, 116, 117] : [106, 107, 108]))
    }
}
