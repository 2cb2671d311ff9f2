import Environment
import Primitives
import SimulatedPlatform
import Testing

@testable import BoltStore

/// Files that are damaged, cut short, or no such files at all.
@Suite struct BoltDamageTests {
    /// A small file with its checksums, and its contents at the last two transactions.
    private static func sample() throws -> (file: Bytes, checksums: Bytes, before: Contents, contents: Contents) {
        let disk = makeDisk()
        let file = try BoltFile.open(disk: disk, path: path, settings: smallSettings)
        var changes = (0..<12 as Range<UInt8>).map { BoltChange(key: [$0, 1], value: Bytes(repeating: $0, count: 40)) }
        changes.append(BoltChange(key: [99], value: Bytes(repeating: 5, count: 1100)))
        let meta = BoltBucketChanges(bucket: Bytes(text: "meta"), changes: [BoltChange(key: [7], value: [1])])
        try file.commit([BoltBucketChanges(bucket: Bytes(text: "key"), changes: changes), meta])
        let before = try file.contents()
        let change = BoltChange(key: [200], value: [8])
        try file.commit([BoltBucketChanges(bucket: Bytes(text: "key"), changes: [change]), meta])
        let contents = try file.contents()
        file.close()
        let bytes = try #require(disk.contents(of: path))
        return (bytes, try #require(disk.contents(of: ChecksumFile.path(for: path))), before, contents)
    }

    /// Opens, checks and reads a file; nil if it is found to be damaged. Any other error is thrown.
    private static func read(_ file: Bytes, checksums: Bytes?, keepsChecksums: Bool = true) throws -> Contents? {
        let disk = makeDisk()
        disk.place(file, at: path)
        if let checksums { disk.place(checksums, at: ChecksumFile.path(for: path)) }
        var settings = smallSettings
        settings.keepsChecksums = keepsChecksums
        do {
            let file = try BoltFile.open(disk: disk, path: path, settings: settings)
            defer { file.close() }
            let contents = try file.contents()
            try file.check()
            return contents
        } catch let error as BoltError {
            guard case .corrupt = error else { throw error }
            return nil
        }
    }

    /// One bit of each byte, and every bit of the first bytes of each page.
    private static func bits(_ byteCount: Int) -> [(byte: Int, bit: UInt8)] {
        (0..<byteCount).flatMap { byte in
            byte % 1024 < 36 ? (0..<8).map { (byte, $0) } : [(byte, UInt8(byte % 8))]
        }
    }

    @Test func aBitThatTurnsOverIsFoundOrHarmless() throws {
        let sample = try Self.sample()
        var found = 0
        for (byte, bit) in Self.bits(sample.file.count) {
            var damaged = sample.file
            damaged[byte] ^= 1 << bit
            guard let contents = try Self.read(damaged, checksums: sample.checksums) else {
                found += 1
                continue
            }
            // A damaged meta page is what a crash can leave, so the one before it counts.
            let isMeta = byte < 2048
            #expect(contents == sample.contents || (isMeta && contents == sample.before), "bit \(bit) of byte \(byte)")
        }
        #expect(found > 1500)
    }

    @Test func aBitThatTurnsOverInTheChecksumsDoesNoHarm() throws {
        let sample = try Self.sample()
        for byte in sample.checksums.indices {
            var damaged = sample.checksums
            damaged[byte] ^= 1 << UInt8(byte % 8)
            #expect(try Self.read(sample.file, checksums: damaged) == sample.contents, "byte \(byte)")
        }
        for count in stride(from: 0, to: sample.checksums.count, by: 100) {
            #expect(try Self.read(sample.file, checksums: Bytes(sample.checksums[..<count])) == sample.contents)
        }
    }

    @Test func withoutChecksumsABitThatTurnsOverNeverHarmsTheProcess() throws {
        let sample = try Self.sample()
        var found = 0
        for (byte, bit) in Self.bits(sample.file.count) {
            var damaged = sample.file
            damaged[byte] ^= 1 << bit
            if try Self.read(damaged, checksums: nil, keepsChecksums: false) == nil { found += 1 }
        }
        #expect(found > 300)
    }

    @Test func aFileCutShortIsFound() throws {
        let sample = try Self.sample()
        let needed = 1024 * Int(try #require(BoltMeta(Bytes(sample.file[1040...]))).highWaterMark)
        let lengths = Array(stride(from: 1, to: sample.file.count, by: 37)) + [2048, 3072, needed - 1, needed]
        for count in lengths {
            let contents = try Self.read(Bytes(sample.file[..<count]), checksums: sample.checksums)
            #expect(contents == (count >= needed ? sample.contents : nil), "\(count) bytes")
        }
        #expect(try Self.read([], checksums: sample.checksums) == [:], "an empty file is a new one")
    }

    @Test func bothMetaPagesDamagedIsAnError() throws {
        var (file, checksums, _, _) = try Self.sample()
        file[20] ^= 1
        file[1024 + 20] ^= 1
        #expect(try Self.read(file, checksums: checksums) == nil)
    }

    /// Bytes changed at random, with the checksums of the meta pages made right again, so that the damage gets deep.
    @Test func arbitraryBytesNeverHarmTheProcess() throws {
        let sample = try Self.sample()
        var random = SeededEntropy(seed: 23)
        for round in 0..<2500 {
            var damaged = sample.file
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let place = Int.random(in: round % 4 == 0 ? 0..<2048 : 0..<damaged.count, using: &random)
                let values: [UInt8] = [0, 1, 2, 3, 0x7f, 0xff, UInt8.random(in: 0...255, using: &random)]
                damaged[place] = values[Int.random(in: 0..<values.count, using: &random)]
            }
            for start in [16, 1040] {
                let hash = BoltMeta(
                    pageSizeByteCount: Int(damaged.number32(at: start + 8)),
                    rootPage: PageID(damaged.number64(at: start + 16)),
                    rootSequence: damaged.number64(at: start + 24),
                    freeListPage: PageID(damaged.number64(at: start + 32)),
                    highWaterMark: damaged.number64(at: start + 40), transaction: damaged.number64(at: start + 48)
                ).checksum
                for byte in 0..<8 { damaged[start + 56 + byte] = UInt8(truncatingIfNeeded: hash >> UInt64(8 * byte)) }
            }
            _ = try Self.read(damaged, checksums: nil, keepsChecksums: round % 2 == 0)
        }
        for _ in 0..<300 {
            let count = Int.random(in: 1..<9000, using: &random)
            let noise = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            #expect(try Self.read(noise, checksums: noise) == nil)
        }
    }

    @Test func aPageThatLeadsToItselfIsFound() throws {
        // A root whose only bucket has its root in the same page.
        let disk = makeDisk()
        var bytes = BoltFile.newFile(pageSizeByteCount: 1024)
        var page = Bytes(pageHeader: PageID(3), flags: .leaf, count: 1, overflow: 0)
        page.append(number32: 1)
        page.append(number32: 16)
        page.append(number32: 1)
        page.append(number32: 16)
        page.append(65)
        page.append(number64: 3)
        page.append(number64: 0)
        bytes.replaceSubrange(3072..<3072 + page.count, with: page)
        disk.place(bytes, at: path)
        #expect(throws: BoltError.corrupt("page 3 is in use twice")) {
            try BoltFile.open(disk: disk, path: path, settings: smallSettings)
        }
    }

    @Test func aPageRewrittenBehindOurBackIsFoundAtItsFirstRead() throws {
        let disk = makeDisk()
        let file = try BoltFile.open(disk: disk, path: path, settings: smallSettings)
        let bucket = Bytes(text: "key")
        let changes = (0..<200 as Range<UInt8>).map { BoltChange(key: [$0], value: Bytes(repeating: $0, count: 50)) }
        try file.commit([BoltBucketChanges(bucket: bucket, changes: changes)])
        let view = file.pin()
        let image = try #require(disk.contents(of: path))
        // In the value of key 100, which lies nowhere else.
        let value = try #require((0..<image.count - 50).first { image[$0..<$0 + 50].allSatisfy { $0 == 100 } })
        disk.flipBit(0, at: value, of: path)
        #expect(throws: BoltError.corrupt("page \(value / 1024) does not have the checksum it was written with")) {
            try view.get(bucket: bucket, key: [100])
        }
        file.close()
    }
}
