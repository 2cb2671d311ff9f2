import BoltStore
import Environment
import Primitives
import SimulatedPlatform
import Testing

@testable import Store

/// The store against a dictionary, with commits a step at a time while reads and writes go on.
@Suite struct StoreTests {
    private typealias Contents = [Bucket: [Bytes: Bytes]]

    private static let path = "/data/db"
    private static let settings = StoreSettings(
        bolt: BoltSettings(pageSizeByteCount: 1024, reservedByteCount: 1 << 26, growthByteCount: 0))

    private static func makeDisk() -> SimulatedDisk {
        let disk = SimulatedDisk()
        disk.placeDirectory("/data")
        return disk
    }

    private static func open(_ disk: SimulatedDisk) throws -> Store {
        try Store.open(disk: disk, path: path, settings: settings)
    }

    private static func contents(of view: StoreView) throws -> Contents {
        var contents: Contents = [:]
        for bucket in Bucket.allCases {
            var last: Bytes?
            try view.scan(bucket, from: [], to: nil) { key, value in
                let key = Bytes(copying: key)
                #expect(last.map { $0.precedes(key) } ?? true)
                last = key
                contents[bucket, default: [:]][key] = Bytes(copying: value)
                return true
            }
        }
        return contents
    }

    private static func contents(of store: Store) throws -> Contents {
        let view = store.view()
        defer { store.release(view) }
        return try contents(of: view)
    }

    /// Writes an entry's worth of changes at random.
    private static func apply(
        _ index: UInt64, to store: Store, _ model: inout Contents, _ random: inout SeededEntropy
    ) {
        for _ in 0..<Int.random(in: 0..<5, using: &random) {
            let bucket: Bucket = [.key, .lease, .authUsers][Int.random(in: 0..<3, using: &random)]
            let key: Bytes = [UInt8.random(in: 0..<20, using: &random)]
            if Int.random(in: 0..<3, using: &random) == 0 {
                store.delete(bucket, key: key)
                model[bucket, default: [:]][key] = nil
                if model[bucket] == [:] { model[bucket] = nil }
            } else {
                let value = Bytes(
                    repeating: UInt8(truncatingIfNeeded: index), count: Int.random(in: 0..<50, using: &random))
                store.put(bucket, key: key, value: value)
                model[bucket, default: [:]][key] = value
            }
        }
        store.recordApplied(index: LogIndex(index), term: Term(index / 100 + 1))
        model[.meta, default: [:]][MetaKey.consistentIndex] = Bytes(bigEndian: index)
        model[.meta, default: [:]][MetaKey.term] = Bytes(bigEndian: index / 100 + 1)
    }

    @Test(arguments: 0..<6 as Range<UInt64>) func theStoreAgreesWithADictionary(seed: UInt64) throws {
        let disk = Self.makeDisk()
        var random = SeededEntropy(seed: seed)
        var store = try Self.open(disk)
        var model: Contents = [:]
        /// What each entry left, by its index.
        var history: [Contents] = [model]
        var committer: BoltCommitter?
        var view: (view: StoreView, model: Contents)?
        for index in 1...200 as ClosedRange<UInt64> {
            Self.apply(index, to: store, &model, &random)
            history.append(model)
            switch Int.random(in: 0..<8, using: &random) {
            case 0: store.freeze()
            case 1 where committer == nil:
                committer = store.beginCommit(syncedIndex: LogIndex(index - UInt64.random(in: 0..<3, using: &random)))
            case 2...4:
                if let outcome = try committer?.step() {
                    store.finishCommit(outcome)
                    committer = nil
                }
            case 5:
                if let (view, model) = view {
                    #expect(try Self.contents(of: view) == model)
                    store.release(view)
                }
                view = (store.view(), model)
            case 6:
                // A crash: the file holds what some entry left, whole, and no more than was synced.
                let clone = try Self.open(disk.processCrashClone())
                #expect(clone.appliedIndex <= LogIndex(index))
                #expect(try Self.contents(of: clone) == history[Int(clone.appliedIndex.rawValue)])
                clone.close()
            default:
                #expect(try Self.contents(of: store) == model)
            }
            for bucket in [Bucket.key, .lease, .meta] {
                let key: Bytes = [UInt8.random(in: 0..<20, using: &random)]
                #expect(try store.value(bucket, key: key) == model[bucket]?[key])
                #expect(try store.withValue(bucket, key: key) { Bytes(copying: $0) } == model[bucket]?[key])
            }
        }
        if committer != nil {
            var running = try #require(committer)
            store.finishCommit(try running.run())
        }
        store.freeze()
        while var last = store.beginCommit(syncedIndex: LogIndex(200)) { store.finishCommit(try last.run()) }
        if let (view, model) = view { #expect(try Self.contents(of: view) == model) }
        store.close()
        store = try Self.open(disk)
        #expect(store.appliedIndex == LogIndex(200) && store.appliedTerm == Term(3))
        #expect(try Self.contents(of: store) == model)
        store.close()
    }

    @Test func onlyWhatTheLogHoldsIsCommitted() throws {
        let disk = Self.makeDisk()
        let store = try Self.open(disk)
        for index in 1...3 as ClosedRange<UInt64> {
            store.put(.key, key: [UInt8(index)], value: [1])
            store.recordApplied(index: LogIndex(index), term: Term(1))
            store.freeze()
        }
        #expect(store.frozenTableCount == 3)
        #expect(store.beginCommit(syncedIndex: .zero) == nil)
        var committer = try #require(store.beginCommit(syncedIndex: LogIndex(2)))
        #expect(store.beginCommit(syncedIndex: LogIndex(3)) == nil, "one commit at a time")
        store.finishCommit(try committer.run())
        #expect(store.frozenTableCount == 1)

        let committed = store.committedView()
        #expect(try committed.number(.meta, key: MetaKey.consistentIndex) == 2)
        #expect(try committed.value(.key, key: [2]) == [1] && committed.value(.key, key: [3]) == nil)
        #expect(try store.value(.key, key: [3]) == [1])
        store.release(committed)
        store.close()
        let reopened = try Self.open(disk)
        #expect(reopened.appliedIndex == LogIndex(2))
        #expect(try reopened.value(.key, key: [3]) == nil)
        reopened.close()
    }

    @Test func aNewFileHasTheTenBuckets() throws {
        let disk = Self.makeDisk()
        let store = try Self.open(disk)
        #expect(store.appliedIndex == .zero && store.appliedTerm == .zero)
        #expect(store.sizeByteCount == 5 * 1024)
        #expect(store.sizeInUseByteCount <= store.sizeByteCount)
        store.close()
        let file = try BoltFile.open(disk: disk, path: Self.path, settings: Self.settings.bolt)
        let view = file.pin()
        #expect(try view.bucketNames() == Bucket.allCases.map(\.name))
        file.close()
    }

    @Test func anIndexOfTheWrongLengthIsCorrupt() throws {
        let disk = Self.makeDisk()
        let file = try BoltFile.open(disk: disk, path: Self.path, settings: Self.settings.bolt)
        let change = BoltChange(key: MetaKey.consistentIndex, value: [1, 2, 3])
        var committer = file.beginCommit([BoltBucketChanges(bucket: Bucket.meta.name, changes: [change])])
        file.finish(try committer.run())
        file.close()
        // Twice: the file is given back although it cannot be used.
        for _ in 0..<2 {
            #expect(throws: StoreError.corrupt("consistent_index in bucket meta has 3 bytes, not 8")) {
                try Self.open(disk)
            }
        }
    }
}
