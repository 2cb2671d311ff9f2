internal import Primitives

/// What a file holds: its length, and those of its pages that were ever written.
///
/// Pages are shared between copies until one of them is written, so a copy costs a pointer for each page written. Invariant:
/// what pages hold beyond the length is zero.
struct SparseImage: Sendable {
    static let pageByteCount = 4096
    /// What a disk writes whole or not at all.
    static let sectorByteCount = 512

    private(set) var byteCount = 0
    /// By page number, as far as the last one written; an empty array is a page of zeros.
    private var pages: [Bytes] = []

    /// All of it.
    var bytes: Bytes { bytes(count: byteCount) }

    /// Up to and with the last page that was ever written; all behind is zero.
    var writtenBytes: Bytes {
        let pageCount = (pages.lastIndex { !$0.isEmpty } ?? -1) + 1
        return bytes(count: min(byteCount, pageCount * SparseImage.pageByteCount))
    }

    private func bytes(count: Int) -> Bytes {
        unsafe Bytes(unsafeUninitializedCapacity: count) { buffer, initializedCount in
            unsafe read(into: UnsafeMutableRawBufferPointer(buffer), count: count, at: 0)
            initializedCount = count
        }
    }

    /// Calls `body` with the offset and bytes of each page that is stored, in order.
    func forEachPage(_ body: (_ offset: Int, _ bytes: borrowing Bytes) -> Void) {
        for index in pages.indices where !pages[index].isEmpty {
            body(index * SparseImage.pageByteCount, pages[index])
        }
    }

    /// Fills `destination` from `offset` on; returns how much was there.
    func read(into destination: inout MutableRawSpan, at offset: Int) -> Int {
        let count = min(destination.byteCount, byteCount - offset)
        if count <= 0 { return 0 }
        unsafe destination.withUnsafeMutableBytes { unsafe read(into: $0, count: count, at: offset) }
        return count
    }

    private func read(into target: UnsafeMutableRawBufferPointer, count: Int, at offset: Int) {
        var done = 0
        while done < count {
            let (index, start) = (offset + done).quotientAndRemainder(dividingBy: SparseImage.pageByteCount)
            let length = min(count - done, SparseImage.pageByteCount - start)
            let part = unsafe UnsafeMutableRawBufferPointer(rebasing: target[done..<done + length])
            if index < pages.count, !pages[index].isEmpty {
                unsafe pages[index].withUnsafeBytes { page in
                    unsafe part.copyMemory(from: UnsafeRawBufferPointer(rebasing: page[start..<start + length]))
                }
            } else {
                unsafe part.initializeMemory(as: UInt8.self, repeating: 0)
            }
            done += length
        }
    }

    /// Puts bytes in place, lengthening the file as needed.
    mutating func write(_ bytes: RawSpan, at offset: Int) {
        unsafe bytes.withUnsafeBytes { unsafe write($0, at: offset) }
    }

    private mutating func write(_ source: UnsafeRawBufferPointer, at offset: Int) {
        var done = 0
        while done < source.count {
            let (index, start) = (offset + done).quotientAndRemainder(dividingBy: SparseImage.pageByteCount)
            let length = min(source.count - done, SparseImage.pageByteCount - start)
            let part = unsafe UnsafeRawBufferPointer(rebasing: source[done..<done + length])
            done += length
            if length == SparseImage.pageByteCount {
                setPage(index, unsafe Bytes(part))
                continue
            }
            makePage(index)
            unsafe pages[index].withUnsafeMutableBytes { page in
                unsafe UnsafeMutableRawBufferPointer(rebasing: page[start..<start + length]).copyMemory(from: part)
            }
        }
        byteCount = max(byteCount, offset + source.count)
    }

    /// A whole page, of which nothing that was there before need be copied.
    private mutating func setPage(_ index: Int, _ page: Bytes) {
        while pages.count < index { pages.append([]) }
        if index < pages.count { pages[index] = page } else { pages.append(page) }
    }

    private mutating func makePage(_ index: Int) {
        while pages.count <= index { pages.append([]) }
        if pages[index].isEmpty { pages[index] = Bytes(repeating: 0, count: SparseImage.pageByteCount) }
    }

    /// Sets the length; what was beyond it is gone, and what is new is zero.
    mutating func setByteCount(_ newByteCount: Int) {
        byteCount = newByteCount
        let (whole, rest) = newByteCount.quotientAndRemainder(dividingBy: SparseImage.pageByteCount)
        if pages.count <= whole { return }
        if rest == 0 || pages[whole].isEmpty {
            pages.removeLast(pages.count - whole)
        } else {
            pages.removeLast(pages.count - whole - 1)
            for position in rest..<SparseImage.pageByteCount where pages[whole][position] != 0 {
                pages[whole][position] = 0
            }
        }
    }

    /// Takes from `other` the pages that a run of bytes touches, without copying them. The length stays: the caller sets it.
    mutating func sharePages(of other: borrowing SparseImage, offset: Int, count: Int) {
        let first = offset / SparseImage.pageByteCount
        let last = (offset + count - 1) / SparseImage.pageByteCount
        for index in first...last {
            let page = index < other.pages.count ? other.pages[index] : []
            if index < pages.count {
                pages[index] = page
            } else if !page.isEmpty {
                while pages.count < index { pages.append([]) }
                pages.append(page)
            }
        }
    }

    /// Takes one sector from `other`. The length stays, so this may leave bytes beyond it: the caller sets it in the end.
    mutating func copySector(_ sector: Int, of other: borrowing SparseImage) {
        let offset = sector * SparseImage.sectorByteCount
        let (index, start) = offset.quotientAndRemainder(dividingBy: SparseImage.pageByteCount)
        let range = start..<start + SparseImage.sectorByteCount
        if index < other.pages.count, !other.pages[index].isEmpty {
            makePage(index)
            pages[index].replaceSubrange(range, with: other.pages[index][range])
        } else if index < pages.count, !pages[index].isEmpty {
            pages[index].replaceSubrange(range, with: repeatElement(0, count: SparseImage.sectorByteCount))
        }
    }

    /// Turns one bit over.
    mutating func flipBit(_ bit: Int, at offset: Int) {
        let (index, position) = offset.quotientAndRemainder(dividingBy: SparseImage.pageByteCount)
        makePage(index)
        pages[index][position] ^= 1 << UInt8(bit)
    }
}
