import Environment
import EtcdMessages
import Primitives
import SimulatedPlatform
import Testing

@testable import WriteAheadLog

/// What an interrupted write leaves: the records before it, all of them, and nothing of it but whole records.
@Suite struct TornLogTests {
    /// A log of one segment whose last batch may be torn.
    private struct Sample {
        let bytes: Bytes
        let path: String
        /// What holds after the synced batches, and after each record of the last one.
        var models: [LogModel] = []
        /// Where the last batch begins, and where each of its frames ends.
        var boundaries: [Int] = []

        init(seed: UInt64, segmentByteCount: Int = 16 << 10) throws {
            var entropy = SeededEntropy(seed: seed)
            let disk = makeDisk()
            let writer = try makeLog(disk, segmentByteCount: segmentByteCount)
            var model = LogModel()
            for _ in 0..<6 {
                let batch = model.nextBatch(&entropy, maxByteCount: 300)
                try writer.append(state: batch.state, entries: batch.entries)
                try writer.sync()
            }
            models = [model]
            boundaries = [writer.offset]
            let first = UInt64(model.entries.count) + 1
            let state = hardState(term: model.state.term + 1, vote: 2, commit: first)
            let last = LogModel.Batch(
                state: state,
                entries: (0..<5).map { entry(first + $0, term: state.term, entropy.nonzeroBytes(Int($0) * 170)) })
            var encoder = FrameEncoder(continuing: writer.encoder.crc)
            for entry in last.entries {
                encoder.append(entry)
                model.apply(LogModel.Batch(state: nil, entries: [entry]))
                // Without the state that comes last, the term is known from the entries.
                var torn = model
                torn.state = hardState(term: entry.term, commit: model.state.commit)
                models.append(torn)
                boundaries.append(writer.offset + encoder.bytes.count)
            }
            try writer.append(state: last.state, entries: last.entries)
            model.apply(LogModel.Batch(state: last.state))
            models.append(model)
            boundaries.append(writer.offset)
            path = "\(directory)/\(writer.lastSegment)"
            bytes = try #require(disk.contents(of: path))
        }

        var batch: Range<Int> { boundaries[0]..<boundaries[boundaries.count - 1] }

        /// How many records of the last batch end by an offset.
        func wholeRecordCount(before offset: Int) -> Int {
            boundaries.dropFirst().prefix { $0 <= offset }.count
        }

        /// Opens the log as changed, expects so many records of the last batch, and goes on writing.
        func expect(_ count: Int, in changed: Bytes, _ comment: Comment) throws {
            let disk = makeDisk()
            disk.place(changed, at: path)
            let (contents, writer) = try reopenLog(disk)
            #expect(models[count].matches(contents), comment)
            #expect(writer.offset == boundaries[count], comment)
            var next = models[count]
            let batch = LogModel.Batch(
                state: hardState(term: 1000, commit: next.state.commit),
                entries: [entry(UInt64(next.entries.count) + 1, term: 1000, [1])])
            try writer.append(state: batch.state, entries: batch.entries)
            try writer.sync()
            writer.close()
            next.apply(batch)
            #expect(next.matches(try WALReader.read(disk: disk, directory: directory, access: .append)), comment)
        }
    }

    @Test func aFileThatIsCutOffAnywhere() throws {
        let sample = try Sample(seed: 1)
        for length in sample.batch {
            let count = sample.wholeRecordCount(before: length)
            try sample.expect(count, in: Bytes(sample.bytes[..<length]), "cut off at \(length)")
        }
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>) func sectorsThatWereNotWritten(seed: UInt64) throws {
        let sample = try Sample(seed: seed)
        let batch = sample.batch
        let sectors = batch.lowerBound / 512...(batch.upperBound - 1) / 512
        try #require(sectors.count <= 8)
        for lost in 0..<1 << sectors.count {
            var bytes = sample.bytes
            var firstLost = bytes.count
            for (position, sector) in sectors.enumerated() where lost >> position & 1 == 1 {
                let start = max(batch.lowerBound, sector * 512)
                bytes.replaceSubrange(
                    start..<(sector + 1) * 512, with: repeatElement(0, count: (sector + 1) * 512 - start))
                firstLost = min(firstLost, start)
            }
            // A record that ends where the lost sector begins is whole.
            try sample.expect(sample.wholeRecordCount(before: firstLost), in: bytes, "sectors \(lost) lost")
        }
    }

    @Test func whatNoDiskDoesIsAnErrorOrAPrefix() throws {
        let sample = try Sample(seed: 5)
        var corruptCount = 0
        for start in sample.batch {
            var bytes = sample.bytes
            bytes.replaceSubrange(start..., with: repeatElement(0, count: bytes.count - start))
            let disk = makeDisk()
            disk.place(bytes, at: sample.path)
            do throws(WALError) {
                let contents = try WALReader.readToAppend(disk: disk, directory: directory)
                // A record whose last bytes are zero anyway is whole.
                let count = sample.wholeRecordCount(before: start)
                #expect(
                    sample.models[count].matches(contents) || sample.models[count + 1].matches(contents),
                    "zero from \(start)")
            } catch {
                guard case .corrupt = error else { throw error }
                corruptCount += 1
            }
        }
        // Within a sector, the tear is told from damage only where the records end.
        #expect(corruptCount > 0 && corruptCount < sample.batch.count)
    }

    @Test func theBrokenSegmentIsKept() throws {
        let sample = try Sample(seed: 6)
        let length = sample.batch.lowerBound + 20
        let disk = makeDisk()
        disk.place(Bytes(sample.bytes[..<length]), at: sample.path)
        disk.place([1, 2, 3], at: "\(sample.path).broken")
        let name = String(sample.path.suffix(37))
        #expect(throws: WALError.torn(segment: name, offset: sample.batch.lowerBound)) {
            try WALReader.read(disk: disk, directory: directory, access: .append)
        }
        // To look at it, it is good enough.
        let seen = try WALReader.read(disk: disk, directory: directory)
        #expect(seen.end.isTorn && seen.end.offset == sample.batch.lowerBound)
        #expect(sample.models[0].matches(seen))
        _ = try WALReader.validSnapshots(disk: disk, directory: directory)
        try WALRepair.repair(disk: disk, directory: directory)
        #expect(disk.contents(of: "\(sample.path).broken") == Bytes(sample.bytes[..<length]))
        #expect(disk.contents(of: sample.path) == Bytes(sample.bytes[..<sample.batch.lowerBound]))
        // Once is enough.
        try disk.remove("\(sample.path).broken")
        try WALRepair.repair(disk: disk, directory: directory)
        #expect(disk.contents(of: "\(sample.path).broken") == nil)
    }

    @Test func onlyTheLastSegmentCanBeTorn() throws {
        let disk = makeDisk()
        let writer = try makeLog(disk, segmentByteCount: 1024)
        for index in 1...40 as ClosedRange<UInt64> {
            try writer.append(state: hardState(term: 1, commit: index), entries: [entry(index, term: 1, [1, 2, 3])])
            try writer.sync()
        }
        writer.close()
        let path = try segmentPaths(disk)[0]
        let bytes = try #require(disk.contents(of: path))
        for length in stride(from: 0, to: bytes.count, by: 7) {
            for end in [Bytes(), Bytes(repeating: 0, count: bytes.count - length)] {
                let damaged = disk.processCrashClone()
                try damaged.remove(path)
                damaged.place(Bytes(bytes[..<length]) + end, at: path)
                do throws(WALError) {
                    _ = try WALReader.readToAppend(disk: damaged, directory: directory)
                    Issue.record("cut off at \(length) and not noticed")
                } catch {
                    guard case .corrupt = error else { throw error }
                }
            }
        }
    }

    @Test func theStateOfATornBatchIsNotMissed() throws {
        let disk = makeDisk()
        let writer = try makeLog(disk)
        try writer.append(state: hardState(term: 2, vote: 9, commit: 1), entries: [entry(1, term: 2, [1])])
        try writer.append(state: nil, entries: [entry(2, term: 7, [2])])
        try writer.sync()
        writer.close()
        let contents = try WALReader.read(disk: disk, directory: directory)
        #expect(contents.hardState == hardState(term: 7, vote: 0, commit: 1))
    }
}
