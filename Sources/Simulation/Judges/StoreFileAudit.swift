internal import Primitives

/// A store's file, read by the simulation itself: a second reader of bbolt's format (bbolt v1.4 `internal/common`), so that
/// what the tested code says of its own file is not all that is known of it.
///
/// ```
/// page     id u64, flags u16, count u16, overflow u32, then elements of 16 bytes, then keys and values
/// leaf     flags u32 (1: a bucket), position u32 from the element on, key length u32, value length u32
/// branch   position u32, key length u32, page u64
/// bucket   root page u64 (0: the page follows inline), sequence u64
/// ```
struct StoreFileAudit {
    /// A state of the file, as one of its two meta pages has it.
    struct Meta {
        var pageByteCount: Int
        var rootPage: UInt64
        var highWaterMark: UInt64
        var transaction: UInt64
        /// FNV-1a of the rest.
        var checksum: UInt64
        /// The meta page it is in: 0 or 1.
        var place: Int
    }

    /// A node's page that the newest state leads to.
    struct ReachedPage {
        var id: UInt64
        /// Itself and those that continue it.
        var count: Int
        var isLeaf: Bool
    }

    /// As far as there are pages in use.
    let bytes: Bytes
    /// The valid ones, newest first.
    let metas: [Meta]
    private(set) var pages: [ReachedPage] = []
    /// Where in the file the values of etcd's keys lie, in the order of revisions. None is empty.
    private(set) var values: [(revision: Int64, range: Range<Int>)] = []
    /// `consistent_index` and `term` of the bucket `meta`; 0 if there are none.
    private(set) var appliedIndex: UInt64 = 0
    private(set) var appliedTerm: UInt64 = 0
    private var reached: Set<UInt64> = []

    var pageByteCount: Int { metas[0].pageByteCount }

    /// Reads all that the newest state leads to. Throws what is wrong with it.
    ///
    /// - Parameters:
    ///   - written: what the file holds, but for zeros at its end.
    ///   - byteCount: its length; nil if that is all of it.
    init(_ written: Bytes, byteCount: Int? = nil) throws(SimulationFailure) {
        metas = Self.metas(in: written)
        let byteCount = byteCount ?? written.count
        var bytes = written
        if let newest = metas.first, newest.highWaterMark <= UInt64(byteCount / newest.pageByteCount) {
            let needed = Int(newest.highWaterMark) * newest.pageByteCount
            if needed > bytes.count { bytes += repeatElement(0, count: needed - bytes.count) }
        }
        self.bytes = bytes
        guard let newest = metas.first else { throw SimulationFailure("no meta page of the store's file is valid") }
        guard newest.highWaterMark <= UInt64(byteCount / newest.pageByteCount) else {
            throw SimulationFailure("the store's file has \(byteCount) bytes for \(newest.highWaterMark) pages")
        }
        try walk(newest.rootPage, bucket: [], depth: 0)
        reached = []
    }

    // MARK: Meta pages

    private static func metas(in bytes: Bytes) -> [Meta] {
        let first = meta(in: bytes, at: 0, place: 0)
        let sizes = first.map { [$0.pageByteCount] } ?? (0..<15).map { 1024 << $0 }
        let second = sizes.compactMap { size in
            meta(in: bytes, at: size, place: 1).flatMap { $0.pageByteCount == size ? $0 : nil }
        }
        return ([first].compactMap(\.self) + second.prefix(1)).sorted { $0.transaction > $1.transaction }
    }

    private static func meta(in bytes: Bytes, at offset: Int, place: Int) -> Meta? {
        let start = offset + 16
        guard start + 64 <= bytes.count, bytes.littleEndian(at: start, 4) == 0xED0C_DAED,
            bytes.littleEndian(at: start + 4, 4) == 2
        else { return nil }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes[start..<start + 56] { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        guard hash == bytes.littleEndian(at: start + 56, 8) else { return nil }
        let size = Int(bytes.littleEndian(at: start + 8, 4))
        guard size >= 1024, size <= 16 << 20 else { return nil }
        return Meta(
            pageByteCount: size, rootPage: bytes.littleEndian(at: start + 16, 8),
            highWaterMark: bytes.littleEndian(at: start + 40, 8), transaction: bytes.littleEndian(at: start + 48, 8),
            checksum: hash, place: place)
    }

    // MARK: Nodes

    private mutating func walk(_ id: UInt64, bucket: Bytes, depth: Int) throws(SimulationFailure) {
        guard depth < 64, id >= 2, id < metas[0].highWaterMark else {
            throw SimulationFailure("page \(id) of the store's file is out of bounds")
        }
        let start = Int(id) * pageByteCount
        let overflow = bytes.littleEndian(at: start + 12, 4)
        guard bytes.littleEndian(at: start, 8) == id, overflow < metas[0].highWaterMark - id else {
            throw SimulationFailure("page \(id) of the store's file says it is another, or longer than the file")
        }
        for page in id...id + overflow {
            guard reached.insert(page).inserted else { throw SimulationFailure("page \(page) is reached twice") }
        }
        let isLeaf = bytes.littleEndian(at: start + 8, 2) == 2
        guard isLeaf || bytes.littleEndian(at: start + 8, 2) == 1 else {
            throw SimulationFailure("page \(id) of the store's file is no node")
        }
        pages.append(ReachedPage(id: id, count: Int(overflow) + 1, isLeaf: isLeaf))
        let end = start + (Int(overflow) + 1) * pageByteCount
        try walkElements(start..<end, isLeaf: isLeaf, bucket: bucket, depth: depth)
    }

    private mutating func walkElements(
        _ page: Range<Int>, isLeaf: Bool, bucket: Bytes, depth: Int
    ) throws(SimulationFailure) {
        let count = Int(bytes.littleEndian(at: page.lowerBound + 10, 2))
        guard page.lowerBound + 16 + 16 * count <= page.upperBound else {
            throw SimulationFailure("a page of the store's file has more elements than fit")
        }
        var last: ArraySlice<UInt8>?
        for index in 0..<count {
            let element = page.lowerBound + 16 + 16 * index
            let position = Int(bytes.littleEndian(at: element + (isLeaf ? 4 : 0), 4))
            let keyCount = Int(bytes.littleEndian(at: element + (isLeaf ? 8 : 4), 4))
            let valueCount = isLeaf ? Int(bytes.littleEndian(at: element + 12, 4)) : 0
            let keyStart = element + position
            guard keyStart + keyCount + valueCount <= page.upperBound else {
                throw SimulationFailure("an element of the store's file lies outside of its page")
            }
            let key = bytes[keyStart..<keyStart + keyCount]
            if let last, !last.lexicographicallyPrecedes(key) {
                throw SimulationFailure("keys of the store's file are not in order")
            }
            last = key
            guard isLeaf else {
                try walk(bytes.littleEndian(at: element + 8, 8), bucket: bucket, depth: depth + 1)
                continue
            }
            let value = keyStart + keyCount..<keyStart + keyCount + valueCount
            if bytes.littleEndian(at: element, 4) & 1 == 1 {
                try walkBucket(Bytes(key), value, depth: depth)
            } else {
                note(Bytes(key), value, in: bucket)
            }
        }
    }

    private mutating func walkBucket(
        _ name: Bytes, _ value: Range<Int>, depth: Int
    ) throws(SimulationFailure) {
        guard value.count >= 16 else { throw SimulationFailure("a bucket of the store's file has no head") }
        let root = bytes.littleEndian(at: value.lowerBound, 8)
        if root != 0 { return try walk(root, bucket: name, depth: depth + 1) }
        guard value.count >= 32 else { throw SimulationFailure("an inline bucket of the store's file has no page") }
        try walkElements(value.lowerBound + 16..<value.upperBound, isLeaf: true, bucket: name, depth: depth + 1)
    }

    private mutating func note(_ key: Bytes, _ value: Range<Int>, in bucket: Bytes) {
        switch bucket {
        case Bytes(text: "key") where !value.isEmpty && key.count >= 8:
            values.append((Int64(truncatingIfNeeded: key[..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }), value))
        case Bytes(text: "meta") where value.count == 8:
            let number = bytes[value].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            if key == Bytes(text: "consistent_index") { appliedIndex = number }
            if key == Bytes(text: "term") { appliedTerm = number }
        default: break
        }
    }
}

extension Bytes {
    /// A number of up to eight bytes, least significant first, which must be there.
    func littleEndian(at offset: Int, _ count: Int) -> UInt64 {
        self[offset..<offset + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
