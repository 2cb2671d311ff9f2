internal import Primitives

/// Pages made by one transaction, and those it no longer needs.
struct PageWriter {
    let pageSizeByteCount: Int
    private(set) var allocator: PageAllocator
    /// Pages not needed by the new root.
    var freed: [PageRun] = []
    /// What to write where; neighbouring pages are gathered into one write.
    private(set) var writes: [PageWrite] = []
    /// The first page of each node, with the checksum of all its pages.
    private(set) var checksums: [(page: UInt64, checksum: UInt32)] = []

    /// Most bytes in one write, unless a single node is larger.
    private static let maxWriteByteCount = 1 << 20

    init(allocator: PageAllocator, pageSizeByteCount: Int) {
        self.allocator = allocator
        self.pageSizeByteCount = pageSizeByteCount
    }

    /// Makes the pages of a node. Answers the first.
    ///
    /// - Parameter changes: those that the items refer to.
    mutating func write(isLeaf: Bool, items: ArraySlice<NodeItem>, changes: [BoltChange]) -> UInt64 {
        let used = items.reduce(Page.headerByteCount) { $0 + $1.byteCount }
        let pageCount = (used + pageSizeByteCount - 1) / pageSizeByteCount
        let page = allocator.allocate(pageCount)
        let byteCount = pageCount * pageSizeByteCount
        let write = openWrite(at: page, byteCount: byteCount)
        let offset = writes[write].bytes.count
        writes[write].bytes.append(contentsOf: repeatElement(0, count: byteCount))
        let checksum = unsafe writes[write].bytes.withUnsafeMutableBytes { all in
            let image = unsafe UnsafeMutableRawBufferPointer(rebasing: all[offset...])
            unsafe encodeNode(
                into: image, page: page, overflow: pageCount - 1, isLeaf: isLeaf, items: items, changes: changes)
            return unsafe PageSource.checksum(image.baseAddress!, byteCount)
        }
        checksums.append((page, checksum))
        return page
    }

    /// The first of neighbouring free pages below `limit`, for `copy`; nil if there are none.
    mutating func allocate(_ count: Int, below limit: UInt64) -> UInt64? {
        allocator.allocate(count, below: limit)
    }

    func hasRoom(for count: Int, filePageCount: UInt64) -> Bool {
        allocator.hasRoom(for: count, below: filePageCount)
    }

    /// Lowers the high-water mark to the end of the last page that is not free.
    mutating func dropFreeEnd() { allocator.dropFreeEnd() }

    /// Makes a node's pages anew, as they are, under the number of the first of their new places.
    mutating func copy(_ page: Page, to target: UInt64) {
        let write = openWrite(at: target, byteCount: page.byteCount)
        let offset = writes[write].bytes.count
        unsafe writes[write].bytes.append(contentsOf: page.bytes(at: 0, count: page.byteCount))
        let checksum = unsafe writes[write].bytes.withUnsafeMutableBytes { all in
            let image = unsafe UnsafeMutableRawBufferPointer(rebasing: all[offset...])
            unsafe image.storeBytes(of: target.littleEndian, toByteOffset: 0, as: UInt64.self)
            return unsafe PageSource.checksum(image.baseAddress!, page.byteCount)
        }
        checksums.append((target, checksum))
    }

    /// Index of the write that pages from `page` on belong to.
    private mutating func openWrite(at page: UInt64, byteCount: Int) -> Int {
        if let last = writes.indices.last, writes[last].end(pageSizeByteCount) == page,
            writes[last].bytes.count + byteCount <= Self.maxWriteByteCount
        {
            return last
        }
        writes.append(PageWrite(firstPage: page))
        return writes.count - 1
    }
}

/// Neighbouring pages to be written together.
struct PageWrite: Sendable {
    let firstPage: UInt64
    var bytes = Bytes()

    func end(_ pageSizeByteCount: Int) -> UInt64 { firstPage + UInt64(bytes.count / pageSizeByteCount) }
}

/// Writes a leaf or branch: header, elements, keys and values in the order of the elements.
///
/// - Parameter image: zeros, large enough.
func encodeNode(
    into image: UnsafeMutableRawBufferPointer, page: UInt64, overflow: Int, isLeaf: Bool, items: ArraySlice<NodeItem>,
    changes: [BoltChange]
) {
    unsafe image.storeBytes(of: page.littleEndian, toByteOffset: 0, as: UInt64.self)
    let flags = isLeaf ? PageFlags.leaf : PageFlags.branch
    unsafe image.storeBytes(of: flags.rawValue.littleEndian, toByteOffset: 8, as: UInt16.self)
    unsafe image.storeBytes(of: UInt16(items.count).littleEndian, toByteOffset: 10, as: UInt16.self)
    unsafe image.storeBytes(of: UInt32(overflow).littleEndian, toByteOffset: 12, as: UInt32.self)
    var element = Page.headerByteCount
    var data = element + items.count * Page.elementByteCount

    func store(_ number: Int, at offset: Int) {
        unsafe image.storeBytes(of: UInt32(number).littleEndian, toByteOffset: element + offset, as: UInt32.self)
    }
    func copy(_ start: UnsafeRawPointer?, or bytes: @autoclosure () -> Bytes, count: Int) {
        if let start = unsafe start {
            unsafe image.baseAddress!.advanced(by: data).copyMemory(from: start, byteCount: count)
        } else if count > 0 {
            unsafe bytes().withUnsafeBytes {
                unsafe UnsafeMutableRawBufferPointer(rebasing: image[data...]).copyMemory(from: $0)
            }
        }
        data += count
    }

    for item in items {
        if isLeaf {
            store(item.isBucket ? Int(Page.bucketFlag) : 0, at: 0)
            store(data - element, at: 4)
            store(item.keyByteCount, at: 8)
            store(item.valueByteCount, at: 12)
        } else {
            store(data - element, at: 0)
            store(item.keyByteCount, at: 4)
            unsafe image.storeBytes(of: item.child.littleEndian, toByteOffset: element + 8, as: UInt64.self)
        }
        unsafe copy(item.keyStart, or: changes[item.change].key, count: item.keyByteCount)
        if isLeaf { unsafe copy(item.valueStart, or: changes[item.change].value ?? [], count: item.valueByteCount) }
        element += Page.elementByteCount
    }
}
