internal import Synchronization

/// What is known of each page in memory: its checksum, whether it has been verified since it was last written, and which
/// transaction since the opening of the file wrote it.
///
/// Eight bytes for a page, in chunks made as the file grows, so that readers on other threads need no lock: a chunk never
/// moves. Only the one committer, and the opening of the file, record checksums; any reader may mark a page as verified.
@safe
final class PageTable: @unchecked Sendable {
    // Unchecked because of the pointers. They lead to atomics, and are freed only when the last user lets go of the table.
    private typealias Slot = Atomic<UInt64>
    private typealias Chunk = UnsafeMutablePointer<Slot>
    private let chunks: UnsafeMutablePointer<Atomic<Chunk?>>
    private let chunkCount: Int
    /// Number of slots in a chunk, as a power of two.
    private let chunkShift: Int

    private static let hasChecksum: UInt64 = 1 << 32
    private static let isVerified: UInt64 = 1 << 33
    private static let birthShift: UInt64 = 34
    private static let maxBirth: UInt64 = (1 << 30) - 1

    /// - Parameter pageCount: how many pages the file can ever have.
    init(pageCount: Int) {
        // About as many chunks as slots in a chunk: neither is large while the file is small.
        chunkShift = max(6, (Int.bitWidth - pageCount.leadingZeroBitCount) / 2)
        chunkCount = (pageCount >> chunkShift) + 1
        unsafe chunks = .allocate(capacity: chunkCount)
        for index in 0..<chunkCount { unsafe (chunks + index).initialize(to: Atomic(nil)) }
    }

    @inline(__always)
    private var slotsInChunk: Int { 1 &<< chunkShift }

    deinit {
        for index in 0..<chunkCount {
            if let chunk = unsafe chunks[index].load(ordering: .relaxed) {
                unsafe chunk.deinitialize(count: slotsInChunk)
                unsafe chunk.deallocate()
            }
        }
        unsafe chunks.deinitialize(count: chunkCount)
        unsafe chunks.deallocate()
    }

    /// Makes room for pages below `highWaterMark`. Only by whoever records checksums.
    func grow(to highWaterMark: UInt64) {
        guard highWaterMark > 0 else { return }
        let last = min(chunkCount - 1, Int((highWaterMark - 1) >> UInt64(chunkShift)))
        var index = last
        while index >= 0, unsafe chunks[index].load(ordering: .relaxed) == nil {
            let chunk = Chunk.allocate(capacity: slotsInChunk)
            for slot in 0..<slotsInChunk { unsafe (chunk + slot).initialize(to: Atomic(0)) }
            unsafe chunks[index].store(chunk, ordering: .releasing)
            index -= 1
        }
    }

    @inline(__always)
    private func withSlot<Result>(_ page: UInt64, _ body: (borrowing Slot) -> Result) -> Result? {
        let index = Int(truncatingIfNeeded: page &>> UInt64(chunkShift))
        guard index < chunkCount, let chunk = unsafe chunks[index].load(ordering: .acquiring) else { return nil }
        return unsafe body(chunk[Int(truncatingIfNeeded: page) & (slotsInChunk &- 1)])
    }

    /// Whether the page has been verified as it is.
    @inline(__always)
    func isVerified(_ page: UInt64) -> Bool {
        withSlot(page) { $0.load(ordering: .relaxed) & Self.isVerified != 0 } ?? false
    }

    func markVerified(_ page: UInt64) {
        _ = withSlot(page) { $0.bitwiseOr(Self.isVerified, ordering: .relaxed) }
    }

    func markUnverified(_ page: UInt64) {
        _ = withSlot(page) { $0.bitwiseAnd(~Self.isVerified, ordering: .relaxed) }
    }

    /// Records a page that is about to be written; it counts as not verified.
    ///
    /// - Parameters:
    ///   - checksum: nil if none is kept.
    ///   - birth: the writing transaction, counted from the opening of the file, which is 0.
    func record(_ page: UInt64, checksum: UInt32?, birth: UInt64) {
        // Far from the opening it is said to have been there from the start, which only keeps it longer.
        let birth = birth <= Self.maxBirth ? birth : 0
        let known = checksum.map { Self.hasChecksum | UInt64($0) } ?? 0
        _ = withSlot(page) { $0.store(birth << Self.birthShift | known, ordering: .relaxed) }
    }

    /// Records pages that continue another: what an earlier life left there says nothing of them.
    func recordContinuation(_ pages: Range<UInt64>) {
        for page in pages { record(page, checksum: nil, birth: 0) }
    }

    /// Records the checksum of a page that has been in the file since it was opened.
    func setChecksum(_ checksum: UInt32, of page: UInt64) {
        record(page, checksum: checksum, birth: 0)
    }

    /// The transaction that wrote the page, counted from the opening of the file; 0 if it was there already.
    func birth(of page: UInt64) -> UInt64 {
        (withSlot(page) { $0.load(ordering: .relaxed) } ?? 0) >> Self.birthShift
    }

    /// The checksum of the node that begins with `page`; nil if it is not known, or if the page continues another.
    func checksum(of page: UInt64) -> UInt32? {
        let slot = withSlot(page) { $0.load(ordering: .relaxed) } ?? 0
        return slot & Self.hasChecksum != 0 ? UInt32(truncatingIfNeeded: slot) : nil
    }
}
