package import BoltStore
package import Environment
package import Primitives

/// The ten buckets of etcd under one read and write interface: a memory table over immutable tables over the bolt file.
///
/// Writes go to the memory table. `freeze` makes it immutable and starts a new one, always between two log entries, so that
/// the effects of an entry and its index reach the file in one transaction (ordering rule 3). `beginCommit` hands the
/// frozen tables that the log already covers to a committer, which writes them to the file while reads and writes go on.
/// Durability is the log's matter: what has not been committed is applied again after a crash.
///
/// One owner, the loop; views may leave it.
package final class Store {
    let file: BoltFile
    /// Stores that this one took the place of, and whose views are still read.
    var predecessors: [Store] = []

    /// What all reads see. Invariant: `tables` is never empty, its first is the memory table, and that one is not shared.
    private var live: StoreView
    /// Of the bucket that is read most, in the file as `live` has it.
    private var keyReader: BucketReader
    /// The index that the newest entry in each frozen table had. Invariant: as many as `live.tables` without the first,
    /// newest first, never ascending.
    private var frozenIndexes: [LogIndex] = []
    /// The last entry whose effects are here, and its term: `consistent_index` and `term` of the `meta` bucket.
    package private(set) var appliedIndex: LogIndex
    package private(set) var appliedTerm: Term
    /// Whether they are yet to join the memory table.
    private var isIndexPending = false
    /// How many of the oldest frozen tables the running commit is writing; 0 when none runs.
    private var committingTableCount = 0
    /// The last entry whose effects are in the file.
    package private(set) var committedIndex: LogIndex
    /// How many tables were ever frozen, and how many of them are in the file.
    package internal(set) var freezeCount = 0
    package internal(set) var committedFreezeCount = 0

    /// Opens the file, making it with its ten buckets when it is new.
    package static func open(
        disk: any Disk, path: String, settings: StoreSettings = StoreSettings()
    ) throws(StoreError) -> Store {
        let file: BoltFile
        do throws(BoltError) {
            file = try BoltFile.open(disk: disk, path: path, settings: settings.bolt)
        } catch {
            throw StoreError(error)
        }
        do throws(StoreError) {
            try makeMissingBuckets(in: file)
            return try Store(file: file)
        } catch {
            file.close()
            throw error
        }
    }

    private static func makeMissingBuckets(in file: BoltFile) throws(StoreError) {
        do throws(BoltError) {
            let view = file.pin()
            defer { file.release(view) }
            let present = try view.bucketNames()
            let missing = Bucket.allCases.filter { !present.contains($0.name) }
            if missing.isEmpty { return }
            var committer = file.beginCommit(missing.map { BoltBucketChanges(bucket: $0.name, changes: []) })
            file.finish(try committer.run())
        } catch {
            throw StoreError(error)
        }
    }

    private init(file: BoltFile) throws(StoreError) {
        self.file = file
        live = StoreView(tables: [ChangeTable()], base: file.pin())
        keyReader = BucketReader(live.base, bucket: Bucket.key.name)
        appliedIndex = LogIndex(try live.number(.meta, key: MetaKey.consistentIndex))
        appliedTerm = Term(try live.number(.meta, key: MetaKey.term))
        committedIndex = appliedIndex
    }

    /// Releases the file and its lock, and those of stores that this one took the place of. What is not committed is in the
    /// log.
    package func close() {
        for predecessor in predecessors { predecessor.close() }
        file.close()
    }

    /// Takes the part of the file that was read so far out of the process's memory; it stays in the system's page cache.
    package func releaseReadPages() {
        file.releaseReadPages()
    }

    // MARK: Writing

    package func put(_ bucket: Bucket, key: Bytes, value: Bytes) {
        live.tables[0].set(bucket, key, value)
    }

    package func delete(_ bucket: Bucket, key: Bytes) {
        live.tables[0].set(bucket, key, nil)
    }

    /// Number of keys changed since the last freeze.
    package var pendingChangeCount: Int { live.tables[0].count + (isIndexPending ? 1 : 0) }

    /// Bytes of keys and values set since the last freeze.
    package var pendingByteCount: Int { live.tables[0].byteCount }

    /// Records that all effects of an entry are written.
    ///
    /// Its index and term join them in the memory table when that is frozen, and so reach the file in the same transaction
    /// (ordering rule 3). Until then only `appliedIndex` and `appliedTerm` tell them.
    package func recordApplied(index: LogIndex, term: Term) {
        assertAlways(index >= appliedIndex && term >= appliedTerm, "entries are applied in the order of the log")
        appliedIndex = index
        appliedTerm = term
        isIndexPending = true
    }

    // MARK: Reading

    /// The value stored under `key`, nil if there is none.
    package func value(_ bucket: Bucket, key: Bytes) throws(StoreError) -> Bytes? {
        try live.value(bucket, key: key)
    }

    /// Visits the value stored under `key` where it lies, without a copy; answers nil if there is none.
    @inline(__always)
    package func withValue<Result>(
        _ bucket: Bucket, key: Bytes, _ visit: (RawSpan) -> Result
    ) throws(StoreError) -> Result? {
        guard bucket == .key else { return try live.withValue(bucket, key: key, visit) }
        if let change = live.change(bucket, of: key) {
            guard let value = change else { return nil }
            return unsafe visit(value.span.bytes)
        }
        do throws(BoltError) {
            return unsafe try keyReader.withValue(key: key.span.bytes, visit)
        } catch {
            throw StoreError(error)
        }
    }

    /// Visits the records of a bucket in key order until `visit` answers false. The spans are valid only during the visit.
    package func scan(
        _ bucket: Bucket, from lower: Bytes, to upper: Bytes?, _ visit: (RawSpan, RawSpan) -> Bool
    ) throws(StoreError) {
        try live.scan(bucket, from: lower, to: upper, visit)
    }

    /// All that is stored now, for a reader on another thread. Freezes the memory table. Give it back with `release`.
    package func view() -> StoreView {
        freeze()
        return StoreView(tables: Array(live.tables.dropFirst()), base: file.pin())
    }

    /// What is in the file only, as the last commit left it: for records of snapshots, whose index must be that of the file
    /// (ordering rule 11). Give it back with `release`.
    package func committedView() -> StoreView {
        StoreView(tables: [], base: file.pin())
    }

    package func release(_ view: StoreView) {
        owner(of: view).file.release(view.base)
    }

    /// The file as the last commit left it, to be copied while writes go on. Give it back with `release`.
    package func openSnapshot() throws(StoreError) -> StoreSnapshot {
        let view = committedView()
        do throws(StoreError) {
            let storageVersion = try view.value(.meta, key: MetaKey.storageVersion)
            return StoreSnapshot(view: view, copy: file.copy(of: view.base), storageVersion: storageVersion)
        } catch {
            release(view)
            throw error
        }
    }

    package func release(_ snapshot: StoreSnapshot) {
        release(snapshot.view)
    }

    // MARK: Committing

    /// Number of frozen tables that wait for a commit or are in one.
    package var frozenTableCount: Int { frozenIndexes.count }

    /// Number of changes in them.
    package var frozenChangeCount: Int { live.tables.dropFirst().reduce(0) { $0 + $1.count } }

    /// Bytes of keys and values in them.
    package var frozenByteCount: Int { live.tables.dropFirst().reduce(0) { $0 + $1.byteCount } }

    /// Makes the memory table immutable and starts a new one. To be called between two entries.
    package func freeze() {
        #if Simulation
        if Canary.indexOutsideTransaction.isChosen { freezeIndexAlone() }
        #endif
        if isIndexPending {
            put(.meta, key: MetaKey.consistentIndex, value: Bytes(bigEndian: appliedIndex.rawValue))
            put(.meta, key: MetaKey.term, value: Bytes(bigEndian: appliedTerm.rawValue))
            isIndexPending = false
        }
        guard live.tables[0].count > 0 else { return }
        live.tables.insert(ChangeTable(), at: 0)
        frozenIndexes.insert(appliedIndex, at: 0)
        freezeCount += 1
    }

    #if Simulation
    /// Has the index go to the file ahead of what it stands for.
    private func freezeIndexAlone() {
        guard isIndexPending, live.tables[0].count > 0 else { return }
        let effects = live.tables[0]
        live.tables[0] = ChangeTable()
        put(.meta, key: MetaKey.consistentIndex, value: Bytes(bigEndian: appliedIndex.rawValue))
        put(.meta, key: MetaKey.term, value: Bytes(bigEndian: appliedTerm.rawValue))
        isIndexPending = false
        live.tables.insert(effects, at: 0)
        frozenIndexes.insert(appliedIndex, at: 0)
        freezeCount += 1
    }
    #endif

    /// The committer for all frozen tables whose entries the log durably holds; nil if there is none or one is running.
    ///
    /// - Parameters:
    ///   - syncedIndex: the last committed entry that the local log has synced (ordering rule 3).
    ///   - isSliceDue: whether a defragmentation under way shall go on even if there is nothing else to write.
    package func beginCommit(syncedIndex: LogIndex, isSliceDue: Bool = false) -> BoltCommitter? {
        guard !file.isCommitting else { return nil }
        var ready = frozenIndexes.count - (frozenIndexes.firstIndex { $0 <= syncedIndex } ?? frozenIndexes.count)
        #if Simulation
        if Canary.indexOutsideTransaction.isChosen { ready = min(ready, 1) }
        #endif
        guard ready > 0 || (isSliceDue && isDefragmenting) else { return nil }
        committingTableCount = ready
        let tables = live.tables.suffix(ready)
        return file.beginCommit(from: FrozenTables(tables: Array(tables)))
    }

    /// Takes what the committer made of the file: reads go to its pages, and the tables it wrote are dropped.
    package func finishCommit(_ outcome: BoltCommitter.Outcome) {
        file.finish(outcome)
        file.release(live.base)
        live = StoreView(tables: live.tables.dropLast(committingTableCount), base: file.pin())
        keyReader = BucketReader(live.base, bucket: Bucket.key.name)
        guard committingTableCount > 0 else { return }
        committedIndex = frozenIndexes[frozenIndexes.count - committingTableCount]
        committedFreezeCount += committingTableCount
        frozenIndexes.removeLast(committingTableCount)
        committingTableCount = 0
    }

    /// Whether a commit runs, or failed.
    package var isCommitting: Bool { file.isCommitting }

    // MARK: Defragmentation

    /// Has commits move the file's pages together, a slice each, until it has no more holes than it must. Reads and writes
    /// go on. None is begun while one is under way.
    package func beginDefragmentation() { file.beginDefragmentation() }

    package var isDefragmenting: Bool { file.defragmentationProgress != nil }

    /// How far the defragmentation under way is; nil if none is.
    package var defragmentationProgress: DefragmentationProgress? { file.defragmentationProgress }

    /// Proves the file sound: every page reachable once or free, every key in order. Reads all of it.
    package func check() throws(StoreError) {
        do {
            try file.check()
        } catch {
            throw StoreError(error)
        }
    }

    // MARK: Size

    /// What etcd calls the size of the database, in bytes: pages ever used, at the last commit. The file may be longer.
    package var sizeByteCount: Int { file.sizeByteCount }

    /// Number of states of the file that are read now: that of the owner among them, and those of views.
    package var openViewCount: Int { predecessors.reduce(file.readerCount) { $0 + $1.file.readerCount } }

    /// Bytes of pages that are not free, at the last commit.
    package var sizeInUseByteCount: Int { sizeByteCount - file.freePageCount * file.root.pageSizeByteCount }
}
