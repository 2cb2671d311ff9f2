import Environment
import Leases
import Testing

@Suite struct TimerWheelTests {
    @Test func aTimerComesUpAtItsTick() {
        for start in [0, 1, 63, 64, 4095, 1 << 30, TimerWheel.endOfTime - 300_000] as [UInt64] {
            for distance in [0, 1, 2, 62, 63, 64, 65, 127, 128, 4095, 4096, 4097, 262_143, 262_144] as [UInt64] {
                var wheel = TimerWheel(now: start)
                wheel.set(5, deadline: start + distance)
                if distance > 0 { #expect(wheel.takeDue(now: start + distance - 1, limit: 10) == []) }
                #expect(wheel.takeDue(now: start + distance, limit: 10) == [5], "\(start) + \(distance)")
                #expect(wheel.count == 0 && wheel.nextDue == nil)
            }
        }
    }

    @Test func aDeadlineThatIsOverComesUpNext() {
        var wheel = TimerWheel(now: 1000)
        wheel.set(1, deadline: 7)
        #expect(wheel.nextDue == 1000)
        #expect(wheel.takeDue(now: 1000, limit: 10) == [1])
    }

    @Test func noMoreThanTheLimitAreTakenAndTheRestComesNext() {
        var wheel = TimerWheel(now: 0)
        for number in 0..<10 { wheel.set(number, deadline: 100) }
        wheel.set(10, deadline: 101)
        #expect(wheel.takeDue(now: 200, limit: 4) == [0, 1, 2, 3])
        // Meanwhile one is cancelled, one comes that is over, and one that is later.
        wheel.cancel(5)
        wheel.set(11, deadline: 50)
        wheel.set(12, deadline: 300)
        #expect(wheel.takeDue(now: 200, limit: 100) == [4, 6, 7, 8, 9, 11, 10])
        #expect(wheel.takeDue(now: 300, limit: 100) == [12])
    }

    @Test func theFarthestDeadline() {
        var wheel = TimerWheel(now: 0)
        wheel.set(0, deadline: .max)
        #expect(wheel.takeDue(now: TimerWheel.endOfTime - 2, limit: 1) == [])
        #expect(wheel.takeDue(now: TimerWheel.endOfTime - 1, limit: 1) == [0])
    }

    /// The wheel against a sorted list, with waits of every length.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func theSameAsASortedList(seed: UInt64) {
        var entropy = SeededEntropy(seed: seed)
        var wheel = TimerWheel(now: 0)
        var deadlines: [Int: UInt64] = [:]
        var now: UInt64 = 0
        for _ in 0..<3000 {
            let number = Int(entropy.next() % 200)
            switch entropy.next() % 10 {
            case 0..<5:
                let deadline = now + entropy.next() % (1 << (entropy.next() % 32))
                wheel.set(number, deadline: deadline)
                deadlines[number] = deadline
            case 5..<7:
                wheel.cancel(number)
                deadlines[number] = nil
            default:
                // As a sleeper does: until something may be due, or for some time.
                now = entropy.next() % 2 == 0 ? max(now, wheel.nextDue ?? now) : now + entropy.next() % 5000
                let limit = 1 + Int(entropy.next() % 20)
                let due = wheel.takeDue(now: now, limit: limit)
                let expected = deadlines.filter { $0.value <= now }
                #expect(due.count == min(limit, expected.count))
                #expect(due.allSatisfy { expected[$0] != nil } && Set(due).count == due.count)
                for number in due { deadlines[number] = nil }
                let latest = due.compactMap { expected[$0] }.max() ?? 0
                let left = deadlines.values.filter { $0 <= now }
                #expect(left.allSatisfy { $0 >= latest }, "the earliest come first")
            }
            #expect(wheel.count == deadlines.count)
            #expect(wheel.isSet(number) == (deadlines[number] != nil))
            if let first = deadlines.values.min() {
                #expect((wheel.nextDue ?? .max) <= max(first, now))
            } else {
                #expect(wheel.nextDue == nil)
            }
        }
    }
}
