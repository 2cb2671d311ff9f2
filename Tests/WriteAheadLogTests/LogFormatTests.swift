import Checksums
import Environment
import EtcdMessages
import Primitives
import SimulatedPlatform
import Testing

@testable import WriteAheadLog

/// The bytes on disk.
@Suite struct LogFormatTests {
    @Test func aNewLogHasTheBytesOfEtcd() throws {
        let disk = makeDisk()
        let writer = try WALWriter.create(disk: disk, directory: directory, metadata: sampleMetadata)
        let path = "\(directory)/0000000000000000-0000000000000000.wal"
        let file = try disk.open(path, .readOnly)
        let head = hexBytes(
            """
            0400000000000084 08041000 00000000
            2000000000000000 080110bb81c7fc051a1608cdd2918bd2b881cf8e0110b298eaf1948386fccd01
            0e00000000000082 08051094bbc7ed0e1a0408001000 0000
            """)
        #expect(try file.read(at: 0, count: head.count) == head)
        #expect(try file.byteCount() == 64_000_000)
        #expect(writer.encoder.crc == CRC32C(continuing: 0xedb1_dd94))
        #expect(try disk.status(path)?.permissions == 0o600)
        #expect(try disk.list("/data/member") == ["wal"])
        #expect(writer.lastIndex == .zero)
    }

    @Test func entriesThenStateAreWrittenInGogoForm() throws {
        let disk = makeDisk()
        let writer = try makeLog(disk)
        let start = writer.offset
        try writer.append(
            state: hardState(term: 2, vote: 0, commit: 1), entries: [entry(1, term: 2), entry(2, term: 2, [])])
        let written = try #require(disk.contents(of: segmentPaths(disk)[0]))
        var crc = CRC32C(continuing: 0xedb1_dd94)
        var expected: Bytes = []
        for (type, data) in [(2, "080010021801"), (2, "0800100218022200"), (3, "080210001801")] as [(Int64, String)] {
            var record = WALRecord()
            record.type = type
            record.data = hexBytes(data)
            crc.update(hexBytes(data))
            record.crc = crc.value
            let encoded = record.encoded()
            let padding = (8 - encoded.count % 8) % 8
            expected += Bytes(bigEndian: UInt64(encoded.count) | UInt64(padding == 0 ? 0 : 0x80 | padding) << 56)
                .reversed()
            expected += encoded + Bytes(repeating: 0, count: padding)
        }
        #expect(Bytes(written[start..<writer.offset]) == expected)
        #expect(written[writer.offset...].allSatisfy { $0 == 0 })
    }

    @Test func anyEntryIsWrittenAsTheMessageIs() {
        var entropy = SeededEntropy(seed: 3)
        var encoder = FrameEncoder(continuing: CRC32C())
        var generic = FrameEncoder(continuing: CRC32C())
        for round in 0..<500 {
            var sample = entry(entropy.next() >> (entropy.next() % 64), term: entropy.next() >> (entropy.next() % 64))
            sample.type = RaftEntryType(rawValue: round % 50 == 0 ? -1 : Int32(round % 3))
            sample.data = round % 4 == 0 ? nil : entropy.nonzeroBytes(round)
            encoder.append(sample)
            generic.append(.entry, sample)
        }
        #expect(encoder.bytes == generic.bytes)
        #expect(encoder.crc == generic.crc)
    }

    @Test(arguments: [
        "0000000000000000-0000000000000000.wal", "00000000000000ff-00000000000186a1.wal",
        "fffffffffffffffe-ffffffffffffffff.wal",
    ])
    func namesAreReadBack(_ name: String) {
        #expect(SegmentName(name)?.description == name)
    }

    @Test(arguments: [
        "", "0.tmp", "0000000000000000-0000000000000000.wal.broken", "0000000000000000-0000000000000000.WAL",
        "0000000000000000-000000000000000g.wal", "0000000000000000_0000000000000000.wal",
        "000000000000000A-0000000000000000.wal", "+000000000000000-0000000000000000.wal",
        "ffffffffffffffff-0000000000000000.wal", "0-0.wal", "00000000000000000-000000000000000.wal",
    ])
    func otherNamesAreNotSegments(_ name: String) {
        #expect(SegmentName(name) == nil)
    }

    @Test func lengthFieldsAreStrict() {
        for count in 1..<40 {
            let field = FrameLength(recordByteCount: count).encoded
            #expect(FrameLength(encoded: field)?.recordByteCount == count)
            for bit in 0..<64 {
                // Three bits say the length modulo 8 once more; only the others can be wrong and pass.
                let isSeen = FrameLength(encoded: field ^ 1 << UInt64(bit)) == nil
                #expect(isSeen || (3..<56).contains(bit))
            }
        }
    }
}
