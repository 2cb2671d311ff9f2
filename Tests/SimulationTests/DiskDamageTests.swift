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

    @Test(arguments: [DiskDamage.checksumBit, .checksumsLost, .snapshotBit, .snapshotLost])
    func whatNobodyNeedsDoesNoHarm(damage: DiskDamage) throws {
        #expect(try endings(damage).allSatisfy { $0 == .started })
    }
}
