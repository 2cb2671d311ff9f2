import BoltStore
import Primitives
import SimulatedPlatform
import Testing

@testable import Store

/// A store that takes the place of another while that one is read.
@Suite struct SuccessionTests {
    private static func makeDisk() -> SimulatedDisk {
        let disk = SimulatedDisk()
        disk.placeDirectory("/data")
        return disk
    }

    private static func store(_ disk: SimulatedDisk, _ path: String, through index: UInt64) throws -> Store {
        let store = try Store.open(disk: disk, path: path)
        for number in 1...index { put(number, in: store) }
        try commit(store)
        return store
    }

    private static func put(_ number: UInt64, in store: Store) {
        store.put(.key, key: Bytes(bigEndian: number), value: Bytes(repeating: UInt8(number % 251), count: 500))
        store.recordApplied(index: LogIndex(number), term: Term(1))
    }

    private static func commit(_ store: Store) throws {
        store.freeze()
        guard var committer = store.beginCommit(syncedIndex: LogIndex(.max)) else { return }
        store.finishCommit(try committer.run())
    }

    private static func count(_ view: StoreView) throws -> Int {
        var count = 0
        try view.scan(.key, from: [], to: nil) { key, value in
            count += 1
            return value.byteCount == 500
        }
        return count
    }

    @Test func readersOfTheOldStoreGoOn() throws {
        let disk = Self.makeDisk()
        let old = try Self.store(disk, "/data/db", through: 30)
        Self.put(31, in: old)
        let view = old.view()
        let snapshot = try old.openSnapshot()
        let new = try Self.store(disk, "/data/received", through: 60)
        try disk.rename("/data/received", to: "/data/db")
        new.takePlace(of: old)
        #expect(try Self.count(view) == 31)
        #expect(try snapshot.read(offset: 0, count: snapshot.byteCount).count == snapshot.byteCount)
        #expect(new.takeUnreadPredecessors().isEmpty)
        #expect(new.openViewCount == 4)
        for number in 61...80 as ClosedRange<UInt64> { Self.put(number, in: new) }
        try Self.commit(new)
        #expect(try Self.count(view) == 31)
        // They are given back to the new store, which knows whose they are.
        new.release(view)
        #expect(new.takeUnreadPredecessors().isEmpty)
        new.release(snapshot)
        let unread = new.takeUnreadPredecessors()
        #expect(unread.map(ObjectIdentifier.init) == [ObjectIdentifier(old)])
        for store in unread { store.close() }
        #expect(new.takeUnreadPredecessors().isEmpty && new.openViewCount == 1)
        let own = new.view()
        #expect(try Self.count(own) == 80)
        new.release(own)
        try new.check()
        new.close()
        let again = try Store.open(disk: disk, path: "/data/db")
        #expect(again.appliedIndex == LogIndex(80))
        again.close()
    }

    @Test func whoWaitsForAFreezeOfTheOldStoreFindsItInTheNewFile() throws {
        let disk = Self.makeDisk()
        let old = try Self.store(disk, "/data/db", through: 3)
        Self.put(4, in: old)
        old.freeze()
        let freezeCount = old.freezeCount
        #expect(old.committedFreezeCount < freezeCount)
        let new = try Self.store(disk, "/data/received", through: 5)
        new.takePlace(of: old)
        #expect(new.committedFreezeCount >= freezeCount)
        Self.put(6, in: new)
        new.freeze()
        #expect(new.committedFreezeCount < new.freezeCount)
        try Self.commit(new)
        #expect(new.committedFreezeCount == new.freezeCount)
        for store in new.takeUnreadPredecessors() { store.close() }
        new.close()
    }

    @Test func oneAfterAnother() throws {
        let disk = Self.makeDisk()
        var stores = [try Self.store(disk, "/data/0", through: 1)]
        var views = [stores[0].view()]
        for number in 1...4 as ClosedRange<UInt64> {
            let next = try Self.store(disk, "/data/\(number)", through: number + 1)
            next.takePlace(of: stores[stores.count - 1])
            stores.append(next)
            views.append(next.view())
        }
        let last = stores[4]
        for (number, view) in views.enumerated() { #expect(try Self.count(view) == number + 1) }
        // In whatever order they end.
        for number in [2, 0, 4, 1, 3] {
            last.release(views[number])
            let unread = last.takeUnreadPredecessors()
            #expect(unread.count == (number == 4 ? 0 : 1))
            for store in unread { store.close() }
        }
        last.close()
    }
}
