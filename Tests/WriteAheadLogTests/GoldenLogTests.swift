import Checksums
import Environment
import EtcdMessages
import Foundation
import Primitives
import SimulatedPlatform
import Testing

@testable import WriteAheadLog

/// The log of a real etcd 3.6.14, which was killed.
@Suite struct GoldenLogTests {
    private static let name = "0000000000000000-0000000000000000.wal"

    private static func goldenDisk() throws -> (SimulatedDisk, Bytes) {
        let archive = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Golden/3.6.14/golden.etcd.tar.gz").path
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/tar")
        process.arguments = ["-xzOf", archive, "golden.etcd/member/wal/\(name)"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(data.count == 64_000_000)
        // Only zeros follow; the rest is left out to save time.
        let bytes = Bytes(data.prefix(1 << 20))
        let disk = makeDisk()
        disk.place(bytes, at: "\(directory)/\(name)")
        return (disk, bytes)
    }

    @Test func itIsReadAndItsBytesAreThoseWeWouldWrite() throws {
        let (disk, bytes) = try Self.goldenDisk()
        let contents = try WALReader.read(disk: disk, directory: directory)
        #expect(contents.metadata.nodeID == 3_153_101_805_118_352_275)
        #expect(contents.metadata.clusterID == 9_151_734_699_010_623_715)
        #expect(contents.entries.count > 150)
        #expect(contents.entries.map(\.index) == Array(1...UInt64(contents.entries.count)))
        #expect(contents.hardState.term == 2)
        #expect(contents.hardState.vote == contents.metadata.nodeID)
        #expect(!contents.end.isTorn)

        let valid = try WALReader.validSnapshots(disk: disk, directory: directory)
        let last = try #require(valid.last)
        #expect(valid.map(\.index) == [0, 0x65])
        #expect(last.term == 2 && last.confState?.voters == [contents.metadata.nodeID])
        let rest = try WALReader.read(disk: disk, directory: directory, from: last)
        #expect(rest.entries == Array(contents.entries[0x65...]))

        // Record by record, through messages and back.
        let file = try disk.open("\(directory)/\(Self.name)", .readOnly)
        var reader = try SegmentReader(name: Self.name, file: file, isLast: true, continuing: nil)
        var encoder = FrameEncoder(continuing: CRC32C())
        reading: while true {
            guard case .record(let record) = try reader.next() else { break reading }
            switch RecordType(rawValue: record.type) {
            case .crc: encoder.appendCRC()
            case .metadata: encoder.append(.metadata, try WALMetadata(decoding: record.data ?? []))
            case .entry: encoder.append(try RaftEntry(decoding: record.data ?? []))
            case .state: encoder.append(.state, try HardState(decoding: record.data ?? []))
            case .snapshot: encoder.append(.snapshot, try WALSnapshot(decoding: record.data ?? []))
            case nil: Issue.record("a record of type \(record.type)")
            }
        }
        #expect(encoder.bytes == Bytes(bytes[..<contents.end.offset]))
    }

    @Test func weGoOnWhereItEnded() throws {
        let (disk, _) = try Self.goldenDisk()
        let (contents, writer) = try reopenLog(disk, segmentByteCount: 2 << 20)
        let next = entry(contents.lastIndex.rawValue + 1, term: 3, [1, 2, 3])
        try writer.append(state: hardState(term: 3, commit: next.index), entries: [next])
        try writer.sync()
        writer.close()
        let later = try WALReader.read(disk: disk, directory: directory, access: .append)
        #expect(later.entries == contents.entries + [next])
        #expect(later.metadata == contents.metadata)
    }
}
