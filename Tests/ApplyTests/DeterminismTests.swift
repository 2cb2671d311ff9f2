import Apply
import Auth
import EtcdMessages
import MVCC
import Primitives
import Store
import Testing

/// Members that apply the same entries hold the same, whatever became of them meanwhile; and no entry stops one.
@Suite struct DeterminismTests {
    /// One member lives on; the other is restarted, and rebuilt from memory, between entries.
    @Test(arguments: 0..<12) func aRestartedMemberHoldsTheSame(seed: UInt64) throws {
        let steady = try ApplyFixture()
        let restless = try ApplyFixture()
        var entries = RandomEntries(seed: seed)
        var chance = RandomEntries(seed: seed &+ 1000)
        var refusals = 0
        for number in 0..<400 {
            let (type, data) = entries.next(authRevision: steady.applier.auth.revision)
            if number % 100 == 99 {
                steady.term += 1
                restless.term += 1
            }
            let one = try steady.apply(data, type: type)
            let other = try restless.apply(data, type: type)
            #expect(one.refusal == other.refusal && one.answer == other.answer && one.requestID == other.requestID)
            #expect(one.confState == other.confState && one.physicalCompaction == other.physicalCompaction)
            if one.refusal != nil { refusals += 1 }
            // A compaction's job writes beside the entries; it is let run to its end in both.
            for fixture in [steady, restless] {
                while fixture.applier.mvcc.hasPendingCompaction {
                    try fixture.applier.mvcc.compactionStep(budget: 1000)
                }
            }
            switch chance.pick(12) {
            case 0: try restless.commit()
            case 1: try restless.restart()
            case 2: try restless.rebuild()
            case 3: restless.store.freeze()
            default: break
            }
        }
        // Neither all nor none was refused, or the test would say little.
        #expect(refusals > 40 && refusals < 360)
        let one = try steady.state()
        let other = try restless.state()
        #expect(one == other, "\(Set(one).symmetricDifference(other).sorted())")
        #expect(steady.view(withCheckpoints: false) == restless.view(withCheckpoints: false))
        let view = restless.view(withCheckpoints: false)
        try restless.restart()
        #expect(restless.view(withCheckpoints: false) == view)
    }

    /// Bytes that are no entry, and entries with a few bytes changed, cut off or put in.
    @Test(arguments: 0..<12) func noEntryStopsAMember(seed: UInt64) throws {
        let fixture = try ApplyFixture()
        let other = try ApplyFixture()
        var entries = RandomEntries(seed: seed)
        for _ in 0..<600 {
            var (type, data) = entries.next(authRevision: fixture.applier.auth.revision)
            var bytes = data ?? []
            switch entries.pick(5) {
            case 0: bytes = (0..<entries.pick(40)).map { _ in UInt8(entries.pick(256)) }
            case 1: bytes.removeLast(Int(entries.pick(UInt64(bytes.count + 1))))
            case 2, 3:
                for _ in 0...entries.pick(3) where !bytes.isEmpty {
                    bytes[Int(entries.pick(UInt64(bytes.count)))] = UInt8(entries.pick(256))
                }
            default: bytes.insert(UInt8(entries.pick(256)), at: Int(entries.pick(UInt64(bytes.count + 1))))
            }
            if entries.pick(10) == 0 { type = RaftEntryType(rawValue: Int32(entries.pick(4))) }
            let one = try fixture.apply(bytes, type: type)
            let two = try other.apply(bytes, type: type)
            #expect(one.refusal == two.refusal && one.answer == two.answer)
        }
        #expect(try fixture.state() == other.state())
        let view = fixture.view(withCheckpoints: false)
        try fixture.restart()
        #expect(fixture.view(withCheckpoints: false) == view)
    }
}
