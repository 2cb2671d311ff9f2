internal import Primitives

/// What a page is, in its header (bbolt `internal/common/page.go`).
struct PageFlags: RawRepresentable, Equatable {
    var rawValue: UInt16

    static let branch = PageFlags(rawValue: 0x01)
    static let leaf = PageFlags(rawValue: 0x02)
    static let meta = PageFlags(rawValue: 0x04)
    static let freeList = PageFlags(rawValue: 0x10)
}

/// A branch or leaf as it lies in the mapped file, or the leaf within the value of an inline bucket.
///
/// ```
///  0  page id u64      8  flags u16     10  count u16      12  overflow u32: pages that continue this one
/// 16  elements, 16 bytes each, then their keys and values in the same order
///     leaf:    flags u32 (1 = bucket)   pos u32   key size u32   value size u32
///     branch:  pos u32   key size u32   child's page id u64
/// ```
/// `pos` is the distance from the start of the element to its key; a value follows its key.
///
/// What elements say is trusted here: `verify` has been through the page before anything else looks into it.
@safe
struct Page {
    // The only type that reads the file through pointers. Valid as long as the page is pinned.
    let base: UnsafeRawPointer
    /// Bytes of all its pages, or of the inline leaf.
    let byteCount: Int

    static let headerByteCount = 16
    static let elementByteCount = 16
    static let bucketFlag: UInt32 = 1
    /// Bytes of a bucket's header in its value: the page of its root, 0 if it is inline, and its sequence.
    static let bucketHeaderByteCount = 16

    @inline(__always)
    init(base: UnsafeRawPointer, byteCount: Int) {
        unsafe self.base = base
        self.byteCount = byteCount
    }

    @inline(__always)
    func number16(at offset: Int) -> UInt16 {
        unsafe UInt16(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    @inline(__always)
    func number32(at offset: Int) -> UInt32 {
        unsafe UInt32(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    @inline(__always)
    func number64(at offset: Int) -> UInt64 {
        unsafe UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    var id: UInt64 { number64(at: 0) }
    @inline(__always)
    var flags: PageFlags { PageFlags(rawValue: number16(at: 8)) }
    @inline(__always)
    var count: Int { Int(number16(at: 10)) }
    @inline(__always)
    var overflow: Int { Int(number32(at: 12)) }
    @inline(__always)
    var isLeaf: Bool { flags == .leaf }

    /// Bytes from the start of the page.
    @inline(__always)
    func bytes(at offset: Int, count: Int) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: base + offset, count: count)
    }

    @inline(__always)
    private func elementOffset(_ index: Int) -> Int { Self.headerByteCount + index * Self.elementByteCount }

    // MARK: Leaf elements

    @inline(__always)
    func isBucket(_ index: Int) -> Bool { number32(at: elementOffset(index)) & Self.bucketFlag != 0 }

    @inline(__always)
    func leafKey(_ index: Int) -> UnsafeRawBufferPointer {
        let element = elementOffset(index)
        return unsafe bytes(at: element + Int(number32(at: element + 4)), count: Int(number32(at: element + 8)))
    }

    @inline(__always)
    func value(_ index: Int) -> UnsafeRawBufferPointer {
        let element = elementOffset(index)
        let offset = element + Int(number32(at: element + 4)) + Int(number32(at: element + 8))
        return unsafe bytes(at: offset, count: Int(number32(at: element + 12)))
    }

    // MARK: Branch elements

    @inline(__always)
    func branchKey(_ index: Int) -> UnsafeRawBufferPointer {
        let element = elementOffset(index)
        return unsafe bytes(at: element + Int(number32(at: element)), count: Int(number32(at: element + 4)))
    }

    @inline(__always)
    func child(_ index: Int) -> UInt64 { number64(at: elementOffset(index) + 8) }

    @inline(__always)
    func key(_ index: Int) -> UnsafeRawBufferPointer {
        unsafe isLeaf ? leafKey(index) : branchKey(index)
    }

    // MARK: Search

    /// Index of the first element of a leaf whose key does not sort before `key`; `count` if all do.
    @inline(__always)
    func leafIndex(atOrAfter key: UnsafeRawBufferPointer, from start: Int = 0) -> Int {
        var low = start
        var high = count
        while low < high {
            let middle = (low &+ high) / 2
            if unsafe compareBytes(leafKey(middle), key) < 0 { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Index of the child of a branch in which `key` belongs: the last whose key does not sort after it, else the first.
    @inline(__always)
    func branchIndex(of key: UnsafeRawBufferPointer, from start: Int = 0) -> Int {
        var low = start + 1
        var high = count
        while low < high {
            let middle = (low &+ high) / 2
            if unsafe compareBytes(branchKey(middle), key) <= 0 { low = middle + 1 } else { high = middle }
        }
        return low - 1
    }

    /// Bytes in use: the header, the elements and what they point at.
    var usedByteCount: Int {
        var used = Self.headerByteCount + count * Self.elementByteCount
        for index in 0..<count {
            used += unsafe isLeaf ? leafKey(index).count + value(index).count : branchKey(index).count
        }
        return used
    }
}
