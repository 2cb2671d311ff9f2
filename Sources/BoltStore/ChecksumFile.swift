internal import Checksums
internal import Environment
internal import Primitives

/// The file of page checksums beside a file in bbolt's format: what that format cannot see, a flipped bit in a value or a
/// lost write that left an older page of the same number, is found with it. It is outside of bbolt's format, other programs
/// ignore it, and it is made anew when it is absent or does not belong to what the other file holds.
///
/// ```
/// blocks of 512 bytes, numbers little-endian
///
/// block 0      text that says what this is
/// block 1, 2   the states the checksums belong to: that of transaction t is in block 1 + t % 2
///                0  transaction u64     8  checksum of its meta page u64     16  page size u32    20  zeros
/// block 3...   checksums of pages 126 * (block - 3) and following, u32 each: CRC-32C of the page and those that continue
///              it; 0: none. Only those of a node's first page mean something.
/// every block but the first ends with
///              504  its number u32       508  CRC-32C of bytes 0..<508 u32
/// ```
/// A commit writes the blocks of its pages and its state, and syncs them, before it writes the meta page. Pages are never
/// rewritten while the state before needs them, so until the meta is there the blocks serve the old state as well as the
/// new one: whichever a crash leaves in force, its own state block still says that its checksums are here. A block torn by
/// the crash fails its own checksum, and those pages are taken as they are.
///
/// A state is known by the checksum of its meta page. Two histories of one file could agree in all that a meta says, so the
/// root bucket's sequence, which bbolt keeps for its users and etcd leaves alone, is a digest of all pages ever written:
/// see `digest(_:adding:)`. When a real etcd has written the file since, no state block fits its meta.
final class ChecksumFile: Sendable {
    let file: any DiskFile

    static let blockByteCount = 512
    private static let checksumsInBlock = 126
    private static let firstBlock = 3
    private static let text: Bytes = {
        let lines =
            "Martlet: CRC-32C checksums of the pages of the bbolt file beside this one.\n"
            + "Format 1. It may be deleted while the server is stopped; it is made anew at the next start.\n"
        return Bytes(text: lines) + Bytes(repeating: UInt8(ascii: "\n"), count: blockByteCount - lines.utf8.count)
    }()

    private init(file: any DiskFile) {
        self.file = file
    }

    /// Where the checksums of a file are kept.
    static func path(for path: String) -> String { path + ".checksums" }

    // MARK: Reading

    /// Reads the checksums for a state of the file into `table`. Answers nil if they are not all there.
    static func open(
        disk: any Disk, path: String, meta: BoltMeta, table: PageTable
    ) throws(BoltError) -> ChecksumFile? {
        let path = Self.path(for: path)
        guard try onDisk({ () throws(DiskError) in try disk.exists(path) }) else { return nil }
        let file = try onDisk { () throws(DiskError) in try disk.open(path, .readWrite) }
        let head = try onDisk { () throws(DiskError) in try file.read(at: 0, count: firstBlock * blockByteCount) }
        let stateBlock = 1 + Int(meta.transaction % 2)
        guard head.count == firstBlock * blockByteCount, head[..<blockByteCount] == text[...],
            block(stateBlock, in: head, at: stateBlock) == stateBlockBytes(meta)
        else {
            file.close()
            return nil
        }
        let blockCount = Int(meta.highWaterMark / UInt64(checksumsInBlock)) + 1
        guard try readBlocks(blockCount, of: file, into: table) else {
            file.close()
            return nil
        }
        return ChecksumFile(file: file)
    }

    /// Answers whether all blocks were good.
    private static func readBlocks(
        _ blockCount: Int, of file: any DiskFile, into table: PageTable
    ) throws(BoltError) -> Bool {
        let blocksInRead = 2048
        var areGood = true
        var index = 0
        while index < blockCount {
            let count = min(blocksInRead, blockCount - index)
            let offset = (firstBlock + index) * blockByteCount
            let bytes = try onDisk { () throws(DiskError) in try file.read(at: offset, count: count * blockByteCount) }
            for position in 0..<count {
                guard let block = block(firstBlock + index + position, in: bytes, at: position) else {
                    areGood = false
                    continue
                }
                let first = UInt64(index + position) * UInt64(checksumsInBlock)
                for entry in 0..<checksumsInBlock {
                    let checksum = block.number32(at: 4 * entry)
                    if checksum != 0 { table.setChecksum(checksum, of: first + UInt64(entry)) }
                }
            }
            index += count
        }
        return areGood
    }

    /// A block, nil if it is cut off or damaged.
    private static func block(_ number: Int, in bytes: Bytes, at position: Int) -> Bytes? {
        let start = position * blockByteCount
        guard start + blockByteCount <= bytes.count else { return nil }
        let block = Bytes(bytes[start..<start + blockByteCount])
        guard block.number32(at: 504) == UInt32(number),
            block.number32(at: 508) == CRC32C.checksum(Bytes(block[..<508]))
        else { return nil }
        return block
    }

    // MARK: Writing

    /// Makes the file anew from the checksums in `table`, as those of one state.
    static func make(disk: any Disk, path: String, meta: BoltMeta, table: PageTable) throws(BoltError) -> ChecksumFile {
        let target = Self.path(for: path)
        // A real etcd removes what is left of this name (v3.6 `server/etcdserver/bootstrap.go`, `db.tmp`).
        let temporary = path + ".tmp.checksums"
        let blockCount = Int(meta.highWaterMark / UInt64(checksumsInBlock)) + 1
        let blocksInWrite = 2048
        return try onDisk { () throws(DiskError) in
            let file = try disk.open(temporary, .create)
            try file.truncate(byteCount: 0)
            var head = text
            for block in 1..<firstBlock {
                head += block == 1 + Int(meta.transaction % 2) ? stateBlockBytes(meta) : sealed([], number: block)
            }
            try file.write(head, at: 0)
            var index = 0
            while index < blockCount {
                let end = min(index + blocksInWrite, blockCount)
                try file.write(checksumBlocks(index..<end, table), at: (firstBlock + index) * blockByteCount)
                index = end
            }
            try file.sync()
            try disk.rename(temporary, to: target)
            try disk.syncDirectory(parentDirectory(of: target))
            return ChecksumFile(file: file)
        }
    }

    /// The writes that record the checksums of `pages`, which `table` has, and the state they belong to.
    static func writes(of pages: [UInt64], meta: BoltMeta, table: PageTable) -> [(bytes: Bytes, offset: Int)] {
        var writes: [(bytes: Bytes, offset: Int)] = []
        var blocks = pages.map { Int($0 / UInt64(checksumsInBlock)) }
        blocks.sort()
        var index = 0
        while index < blocks.count {
            let start = blocks[index]
            var end = start + 1
            while index < blocks.count, blocks[index] <= end {
                end = blocks[index] + 1
                index += 1
            }
            writes.append((checksumBlocks(start..<end, table), (firstBlock + start) * blockByteCount))
        }
        let stateBlock = 1 + Int(meta.transaction % 2)
        writes.append((stateBlockBytes(meta), stateBlock * blockByteCount))
        return writes
    }

    /// The root bucket's sequence after a transaction that wrote `pages`.
    static func digest(_ sequence: UInt64, adding pages: [(page: UInt64, checksum: UInt32)]) -> UInt64 {
        var digest = sequence
        for (page, checksum) in pages {
            // One step of SplitMix64 for each, so that no two orders or sets of pages are likely to agree.
            digest ^= page << 32 ^ UInt64(checksum)
            digest &+= 0x9e37_79b9_7f4a_7c15
            digest = (digest ^ (digest >> 30)) &* 0xbf58_476d_1ce4_e5b9
            digest = (digest ^ (digest >> 27)) &* 0x94d0_49bb_1331_11eb
            digest ^= digest >> 31
        }
        return digest
    }

    private static func checksumBlocks(_ blocks: Range<Int>, _ table: PageTable) -> Bytes {
        var bytes = Bytes()
        bytes.reserveCapacity(blocks.count * blockByteCount)
        for block in blocks {
            var checksums = Bytes()
            checksums.reserveCapacity(blockByteCount)
            let first = UInt64(block) * UInt64(checksumsInBlock)
            for entry in 0..<UInt64(checksumsInBlock) {
                checksums.append(number32: table.checksum(of: first + entry) ?? 0)
            }
            bytes += sealed(checksums, number: firstBlock + block)
        }
        return bytes
    }

    private static func stateBlockBytes(_ meta: BoltMeta) -> Bytes {
        var bytes = Bytes()
        bytes.append(number64: meta.transaction)
        bytes.append(number64: meta.checksum)
        bytes.append(number32: UInt32(meta.pageSizeByteCount))
        return sealed(bytes, number: 1 + Int(meta.transaction % 2))
    }

    /// A block with its number and checksum.
    private static func sealed(_ contents: Bytes, number: Int) -> Bytes {
        var block = contents + Bytes(repeating: 0, count: 504 - contents.count)
        block.append(number32: UInt32(number))
        block.append(number32: CRC32C.checksum(block))
        return block
    }
}

/// The directory that holds a file.
func parentDirectory(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}
