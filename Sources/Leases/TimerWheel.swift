/// Timers of numbered things, in ticks: to set, move or cancel one takes the same time however many there are.
///
/// A hierarchy of wheels (Varghese and Lauck, 1987): a timer stands in the level of the highest digit in which its
/// deadline differs from the present, in base 64, and in the slot of that digit. When the present comes to the slot its
/// timers move to lower levels, so that each moves at most as often as there are levels.
///
/// ```
///   level 7     level 1             level 0
///  +-+- -+-+   +-+- -+-+    64     +-+- -+-+    one tick
///  | | ...| |  | | ...| |  ticks   | | ...| |    a slot
///  +-+- -+-+   +-+- -+-+   a slot  +-+- -+-+
/// ```
/// Timers of one tick come up in the order in which they got there.
package struct TimerWheel {
    private struct Timer {
        /// As it stands in the wheel; `idle` if it does not.
        var deadline: UInt64
        var previous: UInt32
        var next: UInt32
    }

    private static let idle = UInt64.max
    private static let none = UInt32.max
    private static let digitBitCount = 6
    private static let slotCount = 1 << digitBitCount
    private static let levelCount = 8
    /// Deadlines are less than this. A tick of 1 ms makes it 8900 years.
    package static let endOfTime: UInt64 = 1 << (digitBitCount * levelCount) - 1

    private var timers: [Timer] = []
    /// First and last timer of each slot, level by level.
    private var heads = [UInt32](repeating: none, count: levelCount * slotCount)
    private var tails = [UInt32](repeating: none, count: levelCount * slotCount)
    /// Which slots of a level have timers.
    private var occupied = [UInt64](repeating: 0, count: levelCount)
    /// How far time has come: every timer before it has come up.
    private var present: UInt64
    package private(set) var count = 0

    /// - Parameter now: in ticks.
    package init(now: UInt64) {
        present = now
    }

    // MARK: Setting

    /// Sets a timer, or moves it. A deadline that is over comes up next.
    package mutating func set(_ number: Int, deadline: UInt64) {
        cancel(number)
        while timers.count <= number {
            timers.append(Timer(deadline: Self.idle, previous: Self.none, next: Self.none))
        }
        timers[number].deadline = min(max(deadline, present), Self.endOfTime - 1)
        append(number)
        count += 1
    }

    /// Cancels a timer; one that is not set is ignored.
    package mutating func cancel(_ number: Int) {
        guard isSet(number) else { return }
        unlink(number)
        timers[number].deadline = Self.idle
        count -= 1
    }

    package func isSet(_ number: Int) -> Bool {
        number < timers.count && timers[number].deadline != Self.idle
    }

    /// Cancels all timers.
    package mutating func removeAll() {
        self = TimerWheel(now: present)
    }

    // MARK: Time

    /// Takes timers whose deadline is over, the earliest first, which are then no longer set.
    ///
    /// - Parameters:
    ///   - now: in ticks.
    ///   - limit: how many to take at most; the next call gives the rest.
    package mutating func takeDue(now: UInt64, limit: Int) -> [Int] {
        var due: [Int] = []
        while let event = nextEvent, event.time <= now {
            present = max(present, event.time)
            if event.level == 0 {
                while due.count < limit, heads[event.slot] != Self.none {
                    let number = Int(heads[event.slot])
                    cancel(number)
                    due.append(number)
                }
                if due.count == limit { return due }
            } else {
                moveDown(event.slot, level: event.level)
            }
        }
        present = max(present, now)
        return due
    }

    /// No timer comes up before this, in ticks; nil if none is set. It may be earlier than the first deadline.
    package var nextDue: UInt64? { nextEvent?.time }

    private struct Event {
        var time: UInt64
        var level: Int
        /// Index into `heads`.
        var slot: Int
    }

    /// Timers of a lower level are always earlier than those of a higher one, and in a level none is behind the present.
    private var nextEvent: Event? {
        for level in 0..<Self.levelCount where occupied[level] != 0 {
            let digit = occupied[level].trailingZeroBitCount
            let shift = Self.digitBitCount * level
            let lowerDigits = (UInt64(1) << (shift + Self.digitBitCount)) - 1
            let time = (present & ~lowerDigits) | (UInt64(digit) << shift)
            return Event(time: time, level: level, slot: level * Self.slotCount + digit)
        }
        return nil
    }

    private mutating func moveDown(_ slot: Int, level: Int) {
        var current = heads[slot]
        heads[slot] = Self.none
        tails[slot] = Self.none
        occupied[level] &= ~(1 << UInt64(slot % Self.slotCount))
        while current != Self.none {
            let number = Int(current)
            current = timers[number].next
            append(number)
        }
    }

    // MARK: Lists

    private func slot(of deadline: UInt64) -> Int {
        let difference = (deadline ^ present) | UInt64(Self.slotCount - 1)
        let level = (UInt64.bitWidth - 1 - difference.leadingZeroBitCount) / Self.digitBitCount
        let digit = Int(deadline >> (Self.digitBitCount * level)) & (Self.slotCount - 1)
        return level * Self.slotCount + digit
    }

    private mutating func append(_ number: Int) {
        let slot = slot(of: timers[number].deadline)
        let last = tails[slot]
        timers[number].previous = last
        timers[number].next = Self.none
        tails[slot] = UInt32(number)
        if last == Self.none {
            heads[slot] = UInt32(number)
            occupied[slot / Self.slotCount] |= 1 << UInt64(slot % Self.slotCount)
        } else {
            timers[Int(last)].next = UInt32(number)
        }
    }

    private mutating func unlink(_ number: Int) {
        let slot = slot(of: timers[number].deadline)
        let (previous, next) = (timers[number].previous, timers[number].next)
        if previous == Self.none { heads[slot] = next } else { timers[Int(previous)].next = next }
        if next == Self.none { tails[slot] = previous } else { timers[Int(next)].previous = previous }
        if heads[slot] == Self.none { occupied[slot / Self.slotCount] &= ~(1 << UInt64(slot % Self.slotCount)) }
    }
}
