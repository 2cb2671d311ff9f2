internal import Environment
internal import Primitives

/// What one transaction does to the file: made from immutable inputs, without touching the disk.
struct CommitPlan: Sendable {
    /// One operation on the disk.
    enum Effect: Sendable {
        /// Make the file at least this long, in bytes.
        case grow(Int)
        case writePages(Bytes, offset: Int)
        case writeChecksums(Bytes, offset: Int)
        case syncPages
        case syncChecksums
        case writeMeta(Bytes, offset: Int)
        case syncMeta
        /// Cut the file off at this length, in bytes. Nothing that anybody can reach lies behind it.
        case truncate(Int)
    }

    /// In the order in which they must be done: nothing refers to a page that is not durable.
    let effects: [Effect]
    let outcome: BoltCommitter.Outcome
}

/// What a transaction starts from.
struct CommitInput: Sendable {
    /// The newest state of the file; pinned.
    let base: BoltView
    let source: any BoltChangeSource
    /// Pages it may use.
    let free: PageRuns
    /// More of them, in any order.
    let released: [PageRun]
    /// The transaction that the file was opened at.
    let openedTransaction: UInt64
    /// The pages of the list of free pages in the file, if it has one: it is not kept.
    let storedFreeList: PageRun?
    /// Length of the file.
    let fileByteCount: Int
    let settings: BoltSettings
    /// What a defragmentation has the transaction do; nil if none is under way.
    let slice: RelocationSlice?
    /// The greatest high-water mark that the other meta page, or a reader, may have.
    let reachablePageCount: UInt64
}

/// Pages that a transaction stopped using.
struct FreedRun: Sendable {
    let run: PageRun
    /// The transaction that wrote them, or the one that the file was opened at if that is later.
    let birth: UInt64

    init(_ run: PageRun, birth: UInt64) {
        self.run = run
        self.birth = birth
    }
}

extension CommitPlan {
    /// Plans a transaction. Reads the pages that hold what changes.
    init(_ input: CommitInput) throws(BoltError) {
        let pages = input.base.pages
        let old = input.base.root
        var free = input.free
        free.insert(input.released)
        var relocation = Self.relocation(input, free)
        let (withheld, usable) = free.split(by: relocation.result.window ?? 0..<0)
        var writer = PageWriter(
            allocator: PageAllocator(free: usable, highWaterMark: old.highWaterMark),
            pageSizeByteCount: old.pageSizeByteCount)
        if let run = input.storedFreeList { writer.freed.append(run) }
        let root = try Self.edit(input, &relocation, &writer)
        if input.slice != nil { writer.dropFreeEnd() }

        let pageSize = old.pageSizeByteCount
        let highWaterMark = writer.allocator.highWaterMark
        guard highWaterMark <= UInt64(pages.mapping.reservedByteCount / pageSize) else {
            throw .tooLarge(reservedByteCount: pages.mapping.reservedByteCount)
        }
        var meta = old
        meta.rootPage = PageID(root)
        meta.freeListPage = .notStored
        meta.highWaterMark = highWaterMark
        meta.transaction += 1
        if input.settings.keepsChecksums {
            meta.rootSequence = ChecksumFile.digest(old.rootSequence, adding: writer.checksums)
        }

        // The pages were free, so nobody else looks at what is known of them.
        pages.table.grow(to: highWaterMark)
        let freed = writer.freed.map { FreedRun($0, birth: pages.table.birth(of: $0.first) + input.openedTransaction) }
        for write in writer.writes {
            pages.table.recordContinuation(write.firstPage..<write.end(pageSize))
        }
        for (page, checksum) in writer.checksums {
            pages.table.record(
                page, checksum: input.settings.keepsChecksums ? checksum : nil,
                birth: meta.transaction - input.openedTransaction)
        }
        let needed = Int(highWaterMark) * pageSize
        var fileByteCount = input.fileByteCount
        if needed > fileByteCount {
            // bbolt asks for a page more than it needs (v1.4 `tx.go`, `Commit`).
            let wanted = needed + pageSize + max(0, input.settings.growthByteCount)
            fileByteCount = min(wanted, pages.mapping.reservedByteCount)
        }
        var effects = Self.effects(writer, meta, input, growTo: fileByteCount, pages.table)
        #if Simulation
        if Canary.cutBeforeRoot.isChosen, input.slice != nil, fileByteCount > needed {
            fileByteCount = needed
            effects.insert(.truncate(needed), at: effects.count - 2)
        }
        #endif
        if input.slice?.truncates == true {
            let end = Int(max(highWaterMark, old.highWaterMark, input.reachablePageCount)) * pageSize
            while fileByteCount > end {
                reached(.boltFileCutOff)
                fileByteCount = max(end, fileByteCount - Self.truncationByteCount)
                effects.append(.truncate(fileByteCount))
            }
        }
        self.effects = effects
        var remaining = writer.allocator.remaining
        remaining.insert(withheld.runs)
        outcome = BoltCommitter.Outcome(
            root: meta, freed: freed, remaining: remaining, fileByteCount: fileByteCount,
            relocation: input.slice == nil ? nil : relocation.result)
    }

    /// How many bytes are cut off at once: whoever looks into the file meanwhile waits for it.
    private static let truncationByteCount = 16 << 20

    /// What the transaction moves. Pages are to end up below the cut: where the file would end without holes, with a little
    /// room for what changes meanwhile.
    private static func relocation(_ input: CommitInput, _ free: PageRuns) -> Relocation {
        let used = input.base.root.highWaterMark - UInt64(free.pageCount)
        let cut = used + used / 32
        let slice = input.slice ?? RelocationSlice(work: .settle)
        var window: Range<UInt64>?
        if case .evacuate(let known, let pageCount) = slice.work {
            window = known ?? free.richestStretch(pageCount: pageCount, below: cut)
        }
        return Relocation(
            slice, cut: cut, filePageCount: UInt64(input.fileByteCount / input.base.root.pageSizeByteCount),
            window: window)
    }

    /// Changes the buckets and the tree above them. Answers the page of the new root.
    private static func edit(
        _ input: CommitInput, _ relocation: inout Relocation, _ writer: inout PageWriter
    ) throws(BoltError) -> UInt64 {
        let old = input.base.root
        var rootChanges: [BoltChange] = []
        for bucket in try buckets(input) {
            assertAscending(bucket.changes)
            if let value = try edit(bucket, input, &relocation, &writer) {
                rootChanges.append(BoltChange(key: bucket.bucket, value: value))
            }
        }
        assertAscending(rootChanges)
        var editor = TreeEditor(
            pages: input.base.pages, highWaterMark: old.highWaterMark, changes: rootChanges, changesBuckets: true,
            fillPercent: 50)
        if rootChanges.isEmpty { return try editor.moveRoot(old.rootPage.rawValue, &relocation, &writer) }
        return try editor.editFileRoot(old.rootPage.rawValue, &writer)
    }

    /// The buckets to change, and those that a defragmentation may come to, sorted.
    private static func buckets(_ input: CommitInput) throws(BoltError) -> [BoltBucketChanges] {
        let changes = input.source.sortedChanges()
        guard let slice = input.slice, slice.work != .settle else { return changes }
        let changed = Set(changes.map(\.bucket))
        let others = try input.base.bucketNames().filter { !$0.precedes(slice.bucket) && !changed.contains($0) }
        let all = changes + others.map { BoltBucketChanges(bucket: $0, changes: []) }
        return all.sorted { $0.bucket.precedes($1.bucket) }
    }

    /// Changes one bucket. Answers its new value in the root of the file; nil if nothing became of it.
    private static func edit(
        _ bucket: BoltBucketChanges, _ input: CommitInput, _ relocation: inout Relocation, _ writer: inout PageWriter
    ) throws(BoltError) -> Bytes? {
        var tree: TreeRoot?
        var sequence: UInt64 = 0
        if let (leaf, index) = unsafe try input.base.leafElement(
            of: bucket.bucket.span.bytes, in: .page(input.base.root.rootPage.rawValue))
        {
            let value = unsafe leaf.value(index)
            guard leaf.isBucket(index), let start = value.baseAddress else {
                throw .corrupt("'\(bucket.bucket.text)' is a record where a bucket belongs")
            }
            let header = unsafe BucketHeader(start, byteCount: value.count)
            tree = header.inlineLeaf.map { .inline($0) } ?? .page(header.rootPage)
            sequence = header.sequence
        }
        var editor = TreeEditor(
            pages: input.base.pages, highWaterMark: input.base.root.highWaterMark, changes: bucket.changes,
            changesBuckets: false, fillPercent: bucket.fillPercent)
        // Buckets before the one where the slice goes on are through.
        guard let slice = input.slice, slice.work != .settle, !bucket.bucket.precedes(slice.bucket) else {
            var nothing = Relocation(RelocationSlice(work: .settle), cut: .max, filePageCount: 0, window: nil)
            if tree != nil && bucket.changes.isEmpty { return nil }
            return try editor.editBucket(tree, sequence: sequence, from: [], &nothing, &writer)
        }
        relocation.bucket = bucket.bucket
        if relocation.isSpent { relocation.stop(at: []) }
        return try editor.editBucket(
            tree, sequence: sequence, from: bucket.bucket == slice.bucket ? slice.key : [], &relocation, &writer)
    }

    private static func assertAscending(_ changes: [BoltChange]) {
        for index in changes.indices {
            assertAlways(!changes[index].key.isEmpty, "a record has a key")
            assertAlways(index == 0 || changes[index - 1].key.precedes(changes[index].key), "changes are sorted")
        }
    }

    private static func effects(
        _ writer: PageWriter, _ meta: BoltMeta, _ input: CommitInput, growTo fileByteCount: Int, _ table: PageTable
    ) -> [Effect] {
        let pageSize = meta.pageSizeByteCount
        var effects: [Effect] = []
        if fileByteCount > input.fileByteCount { effects.append(.grow(fileByteCount)) }
        for write in writer.writes {
            effects.append(.writePages(write.bytes, offset: Int(write.firstPage) * pageSize))
        }
        if input.settings.keepsChecksums {
            for (bytes, offset) in ChecksumFile.writes(of: writer.checksums.map(\.page), meta: meta, table: table) {
                effects.append(.writeChecksums(bytes, offset: offset))
            }
        }
        effects.append(.syncPages)
        if input.settings.keepsChecksums { effects.append(.syncChecksums) }
        let metaPage = PageID(meta.transaction % 2)
        effects.append(.writeMeta(meta.page(id: metaPage), offset: Int(metaPage.rawValue) * pageSize))
        effects.append(.syncMeta)
        return effects
    }
}
