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
    }

    /// In the order in which they must be done: nothing refers to a page that is not durable.
    let effects: [Effect]
    let outcome: BoltCommitter.Outcome
}

/// What a transaction starts from.
struct CommitInput: Sendable {
    /// The newest state of the file; pinned.
    let base: BoltView
    /// Sorted by bucket.
    let changes: [BoltBucketChanges]
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
        var writer = PageWriter(
            allocator: PageAllocator(free: free, highWaterMark: old.highWaterMark),
            pageSizeByteCount: old.pageSizeByteCount)
        if let run = input.storedFreeList { writer.freed.append(run) }
        let root = try Self.edit(input, &writer)

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
        effects = Self.effects(writer, meta, input, growTo: fileByteCount, pages.table)
        outcome = BoltCommitter.Outcome(
            root: meta, freed: freed, remaining: writer.allocator.remaining, fileByteCount: fileByteCount)
    }

    /// Changes the buckets and the tree above them. Answers the page of the new root.
    private static func edit(_ input: CommitInput, _ writer: inout PageWriter) throws(BoltError) -> UInt64 {
        let (base, old) = (input.base, input.base.root)
        var rootChanges: [BoltChange] = []
        for bucket in input.changes {
            assertAscending(bucket.changes)
            var tree: TreeRoot?
            var sequence: UInt64 = 0
            if let (leaf, index) = unsafe try base.leafElement(
                of: bucket.bucket.span.bytes, in: .page(old.rootPage.rawValue))
            {
                let value = unsafe leaf.value(index)
                guard leaf.isBucket(index), let start = value.baseAddress else {
                    throw .corrupt("'\(bucket.bucket.text)' is a record where a bucket belongs")
                }
                if bucket.changes.isEmpty { continue }
                let header = unsafe BucketHeader(start, byteCount: value.count)
                tree = header.inlineLeaf.map { .inline($0) } ?? .page(header.rootPage)
                sequence = header.sequence
            }
            var editor = TreeEditor(
                pages: base.pages, highWaterMark: old.highWaterMark, changes: bucket.changes, changesBuckets: false,
                fillPercent: bucket.fillPercent)
            let value = try editor.editBucket(tree, sequence: sequence, &writer)
            rootChanges.append(BoltChange(key: bucket.bucket, value: value))
        }
        if rootChanges.isEmpty { return old.rootPage.rawValue }
        assertAscending(rootChanges)
        var editor = TreeEditor(
            pages: base.pages, highWaterMark: old.highWaterMark, changes: rootChanges, changesBuckets: true,
            fillPercent: 50)
        return try editor.editFileRoot(old.rootPage.rawValue, &writer)
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
