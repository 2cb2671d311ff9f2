import Apply
import EtcdMessages
import MVCC
import Membership
import Node
import Primitives
import SimulatedPlatform
import Store
import Testing

/// Work that takes longer than one event: compactions, hashes, and what a member tells the cluster as it starts.
@Suite struct LongWorkTests {
    // MARK: Compaction

    private func memberWithVersions(_ settings: NodeSettings = TestMember.settings) throws -> TestMember {
        let member = try TestMember.ready(settings: settings)
        for number in 1...60 { member.put("key \(number % 3)") }
        member.commit()
        return member
    }

    @Test func aPhysicalCompactionIsAnsweredOnceItsDeletionsAreInTheFile() throws {
        var settings = TestMember.settings
        settings.compactionBatchCount = 10
        let member = try memberWithVersions(settings)
        let token = member.compact(50, physical: true)
        var recordsAtAnswer: Int?
        var steps = 0
        while !member.isAnswered(token), steps < 1000 {
            steps += 1
            recordsAtAnswer = try TestMember.withStore(on: member.crashed()) { try $0.recordCount(.key) }
            if !member.logJobs.isEmpty {
                member.runLog()
            } else if !member.stepStore() || steps % 7 != 0 {
                continue
            } else {
                member.advance(milliseconds: 10)
            }
        }
        #expect(try #require(member.reply(to: token)).get().revision == 61)
        // Before the step that brought the answer the file still had them all; after it, what compaction keeps.
        #expect(try #require(recordsAtAnswer) >= 14)
        let left = try TestMember.withStore(on: member.crashed()) { try $0.recordCount(.key) }
        #expect(left == 14, "the newest version of each of three keys, and the eleven after")
    }

    @Test func aCompactionThatIsNotPhysicalIsAnsweredAtOnce() throws {
        let member = try memberWithVersions()
        let token = member.compact(50)
        member.runLog()
        #expect(try #require(member.reply(to: token)).get().revision == 61)
        #expect(try TestMember.withStore(on: member.crashed()) { try $0.recordCount(.key) } == 60)
        let early = member.range("key 1")
        #expect(try member.rangeResponse(to: early).count == 1)
    }

    @Test func compactionIsCarriedOutInSlicesWithPauses() throws {
        var settings = TestMember.settings
        settings.compactionBatchCount = 10
        let member = try memberWithVersions(settings)
        _ = member.compact(60)
        member.runLog()
        var slices = 0
        while member.node.mvcc.hasPendingCompaction, slices < 100 {
            #expect(member.node.nanosecondsToNextWork(max: 1_000_000_000) <= 10_000_000)
            member.advance(milliseconds: 10)
            slices += 1
        }
        #expect(slices >= 5)
    }

    // MARK: The end

    @Test func atTheEndTheFileTakesEverythingAtOnce() throws {
        let member = try TestMember.ready()
        member.commit()
        member.put("last")
        member.settle()
        // The interval has not passed: nothing is due.
        #expect(member.committer == nil && member.node.store.committedIndex < member.node.store.appliedIndex)
        let freezeCount = member.node.commitAtOnce()
        #expect(!member.node.isCommitted(freezeCount: freezeCount))
        member.pump()
        member.settle()
        #expect(member.node.isCommitted(freezeCount: freezeCount))
        #expect(member.node.store.committedIndex == member.node.store.appliedIndex)
        #expect(try TestMember.withStore(on: member.crashed()) { try $0.recordCount(.key) } == 1)
    }

    // MARK: Hashes

    @Test func aHashIsOfTheMomentItWasAskedFor() throws {
        let member = try memberWithVersions()
        let first = member.hashKV()
        let second = member.hashKV(61)
        member.put("key 1")
        member.settle()
        let answers = try [first, second].map { try #require(member.reply(to: $0)).get() }
        #expect(try HashKVResponse(decoding: answers[0].body).hashRevision == 61)
        #expect(try HashKVResponse(decoding: answers[0].body).hash == HashKVResponse(decoding: answers[1].body).hash)
    }

    @Test(arguments: [(Int64(1000), EtcdError.futureRev), (3, .compacted)])
    func aHashThatCannotBeIsRefused(revision: Int64, error: EtcdError) throws {
        let member = try memberWithVersions()
        _ = member.compact(50)
        member.settle()
        #expect(member.reply(to: member.hashKV(revision)) == .failure(error))
        #expect(member.longReads.isEmpty)
    }

    @Test func longReadsLeaveNothingBehind() throws {
        func sizeAfterRounds(withHashes: Bool) throws -> Int {
            let member = try TestMember.ready()
            for round in 1...60 {
                member.put("key \(round % 5)", Bytes(repeating: UInt8(round), count: 2000))
                if withHashes {
                    _ = member.hashKV()
                    let token = member.token()
                    member.node.hash(token)
                    member.pump()
                    _ = member.hashKV()
                }
                member.commit()
                #expect(member.node.store.frozenTableCount == 0)
            }
            return member.node.store.sizeByteCount
        }
        let plain = try sizeAfterRounds(withHashes: false)
        let hashed = try sizeAfterRounds(withHashes: true)
        #expect(hashed <= plain + plain / 10)
    }

    // MARK: Publication

    @Test func aMemberTellsTheClusterOfItselfAndIsReadyOnce() throws {
        var settings = TestMember.settings
        settings.name = "heron"
        settings.clientURLs = ["http://10.0.0.1:2379", "http://10.0.0.1:4001"]
        let member = try TestMember(settings: settings)
        while member.readyCount == 0, !member.logJobs.isEmpty {
            let known = member.node.applier.cluster.member(member.node.memberID)
            #expect(known?.clientURLs.isEmpty == true)
            member.runLog()
        }
        let known = try #require(member.node.applier.cluster.member(member.node.memberID))
        #expect(known.name == Bytes(text: "heron"))
        #expect(known.clientURLs == settings.clientURLs.map { Bytes(text: $0) })
        #expect(member.node.applier.cluster.version == EtcdVersion(major: 3, minor: 6))
        member.put("a")
        member.commit()
        #expect(member.readyCount == 1)

        settings.clientURLs = ["http://10.0.0.2:2379"]
        let again = try TestMember.ready(disk: member.crashed(), settings: settings)
        #expect(
            again.node.applier.cluster.member(again.node.memberID)?.clientURLs == [Bytes(text: "http://10.0.0.2:2379")])
        again.commit()
        #expect(again.readyCount == 1)
    }
}
