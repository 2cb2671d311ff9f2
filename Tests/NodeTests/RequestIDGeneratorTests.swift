import Primitives
import Testing

@testable import Node

/// Numbers of proposals, across restarts.
@Suite struct RequestIDGeneratorTests {
    private static let member = MemberID(0x1234_5678_9abc_def0)
    private static let start: Int64 = 1_700_000_000_000_000_000
    private static let count = 10_000

    private func generator(
        unix: Int64 = start, monotonic: UInt64 = 1_000_000, member: MemberID = member
    ) -> RequestIDGenerator {
        RequestIDGenerator(member: member, unixNanoseconds: unix, monotonicNanoseconds: monotonic)
    }

    /// So many numbers as a process gives out in one of its lives.
    private func numbers(_ generator: RequestIDGenerator) -> Set<UInt64> {
        var generator = generator
        return Set((0..<Self.count).map { _ in generator.next() })
    }

    @Test func numbersGrowAndNameTheirMember() {
        var numbers = generator()
        let (first, second) = (numbers.next(), numbers.next())
        #expect(first < second && first >> 48 == 0xdef0)
    }

    @Test func noProcessUsesNumbersOfAnother() {
        let starts: [(unix: Int64, monotonic: UInt64)] = [
            (Self.start, 1_000_000),
            // More than 256 a millisecond were made, and the process starts again ten milliseconds later.
            (Self.start + 10_000_000, 11_000_000),
            // The clock is set back; twice to the same time.
            (Self.start - 1_000_000_000, 20_000_000), (Self.start - 1_000_000_000, 30_000_000),
            // The machine starts again, just as long ago as before.
            (Self.start + 60_000_000_000, 1_000_000),
        ]
        let used = starts.reduce(into: Set<UInt64>()) { used, start in
            used.formUnion(numbers(generator(unix: start.unix, monotonic: start.monotonic)))
        }
        #expect(used.count == starts.count * Self.count)
    }

    /// Where the last two bytes of two members' numbers are the same.
    @Test func noMemberUsesNumbersOfAnother() {
        let other = MemberID(Self.member.rawValue ^ 1 << 60)
        #expect(numbers(generator()).isDisjoint(with: numbers(generator(member: other))))
    }

    @Test func timesBefore1970AreTimes() {
        #expect(numbers(generator(unix: -1)).isDisjoint(with: numbers(generator(unix: -2))))
    }
}
