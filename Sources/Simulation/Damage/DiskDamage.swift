internal import Environment
internal import Node
internal import Primitives
internal import SimulatedPlatform

/// What becomes of a disk while its machine is off, and what must find it.
///
/// ```
/// what                                            found by                                expected
///   a bit in the log, records synced behind it      record's checksum                       no start
///   a lost write in the log, the same               records of later writes behind zeros    no start
///   a segment of the log that is gone               the gap, or it was not needed           no start, or all is right
///   a bit anywhere in a page of the store's file    the checksum kept of the page           no start
///   an older page of the same number                the same                                no start
///   a page written in the place of another          its number, the checksum                no start
///   a bit in both metas                             their checksums                         no start
///   a bit in the newest meta                        its checksum: the other one counts      no start, or all is right
///   the store's file is gone                        the log begins behind it                no start, or all is right
///   a bit in the checksums of pages, or all gone    their own checksum: they are made anew  a start like any other
///   a bit in a .snap file, or it is gone            nobody needs it                         a start like any other
/// ```
/// What nothing on the machine itself can find is not done here: the last write of the log gone without a trace, and a value
/// whose page lost its checksum too (`ClusterSimulation.spoilValue` does that, and the members' hashes find it).
package enum DiskDamage: String, CaseIterable, Sendable {
    case logBit, logWriteLost, segmentLost
    case pageBit, pageLost, pageMisdirected, bothMetas, newestMeta, storeLost
    case checksumBit, checksumsLost
    case snapshotBit, snapshotLost

    enum Expectation {
        /// The member must not start.
        case refusal
        /// The member must start, and nothing may be wrong with it.
        case start
        /// The member need not start, but if it does, nothing may be wrong with it.
        case either
    }

    /// What was done.
    struct Applied {
        var damage: DiskDamage?
        var expectation: Expectation
        var text: String
        /// Whether the store's file may have become an older one, which the log makes up for.
        var storeGoesBack = false
    }
}

/// A disk to be damaged. It is that of a machine that was switched off with all that it had written.
struct DamagedDisk {
    let disk: SimulatedDisk
    let settings: NodeSettings
    /// The store's file as it was some time ago; nil if that was not kept.
    let oldStore: Bytes?
    /// Whether a commit was under way when the machine was switched off.
    let wasCommitting: Bool
    var entropy: SeededEntropy

    /// Does some damage of those that can be done.
    ///
    /// - Parameter only: no other; nil for any.
    mutating func damage(only kind: DiskDamage?) -> DiskDamage.Applied? {
        if let kind { return damage(kind) }
        var kinds = DiskDamage.allCases
        while !kinds.isEmpty {
            if let applied = damage(kinds.remove(at: entropy.below(kinds.count))) { return applied }
        }
        return nil
    }

    /// Does damage of one kind; nil if there is nothing to do it to.
    mutating func damage(_ kind: DiskDamage) -> DiskDamage.Applied? {
        switch kind {
        case .logBit: return flipLogBit()
        case .logWriteLost: return loseLogWrite()
        case .segmentLost: return loseSegment()
        case .pageBit: return flipPageBit()
        case .pageLost: return losePage()
        case .pageMisdirected: return misdirectPage()
        case .bothMetas, .newestMeta: return flipMeta(kind)
        case .storeLost:
            guard disk.contents(of: settings.storePath) != nil else { return nil }
            disk.lose(settings.storePath)
            return applied(kind, .either, settings.storePath, storeGoesBack: true)
        case .checksumBit: return flipBit(of: checksumsPath, kind)
        case .checksumsLost: return lose(checksumsPath, kind)
        case .snapshotBit: return aSnapshot.flatMap { flipBit(of: $0, kind) }
        case .snapshotLost: return aSnapshot.flatMap { lose($0, kind) }
        }
    }

    private func applied(
        _ kind: DiskDamage, _ expectation: DiskDamage.Expectation, _ where: String, storeGoesBack: Bool = false
    ) -> DiskDamage.Applied {
        DiskDamage.Applied(
            damage: kind, expectation: expectation, text: "\(kind) \(`where`)", storeGoesBack: storeGoesBack)
    }

    // MARK: Whole files

    private var checksumsPath: String { settings.storePath + ".checksums" }

    private var aSnapshot: String? {
        mutating get {
            let names = disk.names(in: settings.snapDirectory).filter { $0.hasSuffix(".snap") }
            return names.isEmpty ? nil : "\(settings.snapDirectory)/\(names[entropy.below(names.count)])"
        }
    }

    private mutating func flipBit(of path: String, _ kind: DiskDamage) -> DiskDamage.Applied? {
        guard let bytes = disk.contents(of: path), !bytes.isEmpty else { return nil }
        let offset = entropy.below(bytes.count)
        disk.flipBit(entropy.below(8), at: offset, of: path)
        return applied(kind, .start, "at \(offset) of \(path)")
    }

    private func lose(_ path: String, _ kind: DiskDamage) -> DiskDamage.Applied? {
        guard disk.contents(of: path) != nil else { return nil }
        disk.lose(path)
        return applied(kind, .start, path)
    }

    // MARK: The log

    private mutating func flipLogBit() -> DiskDamage.Applied? {
        guard let log = try? LogAudit(disk, directory: settings.logDirectory),
            let number = aFrame(of: log, where: { !$0.data.isEmpty })
        else { return nil }
        let frame = log.frames[number]
        // Checksums are of the data alone; the rest is found by what it leads to, or means nothing.
        let isOfData = entropy.below(4) != 0
        let range = isOfData ? frame.data : frame.range
        let offset = range.lowerBound + entropy.below(range.count)
        disk.flipBit(entropy.below(8), at: offset, of: frame.path)
        return applied(
            .logBit, isOfData ? .refusal : .either, "at \(offset) of \(frame.path), a record of type \(frame.type)")
    }

    private mutating func loseLogWrite() -> DiskDamage.Applied? {
        guard let log = try? LogAudit(disk, directory: settings.logDirectory),
            let first = aFrame(of: log, where: { $0.type == 2 })
        else { return nil }
        let frame = log.frames[first]
        var end = first
        while end < log.frames.count, log.frames[end].path == frame.path, log.frames[end].type == 2 { end += 1 }
        if end < log.frames.count, log.frames[end].path == frame.path, log.frames[end].type == 3 { end += 1 }
        guard log.isSyncedBehind(end - 1) else { return nil }
        let range = frame.range.lowerBound..<log.frames[end - 1].range.upperBound
        disk.replace(with: Bytes(repeating: 0, count: range.count), at: range.lowerBound, of: frame.path)
        return applied(.logWriteLost, .refusal, "\(range) of \(frame.path)")
    }

    /// A record with others behind it that only a later sync can have left there.
    private mutating func aFrame(of log: LogAudit, where isWanted: (LogAudit.Frame) -> Bool) -> Int? {
        let numbers = log.frames.indices.filter { isWanted(log.frames[$0]) && log.isSyncedBehind($0) }
        return numbers.isEmpty ? nil : numbers[entropy.below(numbers.count)]
    }

    private mutating func loseSegment() -> DiskDamage.Applied? {
        let names = disk.names(in: settings.logDirectory).filter { $0.hasSuffix(".wal") }
        // Without the last one the log just ends earlier: nothing can tell that from a log that never went on.
        guard names.count > 1 else { return nil }
        let path = "\(settings.logDirectory)/\(names[entropy.below(names.count - 1)])"
        disk.lose(path)
        return applied(.segmentLost, .either, path)
    }

    // MARK: The store's file

    private var store: StoreFileAudit? {
        disk.contents(of: settings.storePath).flatMap { try? StoreFileAudit($0) }
    }

    /// The pages whose checksums are kept.
    private func coveredPages(_ store: StoreFileAudit) -> [StoreFileAudit.ReachedPage] {
        guard let sums = disk.contents(of: checksumsPath), let meta = store.metas.first else { return [] }
        let state = 512 * (1 + Int(meta.transaction % 2))
        guard state + 16 <= sums.count, sums.littleEndian(at: state, 8) == meta.transaction,
            sums.littleEndian(at: state + 8, 8) == meta.checksum
        else { return [] }
        return store.pages.filter { page in
            let entry = 512 * (3 + Int(page.id / 126)) + 4 * Int(page.id % 126)
            return entry + 4 <= sums.count && sums.littleEndian(at: entry, 4) != 0
        }
    }

    private mutating func flipPageBit() -> DiskDamage.Applied? {
        guard let store else { return nil }
        let pages = coveredPages(store)
        guard !pages.isEmpty else { return nil }
        let page = pages[entropy.below(pages.count)]
        let offset = Int(page.id) * store.pageByteCount + entropy.below(page.count * store.pageByteCount)
        disk.flipBit(entropy.below(8), at: offset, of: settings.storePath)
        return applied(.pageBit, .refusal, "at \(offset) of page \(page.id)")
    }

    /// Puts what a page was before in its place, as if the last write to it had been lost.
    private mutating func losePage() -> DiskDamage.Applied? {
        guard let store, let oldStore else { return nil }
        let size = store.pageByteCount
        let pages = coveredPages(store).filter { page in
            let range = Int(page.id) * size..<(Int(page.id) + 1) * size
            return range.upperBound <= oldStore.count && oldStore[range] != store.bytes[range]
                && oldStore.littleEndian(at: range.lowerBound, 8) == page.id
        }
        guard !pages.isEmpty else { return nil }
        let page = pages[entropy.below(pages.count)]
        let start = Int(page.id) * size
        disk.replace(with: Bytes(oldStore[start..<start + size]), at: start, of: settings.storePath)
        return applied(.pageLost, .refusal, "page \(page.id)")
    }

    private mutating func misdirectPage() -> DiskDamage.Applied? {
        guard let store else { return nil }
        let pages = coveredPages(store)
        guard pages.count > 1 else { return nil }
        let from = entropy.below(pages.count)
        let to = (from + 1 + entropy.below(pages.count - 1)) % pages.count
        let size = store.pageByteCount
        let start = Int(pages[from].id) * size
        disk.replace(
            with: Bytes(store.bytes[start..<start + size]), at: Int(pages[to].id) * size, of: settings.storePath)
        return applied(.pageMisdirected, .refusal, "page \(pages[from].id) in the place of \(pages[to].id)")
    }

    private mutating func flipMeta(_ kind: DiskDamage) -> DiskDamage.Applied? {
        guard let store, store.metas.count == 2 else { return nil }
        // A commit under way has begun to use the pages of the state before the newest.
        if kind == .newestMeta, wasCommitting { return nil }
        for meta in kind == .bothMetas ? store.metas[...] : store.metas[..<1] {
            let offset = meta.place * store.pageByteCount + 16 + entropy.below(64)
            disk.flipBit(entropy.below(8), at: offset, of: settings.storePath)
        }
        return applied(
            kind, kind == .bothMetas ? .refusal : .either, "transaction \(store.metas[0].transaction)",
            storeGoesBack: kind == .newestMeta)
    }
}

extension LogAudit {
    /// Whether behind a record there are others that can only have been written after a sync of it: entries that follow upon a
    /// state twice, or anything that follows upon the record of a snapshot. Between a lost write and these the log's reader
    /// can tell damage from an interrupted write (`SegmentReader`).
    func isSyncedBehind(_ number: Int) -> Bool {
        let path = frames[number].path
        var (batchCount, last) = (0, UInt64(0))
        for frame in frames[(number + 1)...] {
            if frame.path != path { return true }
            if frame.range.upperBound - frames[number].range.upperBound > 1 << 19 { return false }
            if last == 3, frame.type == 2 { batchCount += 1 }
            if batchCount == 2 || last == 5 { return true }
            last = frame.type
        }
        return false
    }
}
