import EtcdMessages
import MVCC
import Node
import Primitives
import SimulatedPlatform
import Store
import Testing

/// Defragmentation as clients see it.
@Suite struct DefragmentationTests {
    private func memberWithHoles(_ settings: NodeSettings = TestMember.settings) throws -> TestMember {
        let member = try TestMember.ready(settings: settings)
        for number in 0..<60 {
            member.put("key \(number % 6)", Bytes(repeating: UInt8(number), count: 9000))
            if number % 10 == 9 { member.commit() }
        }
        let token = member.compact(member.node.mvcc.currentRevision, physical: true)
        for _ in 0..<50 where !member.isAnswered(token) { member.commit() }
        #expect(member.isAnswered(token))
        return member
    }

    private func defragment(_ member: TestMember) -> RequestToken {
        let token = member.token()
        member.node.defragment(token)
        member.pump()
        return token
    }

    private func settle(_ member: TestMember, until token: RequestToken) {
        for _ in 0..<500 where !member.isAnswered(token) {
            member.settle()
            member.advance(milliseconds: 5)
        }
    }

    @Test func theFileBecomesSmallAndTheAnswerHasNoHeader() throws {
        let member = try memberWithHoles()
        let store = member.node.store
        let before = store.sizeByteCount
        #expect(store.sizeInUseByteCount * 2 < before)
        let token = defragment(member)
        #expect(!member.isAnswered(token))
        settle(member, until: token)
        let reply = try #require(member.reply(to: token)).get()
        #expect(!reply.hasHeader && reply.body.isEmpty)
        #expect(store.sizeByteCount * 10 <= store.sizeInUseByteCount * 11)
        try store.check()
        let percents = member.progresses.map(\.percent)
        #expect(percents.first == 0 && percents.last == 100 && percents == percents.sorted())
        #expect(member.progresses.allSatisfy { $0.operation == .defragmentation })
        // Nothing goes on afterwards.
        member.advance(milliseconds: 200)
        #expect(member.committer == nil && !store.isDefragmenting)
    }

    @Test func callsMeanwhileShareTheRun() throws {
        let member = try memberWithHoles()
        let first = defragment(member)
        member.stepStore()
        let second = defragment(member)
        settle(member, until: first)
        #expect(member.isAnswered(second))
        #expect(member.progresses.filter { $0.percent == 100 }.count == 1)
        // One that comes later is a run of its own.
        let third = defragment(member)
        #expect(!member.isAnswered(third))
        settle(member, until: third)
        #expect(member.isAnswered(third))
        #expect(member.progresses.filter { $0.percent == 100 }.count == 2)
    }

    @Test func writesAndReadsGoOnMeanwhile() throws {
        let member = try memberWithHoles()
        let token = defragment(member)
        var rounds = 0
        while !member.isAnswered(token), rounds < 3000 {
            rounds += 1
            let put = member.put("round", Bytes(bigEndian: UInt64(rounds)))
            while !member.logJobs.isEmpty { member.runLog() }
            #expect(member.isAnswered(put), "a write waits for nothing of it")
            let read = member.range("round")
            #expect(try member.rangeResponse(to: read).kvs.first?.value == Bytes(bigEndian: UInt64(rounds)))
            member.stepStore()
            if rounds % 5 == 0 { member.advance(milliseconds: 5) }
        }
        #expect(member.isAnswered(token))
        member.commit()
        try member.node.store.check()
        let range = member.range("key 3")
        #expect(try member.rangeResponse(to: range).kvs.first?.value == Bytes(repeating: 57, count: 9000))
    }

    @Test func aSnapshotThatIsReadHoldsItUpForNobody() throws {
        let member = try memberWithHoles()
        let snapshotToken = member.token()
        member.node.openSnapshot(snapshotToken)
        member.pump()
        member.settle()
        let snapshot = try #require(member.snapshots.first?.snapshot)
        let before = try snapshot.read(offset: 0, count: snapshot.byteCount)
        let token = defragment(member)
        settle(member, until: token)
        #expect(member.isAnswered(token))
        let after = try snapshot.read(offset: 0, count: snapshot.byteCount)
        for bytes in [before, after] {
            let disk = SimulatedDisk()
            disk.placeDirectory("/data/member/snap")
            disk.place(bytes, at: "/data/member/snap/db")
            try TestMember.withStore(on: disk) {
                try $0.check()
                #expect(try $0.recordCount(.key) == 6)
            }
        }
        member.node.closeSnapshot(snapshotToken)
        let again = defragment(member)
        settle(member, until: again)
        #expect(member.node.store.sizeByteCount * 10 <= member.node.store.sizeInUseByteCount * 11)
    }

    @Test(arguments: [(1, true), (1 << 40, false), (0, false)])
    func aStartWithMuchFreeBeginsOne(threshold: Int, isBegun: Bool) throws {
        let member = try memberWithHoles()
        var settings = TestMember.settings
        settings.bootstrapDefragmentationByteCount = threshold
        let again = try TestMember.ready(disk: member.crashed(), settings: settings)
        #expect(again.progresses.isEmpty != isBegun)
        for _ in 0..<200 where again.node.store.isDefragmenting {
            again.settle()
            again.advance(milliseconds: 5)
        }
        let store = again.node.store
        #expect((store.sizeByteCount * 10 <= store.sizeInUseByteCount * 11) == isBegun)
    }
}
