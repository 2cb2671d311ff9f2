import EtcdMessages
import Leases
import Primitives
import SimulatedPlatform
import Store
import Testing

@Suite struct LessorTests {
    private let store: Store
    private let lessor: Lessor

    init() throws {
        store = try Store.open(disk: SimulatedDisk(), path: "/db")
        lessor = try Lessor(store: store)
    }

    @Test(
        arguments: [
            (1, 2), (0, 2), (-1, 2), (Int64.min, 2), (2, 2), (3, 3), (9_000_000_000, 9_000_000_000),
        ] as [(Int64, Int64)])
    func grantedTimes(asked: Int64, given: Int64) throws {
        #expect(try lessor.grant(LeaseID(7), ttlSeconds: asked).grantedTTLSeconds == given)
        let record = try #require(try store.value(.lease, key: [0, 0, 0, 0, 0, 0, 0, 7]))
        #expect(try LeaseRecord(decoding: record).ttl == given)
    }

    @Test func grantsThatAreRefused() throws {
        #expect(throws: EtcdError.leaseNotFound) { try lessor.grant(.none, ttlSeconds: 5) }
        #expect(throws: EtcdError.leaseTTLTooLarge) { try lessor.grant(LeaseID(1), ttlSeconds: 9_000_000_001) }
        #expect(throws: EtcdError.leaseTTLTooLarge) { try lessor.grant(LeaseID(1), ttlSeconds: .max) }
        _ = try lessor.grant(LeaseID(1), ttlSeconds: 5)
        #expect(throws: EtcdError.leaseTTLTooLarge) { try lessor.grant(LeaseID(1), ttlSeconds: .max) }
        #expect(throws: EtcdError.leaseExist) { try lessor.grant(LeaseID(1), ttlSeconds: 6) }
        #expect(lessor.leaseIDs == [LeaseID(1)])
        #expect(lessor.lease(LeaseID(1))?.grantedTTLSeconds == 5)
    }

    @Test func negativeIDsAreLeasesToo() throws {
        for id in [Int64.min, -1, 1, .max] { _ = try lessor.grant(LeaseID(id), ttlSeconds: 60) }
        #expect(lessor.leaseIDs.map(\.rawValue) == [.min, -1, 1, .max])
        let restarted = try Lessor(store: store)
        #expect(restarted.leaseIDs == lessor.leaseIDs)
        #expect(try store.value(.lease, key: [UInt8](repeating: 0xff, count: 8)) != nil)
    }

    @Test func keys() throws {
        _ = try lessor.grant(LeaseID(1), ttlSeconds: 60)
        for key in ["b", "a", "c", "a"] { lessor.attach(key: Bytes(text: key), to: LeaseID(1)) }
        lessor.attach(key: [1], to: LeaseID(9))
        lessor.detach(key: [1], from: LeaseID(9))
        lessor.detach(key: Bytes(text: "c"), from: LeaseID(1))
        #expect(lessor.lease(LeaseID(1))?.sortedKeys.map(\.text) == ["a", "b"])
        #expect(lessor.exists(LeaseID(1)) && !lessor.exists(LeaseID(9)) && !lessor.exists(.none))
    }

    @Test func removal() throws {
        _ = try lessor.grant(LeaseID(1), ttlSeconds: 60)
        lessor.remove(LeaseID(1))
        #expect(!lessor.exists(LeaseID(1)) && lessor.leaseCount == 0)
        #expect(try Lessor(store: store).leaseCount == 0)
        _ = try lessor.grant(LeaseID(1), ttlSeconds: 61)
        #expect(lessor.lease(LeaseID(1))?.grantedTTLSeconds == 61)
    }

    @Test func checkpoints() throws {
        _ = try lessor.grant(LeaseID(1), ttlSeconds: 600)
        lessor.checkpoint(LeaseID(9), remainingTTLSeconds: 1, isPersistent: true)
        #expect(lessor.leaseIDs == [LeaseID(1)])
        lessor.checkpoint(LeaseID(1), remainingTTLSeconds: 400, isPersistent: false)
        #expect(lessor.lease(LeaseID(1))?.remainingTTLSeconds == 400)
        #expect(try Lessor(store: store).lease(LeaseID(1))?.remainingTTLSeconds == 600)
        lessor.checkpoint(LeaseID(1), remainingTTLSeconds: 300, isPersistent: true)
        let restarted = try #require(try Lessor(store: store).lease(LeaseID(1)))
        #expect(restarted.remainingTTLSeconds == 300 && restarted.grantedTTLSeconds == 600)
        // A renewal puts it back.
        lessor.checkpoint(LeaseID(1), remainingTTLSeconds: 0, isPersistent: true)
        #expect(try Lessor(store: store).lease(LeaseID(1))?.remainingTTLSeconds == 600)
    }

    @Test func shortLeasesOfAFileAreLengthened() throws {
        _ = try lessor.grant(LeaseID(1), ttlSeconds: 2)
        #expect(try Lessor(store: store, minTTLSeconds: 15).lease(LeaseID(1))?.grantedTTLSeconds == 15)
    }

    @Test func recordsThatAreNotAsTheyMustBe() throws {
        for value in [[0xff], []] as [Bytes] {
            let store = try Store.open(disk: SimulatedDisk(), path: "/db")
            store.put(.lease, key: [0, 0, 0, 0, 0, 0, 0, 7], value: value)
            #expect(throws: StoreError.self) { try Lessor(store: store) }
        }
    }
}
