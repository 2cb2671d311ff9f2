internal import Primitives

/// A file of a simulated disk: what its readers see, what would survive a loss of power, and the changes in between.
///
/// Invariant: unless a sync failed or a bit was flipped, `live` is `durable` with `unsynced` carried out in order.
final class FileNode {
    /// Which file of its disk this is, for traces.
    let number: Int
    let permissions: UInt16
    private(set) var live = SparseImage()
    private(set) var durable = SparseImage()
    private(set) var unsynced = UnsyncedChanges()
    /// Whether a name leads to it. Without one it lives only as long as it is open.
    var isLinked = true
    var openCount = 0
    /// The open file that holds each lock.
    var flockHolder: Int?
    var openFileDescriptionLockHolder: Int?
    private var mappings: [SimulatedMapping] = []

    init(number: Int, permissions: UInt16) {
        self.number = number
        self.permissions = permissions
    }

    /// A file all of whose content is durable.
    init(number: Int, permissions: UInt16, durable: SparseImage) {
        self.number = number
        self.permissions = permissions
        self.live = durable
        self.durable = durable
    }

    /// The same file after its process died: everything written is there, synced or not; locks and mappings are gone.
    init(afterProcessCrashOf other: FileNode) {
        number = other.number
        permissions = other.permissions
        live = other.live
        durable = other.durable
        unsynced = other.unsynced
        isLinked = other.isLinked
    }

    /// Bytes it takes of the disk: its length in whole pages, sparse or not.
    var occupiedByteCount: Int { FileNode.occupied(live.byteCount) }

    static func occupied(_ byteCount: Int) -> Int {
        (byteCount + SparseImage.pageByteCount - 1) / SparseImage.pageByteCount * SparseImage.pageByteCount
    }

    func write(_ bytes: RawSpan, at offset: Int) {
        if bytes.byteCount == 0 { return }
        let oldByteCount = live.byteCount
        live.write(bytes, at: offset)
        unsynced.append(bytes, at: offset)
        for mapping in mappings {
            if live.byteCount != oldByteCount { mapping.resize(toByteCount: live.byteCount) }
            mapping.show(bytes, at: offset)
        }
    }

    func setByteCount(_ byteCount: Int) {
        if byteCount == live.byteCount { return }
        live.setByteCount(byteCount)
        unsynced.append(byteCount: byteCount)
        for mapping in mappings { mapping.resize(toByteCount: byteCount) }
    }

    /// Makes everything durable.
    func sync() {
        if unsynced.isEmpty { return }
        for change in unsynced.changes {
            switch change {
            case .write(let offset, let range):
                durable.sharePages(of: live, offset: offset, count: range.count)
            case .byteCount(let byteCount):
                durable.setByteCount(byteCount)
            }
        }
        // Pages of the same length are cut off alike already.
        if durable.byteCount != live.byteCount { durable.setByteCount(live.byteCount) }
        unsynced.removeAll()
    }

    /// Lets what is unsynced become durable or be forgotten, as `chooser` says; readers see no difference.
    func failSync(_ chooser: inout CrashChooser) {
        durable = survivors(&chooser)
        unsynced.removeAll()
    }

    /// What is found after power was lost now.
    ///
    /// Each unsynced change leaves some of its sectors on disk. A sector that is written holds all the bytes the page cache
    /// had for it at that moment, those of earlier lost writes included: that is what a disk is sent. The length is kept
    /// apart from the contents, as file systems do: either may arrive without the other. But changes of the length arrive
    /// in order, through the journal: where a later one is found, what an earlier one cut off is gone.
    func survivors(_ chooser: inout CrashChooser) -> SparseImage {
        var found = CrashedFile(durable)
        var cached = durable
        let latest = unsynced.changes.count - 1
        for (place, change) in unsynced.changes.enumerated() {
            chooser.isLatest = place == latest
            let oldByteCount = cached.byteCount
            switch change {
            case .write(let offset, let range):
                unsynced.withBytes(range) { cached.write($0, at: offset) }
                let first = offset / SparseImage.sectorByteCount
                let last = (offset + range.count - 1) / SparseImage.sectorByteCount
                for (index, isKept) in chooser.keepSectors(count: last - first + 1).enumerated() where isKept {
                    found.copySector(first + index, of: cached)
                }
                if cached.byteCount > oldByteCount,
                    let kept = chooser.keepByteCount(cached.byteCount, from: oldByteCount)
                {
                    found.setByteCount(kept)
                }
            case .byteCount(let newByteCount):
                cached.setByteCount(newByteCount)
                if newByteCount < oldByteCount { found.prepareCut(at: newByteCount) }
                if chooser.keepLength() { found.setByteCount(newByteCount) }
            }
        }
        return found.result
    }

    /// Turns over a bit on disk and in the cache; `offset` is within the file.
    func flipBit(_ bit: Int, at offset: Int) {
        live.flipBit(bit, at: offset)
        if offset < durable.byteCount { durable.flipBit(bit, at: offset) }
        var byte: Bytes = [0]
        var span = byte.mutableSpan
        var destination = unsafe span.mutableBytes
        _ = live.read(into: &destination, at: offset)
        for mapping in mappings { unsafe mapping.show(byte.span.bytes, at: offset) }
    }

    /// Replaces bytes on disk and in the cache, which are the same.
    func replace(with bytes: Bytes, at offset: Int) {
        assertAlways(unsynced.isEmpty, "what is not synced may yet be another")
        unsafe live.write(bytes.span.bytes, at: offset)
        unsafe durable.write(bytes.span.bytes, at: offset)
        for mapping in mappings { unsafe mapping.show(bytes.span.bytes, at: offset) }
    }

    /// Shows the file in memory from now on.
    func attach(_ mapping: SimulatedMapping) {
        mapping.resize(toByteCount: live.byteCount)
        live.forEachPage { offset, page in unsafe mapping.show(page.span.bytes, at: offset) }
        mappings.append(mapping)
    }

    func detach(_ mapping: SimulatedMapping) {
        mappings.removeAll { $0 === mapping }
    }
}
