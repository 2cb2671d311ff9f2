internal import Environment
internal import Primitives

/// A file in bbolt's format, open for reading and writing.
///
/// It knows the newest state, the free pages, the pages that wait for a reader to finish, and the readers. One owner, the
/// loop; views and committers may leave it. One commit at a time.
package final class BoltFile {
    private let file: any DiskFile
    private let checksums: ChecksumFile?
    private let settings: BoltSettings
    private let pages: PageSource

    /// The newest state of the file that is durable.
    package private(set) var root: BoltMeta
    private var fileByteCount: Int
    private var storedFreeList: PageRun?
    /// Pages that no state in use leads to. While a commit runs it has them.
    private var free: PageRuns
    /// More of them, which the running commit has; empty while none runs.
    private var released: [PageRun] = []
    /// Number of pages that the newest state does not use, those that a reader of an older one needs included.
    package private(set) var freePageCount: Int
    /// Pages freed by each transaction, oldest first, that have not been found free of readers.
    private var pending: [(transaction: UInt64, freed: [FreedRun])] = []
    private var pendingPageCount = 0
    /// The transaction that the file was opened at.
    private let openedTransaction: UInt64
    /// How many readers each state has, oldest first.
    private var readers: [(transaction: UInt64, count: Int, highWaterMark: UInt64)] = []
    package private(set) var isCommitting = false
    /// The greatest high-water mark that the meta page before the newest may have.
    private var previousHighWaterMark: UInt64
    private var defragmentation: Defragmentation?

    init(
        file: any DiskFile, checksums: ChecksumFile?, settings: BoltSettings, pages: PageSource, root: BoltMeta,
        fileByteCount: Int, storedFreeList: PageRun?, free: PageRuns
    ) {
        self.file = file
        self.checksums = checksums
        self.settings = settings
        self.pages = pages
        self.root = root
        self.fileByteCount = fileByteCount
        self.storedFreeList = storedFreeList
        self.free = free
        freePageCount = free.pageCount + (storedFreeList?.count ?? 0)
        openedTransaction = root.transaction
        previousHighWaterMark = UInt64(fileByteCount / root.pageSizeByteCount)
    }

    /// Releases the file and its lock. No view or committer may be used after this.
    package func close() {
        checksums?.file.close()
        file.close()
    }

    /// Bytes of the pages below the high-water mark. The file may be longer.
    package var sizeByteCount: Int { Int(root.highWaterMark) * root.pageSizeByteCount }

    // MARK: Reading

    /// Takes the pages read so far out of the process's memory, after work that read all of them once.
    package func releaseReadPages() {
        file.releaseMappedPages()
    }

    /// The newest state, for reading until it is released: its pages are not reused before.
    package func pin() -> BoltView {
        if let last = readers.indices.last, readers[last].transaction == root.transaction {
            readers[last].count += 1
        } else {
            readers.append((root.transaction, 1, root.highWaterMark))
        }
        return BoltView(pages: pages, root: root)
    }

    /// Number of views that are not released; that of a running commit does not count.
    package var readerCount: Int { readers.reduce(isCommitting ? -1 : 0) { $0 + $1.count } }

    /// Ends the use of a view.
    package func release(_ view: BoltView) {
        guard let index = readers.firstIndex(where: { $0.transaction == view.root.transaction }) else {
            unreachable("a view is released once")
        }
        readers[index].count -= 1
        if readers[index].count == 0 { readers.remove(at: index) }
    }

    /// Whether a view is of this file, and to be released here.
    package func owns(_ view: BoltView) -> Bool { view.pages === pages }

    /// The file as a view sees it, to be read as a file of its own while the view is pinned.
    ///
    /// - Parameter view: of the newest state.
    package func copy(of view: BoltView) -> BoltCopy {
        assertAlways(owns(view) && view.root == root, "of the newest state is known which pages it uses")
        guard settings.keepsChecksums else { return BoltCopy(view, file: file, unused: nil) }
        // Beside those that are free, and as they are, for they may be many: the others are those of the last commits, and
        // what is held for readers.
        var others = PageRuns()
        others.insert(released + pending.flatMap { $0.freed.map(\.run) } + (storedFreeList.map { [$0] } ?? []))
        return BoltCopy(view, file: file, unused: [free, others])
    }

    // MARK: Defragmentation

    /// Has the commits that follow give each a slice to a defragmentation, until it is done. None is begun while one is
    /// under way.
    package func beginDefragmentation() {
        guard defragmentation == nil else { return }
        defragmentation = Defragmentation(root: root, inUsePageCount: inUsePageCount)
    }

    /// How far the defragmentation under way is; nil if none is.
    package var defragmentationProgress: DefragmentationProgress? {
        defragmentation.map {
            DefragmentationProgress(
                percent: $0.progressPercent, movedByteCount: $0.movedPageCount * root.pageSizeByteCount)
        }
    }

    private var inUsePageCount: Int { Int(root.highWaterMark) - freePageCount }

    // MARK: Writing

    /// A committer for changes to any number of buckets, sorted by bucket. Lends it the free pages.
    ///
    /// Unless the last commit was finished, it does nothing but fail with `.unfinishedCommit`: one commit at a time, and
    /// none after one that failed (ordering rule 5).
    package func beginCommit(_ changes: [BoltBucketChanges]) -> BoltCommitter {
        beginCommit(from: SortedChanges(changes: changes))
    }

    /// The same for changes that are yet to be put in order, which the committer does.
    package func beginCommit(from source: any BoltChangeSource) -> BoltCommitter {
        let failure: BoltError? = isCommitting ? .unfinishedCommit : nil
        let base = failure == nil ? pin() : BoltView(pages: pages, root: root)
        if failure == nil { released = releasePending() }
        isCommitting = true
        let reachable = readers.reduce(previousHighWaterMark) { max($0, $1.highWaterMark) }
        let input = CommitInput(
            base: base, source: source, free: free, released: released, openedTransaction: openedTransaction,
            storedFreeList: storedFreeList, fileByteCount: fileByteCount, settings: settings,
            slice: defragmentation?.next, reachablePageCount: reachable)
        return BoltCommitter(input, file: file, checksums: checksums, failure: failure)
    }

    /// Takes what a committer made of the file: what is pinned from now on is its state.
    package func finish(_ outcome: BoltCommitter.Outcome) {
        assertAlways(
            isCommitting && outcome.root.transaction == root.transaction + 1, "the outcome of the running commit")
        release(BoltView(pages: pages, root: root))
        isCommitting = false
        previousHighWaterMark = root.highWaterMark
        root = outcome.root
        fileByteCount = outcome.fileByteCount
        storedFreeList = nil
        free = outcome.remaining
        released = []
        let heldPageCount = pendingPageCount
        pending.append((root.transaction, outcome.freed))
        pendingPageCount += outcome.freed.reduce(0) { $0 + $1.run.count }
        freePageCount = free.pageCount + pendingPageCount
        if let result = outcome.relocation {
            defragmentation?.took(
                result, root: root, inUsePageCount: inUsePageCount, heldPageCount: heldPageCount)
            if defragmentation?.isDone == true { defragmentation = nil }
        }
    }

    /// Takes from the pending pages those that no reader can reach: a page is needed by readers of the transactions from the
    /// one that wrote it up to the one before that which freed it.
    ///
    /// So a long reader holds on to the pages of its own state, not to everything written and freed since.
    private func releasePending() -> [PageRun] {
        var released: [PageRun] = []
        var kept: [(transaction: UInt64, freed: [FreedRun])] = []
        for (transaction, freed) in pending {
            #if Simulation
            if Canary.readPagesReused.isChosen {
                released += freed.map(\.run)
                continue
            }
            #endif
            // With no reader before it, all of them.
            guard let oldest = readers.first?.transaction, oldest < transaction else {
                released += freed.map(\.run)
                continue
            }
            var needed: [FreedRun] = []
            for pages in freed {
                let states = pages.birth..<transaction
                if readers.contains(where: { states.contains($0.transaction) }) {
                    needed.append(pages)
                } else {
                    released.append(pages.run)
                }
            }
            if !needed.isEmpty { kept.append((transaction, needed)) }
        }
        pending = kept
        pendingPageCount -= released.reduce(0) { $0 + $1.count }
        return released
    }

    // MARK: Checking

    /// Proves that every page of the newest state is reached once, as its parents say, and that all others, and only those,
    /// are free or wait to be. Reads and verifies every page. Not while a commit runs.
    package func check() throws(BoltError) {
        assertAlways(!isCommitting, "the running commit has the free pages")
        var walk = TreeWalk(pages: pages, highWaterMark: root.highWaterMark, recordsChecksums: false)
        try walk.walk(root.rootPage)
        var accounted = free
        for (_, freed) in pending { accounted.insert(freed.map(\.run)) }
        if let storedFreeList {
            try checkStoredFreeList(storedFreeList, walk)
            accounted.insert([storedFreeList])
        }
        guard walk.unreached == accounted else {
            throw .corrupt("the pages not in use are not those known to be free")
        }
    }

    /// Holds the list of free pages in the file against the pages in use: `ids` ascending, each free, and none missing.
    ///
    /// ```
    /// header: count, 0xFFFF if the first number behind it is the count      then page ids, u64 each
    /// ```
    private func checkStoredFreeList(_ run: PageRun, _ walk: TreeWalk) throws(BoltError) {
        let byteCount = run.count * root.pageSizeByteCount
        let page = unsafe Page(base: pages.mapping.base + Int(run.first) * root.pageSizeByteCount, byteCount: byteCount)
        var offset = Page.headerByteCount
        var count = UInt64(page.count)
        if page.count == Int(UInt16.max) {
            count = page.number64(at: offset)
            offset += 8
        }
        guard count <= UInt64((byteCount - offset) / 8) else { throw .corrupt("the free list does not fit its pages") }
        var listed: [PageRun] = []
        for index in 0..<Int(count) {
            let id = page.number64(at: offset + 8 * index)
            guard id >= PageID.firstData.rawValue, id < root.highWaterMark, !walk.isReached(id),
                id > listed.last?.first ?? 0
            else { throw .corrupt("page \(id) is in the free list but not free, or out of order") }
            listed.append(PageRun(first: id, count: 1))
        }
        listed.append(run)
        var accounted = PageRuns()
        accounted.insert(listed)
        guard accounted == walk.unreached else { throw .corrupt("free pages are missing in the free list") }
    }
}
