import Environment
import EtcdMessages
import Primitives
import SimulatedPlatform
import Testing

@testable import WriteAheadLog

/// What no interrupted write explains is refused, never read as something else.
@Suite struct DamagedLogTests {
    /// A log of two segments with every type of record, some with nothing behind them.
    private func makeSample() throws -> (disk: SimulatedDisk, contents: WALContents) {
        var entropy = SeededEntropy(seed: 2)
        let disk = makeDisk()
        let writer = try makeLog(disk, segmentByteCount: 320)
        var change = entry(1, term: 1, entropy.nonzeroBytes(20))
        change.type = .confChange
        try writer.append(state: hardState(term: 1, vote: 0x8e9e_05c5_2164_694d, commit: 1), entries: [change])
        try writer.sync()
        try writer.append(
            state: hardState(term: 2, vote: 0x8e9e_05c5_2164_694d, commit: 2),
            entries: [entry(2, term: 2), entry(3, term: 2, entropy.nonzeroBytes(70))])
        try writer.sync()
        try writer.append(state: hardState(term: 2, vote: 0x8e9e_05c5_2164_694d, commit: 3), entries: [])
        try writer.append(state: nil, entries: [entry(4, term: 2, entropy.nonzeroBytes(9))])
        try writer.saveSnapshot(snapshotRecord(3, term: 2))
        try writer.append(state: hardState(term: 2, vote: 0x8e9e_05c5_2164_694d, commit: 4), entries: [])
        try writer.sync()
        writer.close()
        return (disk, try WALReader.read(disk: disk, directory: directory))
    }

    /// Whether the same is read as before: entries, state, snapshots, metadata.
    private func isSame(_ left: WALContents, _ right: WALContents) -> Bool {
        left.entries == right.entries && left.hardState == right.hardState && left.snapshots == right.snapshots
            && left.metadata == right.metadata
    }

    @Test func everyFlippedBitIsFound() throws {
        let (original, contents) = try makeSample()
        let paths = try segmentPaths(original)
        #expect(paths.count == 2)
        var foundCount = 0
        var harmlessCount = 0
        for path in paths {
            for offset in try #require(original.contents(of: path)).indices {
                for bit in 0..<8 {
                    let disk = original.processCrashClone()
                    disk.flipBit(bit, at: offset, of: path)
                    do throws(WALError) {
                        let read = try WALReader.readToAppend(disk: disk, directory: directory)
                        // In padding, in what a 32-bit number does not use, or where nothing is yet.
                        #expect(isSame(read, contents), "bit \(bit) of byte \(offset) of \(path)")
                        harmlessCount += 1
                    } catch {
                        guard case .corrupt = error else { throw error }
                        foundCount += 1
                    }
                }
            }
        }
        #expect(harmlessCount * 5 < foundCount)
    }

    @Test func aSyncedSectorThatWasLostIsNotTakenForATornEnd() throws {
        var entropy = SeededEntropy(seed: 3)
        let disk = makeDisk()
        let writer = try makeLog(disk, segmentByteCount: 64 << 10)
        var offsets: [Int] = []
        for index in 1...30 as ClosedRange<UInt64> {
            let data = entropy.nonzeroBytes(Int.random(in: 10..<900, using: &entropy))
            try writer.append(state: hardState(term: 1, commit: index), entries: [entry(index, term: 1, data)])
            try writer.sync()
            offsets.append(writer.offset)
        }
        writer.close()
        let path = try segmentPaths(disk)[0]
        let bytes = try #require(disk.contents(of: path))
        // The last three batches could be a part of what was never synced.
        for sector in 1..<offsets[offsets.count - 4] / 512 {
            for count in [1, 2, 8] where (sector + count) * 512 <= offsets[offsets.count - 4] {
                var damaged = bytes
                let range = sector * 512..<(sector + count) * 512
                damaged.replaceSubrange(range, with: repeatElement(0, count: range.count))
                let clone = makeDisk()
                clone.place(damaged, at: path)
                do throws(WALError) {
                    _ = try WALReader.readToAppend(disk: clone, directory: directory)
                    Issue.record("\(count) sectors from \(sector) were lost and not noticed")
                } catch {
                    guard case .corrupt = error else { throw error }
                }
            }
        }
    }

    @Test func recordsOfOneTypeDoNotPassForAnother() throws {
        let state = hardState(term: 1, vote: 5, commit: 1).encoded()
        let laterState = hardState(term: 2, vote: 500, commit: 1).encoded()
        var change = entry(1, term: 1, [1])
        change.type = .confChange
        let samples: [(Int64, Bytes?)] = [
            (2, state), (2, laterState), (3, entry(1, term: 1).encoded()), (3, entry(1, term: 1, [1]).encoded()),
            (3, change.encoded()), (1, state), (1, []), (4, nil), (0, nil), (6, nil), (-1, nil), (Int64.max, []),
            (2, []), (3, []), (2, [0xff]), (3, [0xff]), (5, [0xff]), (2, hexBytes("0803 1001 1801")),
            (2, entry(.max, term: 1).encoded()), (2, entry(3, term: 1).encoded()),
        ]
        for (type, data) in samples {
            var log = HandmadeLog.withHead
            log.add(2, entry(1, term: 1, [9]).encoded())
            let offset = log.bytes.count
            log.add(type, data)
            let disk = makeDisk()
            let name = SegmentName(sequence: 0, firstIndex: .zero)
            disk.place(log.bytes, at: "\(directory)/\(name)")
            do throws(WALError) {
                _ = try WALReader.read(disk: disk, directory: directory)
                Issue.record("type \(type), data \(data ?? []) was accepted")
            } catch {
                guard case .corrupt(name.description, offset, _) = error else { throw error }
            }
        }
    }

    @Test func oneEntryIsNotThereTwice() throws {
        var log = HandmadeLog.withHead
        for data in [[1], [1]] as [Bytes] { log.add(2, entry(1, term: 1, data).encoded()) }
        let path = "\(directory)/\(SegmentName(sequence: 0, firstIndex: .zero))"
        let disk = makeDisk()
        disk.place(log.bytes, at: path)
        #expect(try WALReader.read(disk: disk, directory: directory).entries == [entry(1, term: 1, [1])])
        log.add(2, entry(1, term: 1, [2]).encoded())
        let other = makeDisk()
        other.place(log.bytes, at: path)
        #expect(throws: WALError.self) { try WALReader.read(disk: other, directory: directory) }
    }

    @Test func anyGarbageIsRefused() throws {
        var entropy = SeededEntropy(seed: 11)
        let name = SegmentName(sequence: 0, firstIndex: .zero)
        var head = HandmadeLog.withHead
        for index in 1...5 as ClosedRange<UInt64> { head.add(2, entry(index, term: 1, [1, 2, 3]).encoded()) }
        for round in 0..<3000 {
            let count = Int(entropy.next() % 700)
            var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &entropy) }
            if round % 3 == 0 {
                // Behind a good beginning.
                bytes = head.bytes + bytes
            } else if round % 3 == 1 {
                bytes = head.bytes
                for _ in 0..<1 + entropy.next() % 4 {
                    bytes[Int(entropy.next() % UInt64(bytes.count))] = UInt8.random(in: 0...255, using: &entropy)
                }
            }
            let disk = makeDisk()
            disk.place(bytes, at: "\(directory)/\(name)")
            do throws(WALError) {
                let contents = try WALReader.readToAppend(disk: disk, directory: directory)
                // Nothing behind the records, or a frame that is cut off.
                #expect(contents.entries.count <= 5)
            } catch {
                guard case .corrupt = error else { throw error }
            }
        }
    }

    @Test(arguments: [UInt64(1) << 55, 1 << 40, 1 << 31, 1 << 20, 0xff_ffff_ffff_fff8])
    func aLengthIsHeldAgainstTheFile(_ length: UInt64) throws {
        var log = HandmadeLog.withHead
        let offset = log.bytes.count
        log.bytes += Bytes(bigEndian: length).reversed() + hexBytes("0802 1000 1a8080808001 01020304")
        let disk = makeDisk()
        let name = SegmentName(sequence: 0, firstIndex: .zero)
        disk.place(log.bytes + Bytes(repeating: 0, count: 100_000), at: "\(directory)/\(name)")
        do throws(WALError) {
            _ = try WALReader.read(disk: disk, directory: directory)
            Issue.record("a length of \(length) was accepted")
        } catch {
            guard case .corrupt(name.description, offset, _) = error else { throw error }
        }
    }
}
