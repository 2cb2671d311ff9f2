import Primitives
import Testing

@testable import Node

/// What members' hashes say of them.
@Suite struct CorruptionCheckTests {
    private typealias Hash = CorruptionCheck.Hash

    private func hash(_ hash: UInt32, compacted: Int64 = 5, at revision: Int64 = 10, header: Int64? = nil) -> Hash {
        Hash(hash: hash, compactRevision: compacted, hashRevision: revision, headerRevision: header ?? revision)
    }

    private func suspect(before: Hash, after: Hash, _ others: [(UInt64, Hash)]) -> UInt64? {
        CorruptionCheck.suspect(
            own: MemberID(1), before: before, after: after, others: others.map { (id: MemberID($0.0), hash: $0.1) }
        )?.rawValue
    }

    @Test func membersThatAgreeAreNotSuspected() {
        #expect(suspect(before: hash(7), after: hash(7), [(2, hash(7)), (3, hash(7, header: 9))]) == nil)
        // The leader went on meanwhile.
        #expect(suspect(before: hash(7), after: hash(8, at: 12), [(2, hash(7, header: 12))]) == nil)
        #expect(suspect(before: hash(7), after: hash(8, compacted: 6), [(2, hash(7))]) == nil)
        // Another history was forgotten, so that there is nothing to compare.
        #expect(suspect(before: hash(7), after: hash(7), [(2, hash(8, compacted: 4))]) == nil)
        #expect(suspect(before: hash(7), after: hash(7), []) == nil)
    }

    @Test func oneThatCannotBeRightIsSuspected() {
        #expect(suspect(before: hash(7), after: hash(8), [(2, hash(7))]) == 1)
        #expect(suspect(before: hash(7), after: hash(7), [(2, hash(7)), (3, hash(8))]) == 3)
        // A follower has what its leader does not.
        #expect(suspect(before: hash(7), after: hash(9, at: 12), [(2, hash(7, header: 13))]) == 2)
        #expect(suspect(before: hash(7), after: hash(7), [(2, hash(7, compacted: 6))]) == 2)
        // One alarm for each pass.
        #expect(suspect(before: hash(7), after: hash(7), [(2, hash(8)), (3, hash(9))]) == 2)
    }

    @Test func aMemberThatStartsIsComparedWithThoseThatForgotTheSame() {
        #expect(!CorruptionCheck.differs(own: hash(7), others: [hash(7), hash(8, compacted: 4)]))
        #expect(CorruptionCheck.differs(own: hash(7), others: [hash(7), hash(8)]))
        #expect(!CorruptionCheck.differs(own: hash(7), others: []))
    }

    private func judge(_ own: Hash, _ others: [(UInt64, Hash?)]) -> CorruptionCheck.Verdict {
        CorruptionCheck.judge(own: MemberID(1), own, others: others.map { (id: MemberID($0.0), hash: $0.1) })
    }

    @Test func aCompactionIsFoundTheSameEverywhereOrOnlyWhereItCanBeCompared() {
        #expect(judge(hash(7), [(2, hash(7)), (3, hash(7))]) == .consistent)
        #expect(judge(hash(7), [(2, hash(7)), (3, nil)]) == .incomplete)
        #expect(judge(hash(7), [(2, hash(7)), (3, hash(8, compacted: 4))]) == .incomplete)
    }

    @Test func thoseWhoDifferFromMostAreCorruptAndWithoutAMajorityAllAre() {
        #expect(judge(hash(7), [(2, hash(7)), (3, hash(8))]) == .corrupt([MemberID(3)]))
        // The leader is no better than the others.
        #expect(judge(hash(7), [(2, hash(8)), (3, hash(8))]) == .corrupt([MemberID(1)]))
        #expect(
            judge(hash(7), [(4, hash(9)), (2, hash(7)), (3, hash(8)), (5, hash(7))])
                == .corrupt([MemberID(3), MemberID(4)]))
        #expect(judge(hash(7), [(2, hash(8)), (3, hash(9))]) == .corrupt([.none]))
        // Two of three, and one that cannot be compared: no majority of three.
        #expect(judge(hash(7), [(2, hash(8)), (3, nil)]) == .corrupt([.none]))
    }
}
