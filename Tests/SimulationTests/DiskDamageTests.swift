import Environment
import Simulation
import Testing

/// What becomes of a disk is found by those whose business it is, or does no harm (docs/internals/simulation.md, "Disks"). Clusters have
/// the same done to them all the time: `martlet-sim --kind cluster`.
@Suite struct DiskDamageTests {
    /// What came of a kind of damage with some seeds.
    private func endings(_ damage: DiskDamage) throws -> [DamageTrial.Ending] {
        let endings = try (UInt64(1)...6).compactMap { try DamageTrial.run(damage, seed: $0) }
        #expect(!endings.isEmpty, "there was nothing to damage")
        return endings
    }

    private func refusals(_ damage: DiskDamage) throws -> [String] {
        try endings(damage).compactMap { if case .refused(let why) = $0 { why } else { nil } }
    }

    @Test func aBitInTheLogIsFoundByItsChecksum() throws {
        // One in the length or the type of a record may mean nothing; `DamageTrial` knows which.
        let refusals = try refusals(.logBit)
        #expect(!refusals.isEmpty && refusals.allSatisfy { $0.contains("log") }, "\(refusals)")
    }

    @Test func aLostWriteOfTheLogIsFoundByWhatIsBehindIt() throws {
        let refusals = try refusals(.logWriteLost)
        #expect(try refusals.count == endings(.logWriteLost).count && refusals.allSatisfy { $0.contains("corrupt") })
    }

    @Test(arguments: [DiskDamage.pageBit, .pageLost, .pageMisdirected])
    func aPageThatIsNotWhatWasWrittenIsFound(damage: DiskDamage) throws {
        let refusals = try refusals(damage)
        #expect(try refusals.count == endings(damage).count)
        #expect(refusals.allSatisfy { $0.contains("page ") }, "\(refusals)")
    }

    @Test func aFileWithoutAMetaIsRefused() throws {
        let refusals = try refusals(.bothMetas)
        #expect(refusals.count == 6 && refusals.allSatisfy { $0.contains("neither meta page is valid") }, "\(refusals)")
    }

    @Test(arguments: [DiskDamage.segmentLost, .newestMeta, .storeLost])
    func whatTheRestMakesUpForIsRightOrRefused(damage: DiskDamage) throws {
        #expect(try !endings(damage).isEmpty)
    }

    /// A cluster that sends snapshots all the time, half of which change on their way.
    @Test func aSnapshotThatIsNotWhatWasSentIsRefusedAndSentAgain() throws {
        var found = 0
        for seed in UInt64(1)...3 {
            var entropy = SeededEntropy(seed: seed)
            var settings = ClusterSettings(entropy: &entropy, memberCount: 3)
            settings.requestCount = 250
            settings.member.snapshotEntryCount = 5
            settings.catchUpEntryCount = 1
            settings.faultIntervalNanoseconds = 1_000_000_000
            settings.disks.damagedSnapshotPercent = 50
            let outcome = try ClusterSimulation(seed: seed, settings: settings).run()
            found += outcome.faultCounts["damaged snapshot refused"] ?? 0
        }
        #expect(found > 0)
    }

    /// Where there is no other copy, a member finds that it cannot go on; or nothing that was acknowledged is gone.
    @Test func theOnlyCopyIsRefusedOrWhole() throws {
        var ended = 0
        for seed in UInt64(1)...12 {
            var entropy = SeededEntropy(seed: seed)
            var settings = ClusterSettings(entropy: &entropy, memberCount: seed % 2 == 0 ? 1 : 2)
            settings.requestCount = 60
            settings.faults.changeMembers = 0
            settings.disks.endsWithRuin = 1
            let outcome = try ClusterSimulation(seed: seed, settings: settings).run()
            ended += outcome.faultCounts["cluster ended by its disk"] ?? 0
        }
        #expect(ended > 0 && ended < 12)
    }

    @Test(arguments: [DiskDamage.checksumBit, .checksumsLost, .snapshotBit, .snapshotLost])
    func whatNobodyNeedsDoesNoHarm(damage: DiskDamage) throws {
        #expect(try endings(damage).allSatisfy { $0 == .started })
    }
}
