import Membership
import Primitives
import SimulatedPlatform
import Store
import Testing

/// Which version a cluster goes to, and which downgrades it takes.
@Suite struct ClusterVersionTests {
    private let store: Store
    private let cluster: Cluster
    private let etcd37 = EtcdVersion(major: 3, minor: 7)

    init() throws {
        store = try Store.open(disk: SimulatedDisk(), path: "/db")
        cluster = try Cluster(store: store)
    }

    private func set(_ version: String) throws { _ = try cluster.setVersion(Bytes(text: version)) }

    private func downgrade(to version: String?) {
        cluster.setDowngrade(
            DowngradeState(isEnabled: version != nil, targetVersion: Bytes(text: version ?? "")))
    }

    @Test func aNewClusterTakesTheVersionOfItsOldestMember() {
        #expect(cluster.versionToSet(oldestMember: .presented) == .etcd36)
        #expect(cluster.versionToSet(oldestMember: nil) == .oldest)
    }

    @Test func theVersionRisesWithTheOldestMemberAndNeverFallsByItself() throws {
        try set("3.5.0")
        #expect(cluster.versionToSet(oldestMember: .presented) == .etcd36)
        #expect(cluster.versionToSet(oldestMember: nil) == nil)
        #expect(cluster.versionToSet(oldestMember: EtcdVersion(major: 4, minor: 0)) == nil)
        try set("3.6.0")
        #expect(cluster.versionToSet(oldestMember: .presented) == nil)
        try set("3.7.0")
        #expect(cluster.versionToSet(oldestMember: .presented) == nil)
    }

    @Test func aDowngradeGoesOneReleaseBack() throws {
        try set("3.6.0")
        downgrade(to: "3.5.0")
        #expect(cluster.versionToSet(oldestMember: .presented) == .etcd35)
        #expect(cluster.versionToSet(oldestMember: nil) == nil)
        #expect(cluster.versionToSet(oldestMember: etcd37) == nil)
        #expect(!cluster.isDowngradeDone(oldestMember: .presented, newestMember: .presented))
        try set("3.5.0")
        #expect(cluster.versionToSet(oldestMember: .presented) == nil)
        #expect(!cluster.isDowngradeDone(oldestMember: .presented, newestMember: .presented))
        #expect(cluster.isDowngradeDone(oldestMember: .etcd35, newestMember: .etcd35))
        #expect(!cluster.isDowngradeDone(oldestMember: .etcd35, newestMember: .presented), "one is yet to go")
        #expect(!cluster.isDowngradeDone(oldestMember: nil, newestMember: nil))
        downgrade(to: nil)
        #expect(!cluster.isDowngradeDone(oldestMember: .etcd35, newestMember: .etcd35))
        #expect(cluster.versionToSet(oldestMember: .presented) == .etcd36)
    }

    @Test func downgradesThatAreRefused() throws {
        #expect(throws: EtcdError.clusterVersionUnavailable) { try cluster.checkDowngrade(to: .etcd35) }
        try set("3.6.0")
        try cluster.checkDowngrade(to: .etcd35)
        for version in [EtcdVersion.etcd36, etcd37, .oldest] {
            #expect(throws: EtcdError.invalidDowngradeTargetVersion) { try cluster.checkDowngrade(to: version) }
        }
        downgrade(to: "3.5.0")
        #expect(throws: EtcdError.downgradeInProcess) { try cluster.checkDowngrade(to: .etcd35) }
        #expect(throws: EtcdError.invalidDowngradeTargetVersion) { try cluster.checkDowngrade(to: .etcd36) }
    }

    @Test func theSchemaGoesBackWhenItIsTold() throws {
        #expect(cluster.schemaVersion == .etcd35 && !cluster.isSchemaAhead)
        try set("3.7.0")
        #expect(cluster.schemaVersion == etcd37)
        try set("3.6.0")
        #expect(cluster.isSchemaAhead && cluster.schemaVersion == etcd37)
        cluster.lowerStorageVersion()
        #expect(try !cluster.isSchemaAhead && Cluster(store: store).storageVersion == .etcd36)
        try set("3.5.0")
        cluster.lowerStorageVersion()
        #expect(cluster.schemaVersion == .etcd35 && !cluster.isSchemaAhead)
        #expect(try store.value(.meta, key: MetaKey.storageVersion) == nil)
        cluster.lowerStorageVersion()
        try set("3.6.0")
        #expect(cluster.storageVersion == .etcd36)
    }

    @Test(arguments: [
        ("3.5.0", "3.5.0"), ("3.5", "3.5.0"), ("3.5.7", "3.5.0"), ("3.5.0-rc.1", "3.5.0"), ("3.5.0-a+b.c", "3.5.0"),
        ("", nil), ("x", nil), ("3", nil), ("v3.5.0", nil), ("3.5.0.0", nil), ("-1.2.3", nil), (" 3.5.0", nil),
        ("3.5-1", nil), ("3.5.0+a+b", nil), ("3.5.0-\u{fc}", nil), ("3.+5", nil),
    ])
    func targets(text: String, version: String?) {
        #expect(EtcdVersion(clusterVersion: Bytes(text: text))?.description == version)
    }
}
