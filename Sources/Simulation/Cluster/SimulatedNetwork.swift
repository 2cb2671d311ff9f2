package import Environment
internal import Primitives

// Fault model. This is what members on this network must be ready for; docs/internals/simulation.md says the same at length.
//
// What may happen to a packet:
// * It arrives after a delay drawn for it, or never. Its sender may hear that it did not arrive, long afterwards, or not at all.
// * Now and then it arrives twice, each time after a delay of its own; but never what a transport sends once: a forwarded
//   proposal, a question, an answer, a snapshot.
// * On an ordered network (as of streams) packets of one link arrive in the order in which they were sent, with gaps where some were
//   lost; otherwise each comes when its delay is over. Links do not wait for each other on either.
// * A large packet, a snapshot, takes the time of its bytes on top, and others overtake it.
// * It arrives although its sender, or the receiver whom it was meant for, has crashed and started again since. Only answers to
//   questions, and words about a snapshot, are for the process that waits for them alone.
//
// What may happen to a link, of which each leads one way:
// * It is cut: it loses all that is sent on it, and all that is on its way when it would have arrived, large packets in their middle
//   so. Any set of links may be: two parts, one member alone, a ring, one direction of one link.
// * It is clogged: it keeps what is sent until it opens again. Each opens at a time of its own.
// * Its stream breaks: it loses all that is on its way, and only that; both ends are told that they lost each other.
// All of that may happen at once, again before it is mended, and for as long as the run likes. Loss, doubling and delays differ from run to
// run, not within one.
//
// What may not:
// * A packet does not change on its way. It is a message of HTTP over TCP, held against the checksums of the link, of IP and of TCP, and by
//   TLS where there is any; what passes them and is no message is refused, which fuzzing sees to (`Fuzz`, target `peer`). A message that
//   passes all of that with one value another is believed: Raft takes its members for honest, and the protocol is etcd's, which has no
//   checksum. The one exception is the file of a snapshot: it is so long, and stays for so long, that its sender says what it must be.
//   What becomes of it is not decided here, but where it arrives (`SnapshotDamage`).
// * Nobody sends what it is not: there are no forged senders, and no members of another cluster (`PeerTransportTests`).
// * No queue is full. Only the rate of a snapshot is bounded, and a receiver's time is that of its machine (`SimulatedHost`).
// * What was lost is not found again: a link that is mended brings nothing back.

/// The packets between the members of a simulated cluster, on their way.
package struct SimulatedNetwork<Packet> {
    /// How good the network is. Each run draws its own.
    package struct Settings: Equatable, Sendable {
        package var leastDelayNanoseconds: UInt64 = 100_000
        package var greatestDelayNanoseconds: UInt64 = 2_000_000
        /// In how many of ten thousand times a packet is lost.
        package var lossPerTenThousand = 0
        /// In how many of ten thousand times a packet arrives twice.
        package var duplicationPerTenThousand = 0
        /// Whether packets of one link arrive in the order in which they were sent.
        package var isOrdered = true
        /// What a large packet takes on top of its delay, in nanoseconds a byte.
        package var nanosecondsPerByte: UInt64 = 0

        package init() {}
    }

    /// Who sends and who receives.
    package struct Link: Hashable, Comparable, Sendable {
        package var from: UInt64
        package var to: UInt64

        package init(from: UInt64, to: UInt64) {
            self.from = from
            self.to = to
        }

        /// One number is enough to spread a handful of links, and each packet has its looked up.
        package func hash(into hasher: inout Hasher) {
            hasher.combine(from &* 0x9e37_79b9_7f4a_7c15 ^ to)
        }

        package static func < (left: Link, right: Link) -> Bool { (left.from, left.to) < (right.from, right.to) }
    }

    /// The end of a packet's way.
    package struct Arrival {
        package var link: Link
        package var packet: Packet
        /// The link was cut: nobody receives it.
        package var isLost: Bool
        package var time: UInt64
    }

    private struct Flight {
        var link: Link
        var packet: Packet
        /// Its stream broke: it is lost when it would have arrived.
        var isBroken = false
    }

    /// When a packet arrives, and where it is meanwhile: what the heap moves about.
    private struct Due {
        var time: UInt64
        /// Equal times go by the order of sending.
        var number: UInt64
        /// Its place among the flights.
        var place: Int

        func precedes(_ other: Due) -> Bool { (time, number) < (other.time, other.number) }
    }

    package var settings: Settings
    private var entropy: SeededEntropy
    /// A heap: the first to arrive at its root.
    private var dues: [Due] = []
    /// What is on its way, at places that stay; nil where a place is free.
    private var flights: [Flight?] = []
    private var freePlaces: [Int] = []
    private var flightCount: UInt64 = 0
    private var cut: Set<Link> = []
    /// Until when a link keeps what is sent.
    private var clogged: [Link: UInt64] = [:]
    /// When the last packet of an ordered link arrives.
    private var lastDue: [Link: UInt64] = [:]
    package private(set) var deliveredCount = 0
    package private(set) var lostCount = 0
    package private(set) var duplicatedCount = 0

    package init(settings: Settings, entropy: SeededEntropy) {
        self.settings = settings
        self.entropy = entropy
    }

    // MARK: Packets

    /// Sends a packet.
    ///
    /// - Parameters:
    ///   - byteCount: of a large one, which others overtake; 0 for the rest.
    ///   - mayRepeat: false for what a transport never sends again.
    /// - Returns: whether it is on its way.
    @discardableResult
    package mutating func send(
        _ packet: Packet, on link: Link, now: UInt64, byteCount: Int = 0, mayRepeat: Bool = true
    ) -> Bool {
        guard !isCut(link), !happens(settings.lossPerTenThousand) else {
            lostCount += 1
            return false
        }
        launch(packet, on: link, now: now, byteCount: byteCount)
        if mayRepeat, happens(settings.duplicationPerTenThousand) {
            duplicatedCount += 1
            launch(packet, on: link, now: now, byteCount: byteCount)
        }
        return true
    }

    /// When the next packet arrives; nil if none is on its way.
    package var nextArrival: UInt64? { dues.isEmpty ? nil : dues[0].time }

    /// The next packet that has arrived by now; nil if there is none.
    package mutating func takeArrival(now: UInt64) -> Arrival? {
        guard let first = dues.first, first.time <= now else { return nil }
        removeFirst()
        guard let flight = flights[first.place].take() else { unreachable("what is due is on its way") }
        freePlaces.append(first.place)
        let isLost = flight.isBroken || isCut(flight.link)
        if isLost { lostCount += 1 } else { deliveredCount += 1 }
        return Arrival(link: flight.link, packet: flight.packet, isLost: isLost, time: first.time)
    }

    private mutating func launch(_ packet: Packet, on link: Link, now: UInt64, byteCount: Int) {
        let spread = settings.greatestDelayNanoseconds - settings.leastDelayNanoseconds
        let opening = clogged.isEmpty ? 0 : clogged[link] ?? 0
        var due = max(now, opening) + settings.leastDelayNanoseconds + entropy.next() % (spread + 1)
        if byteCount > 0 {
            due += UInt64(byteCount) * settings.nanosecondsPerByte
        } else if settings.isOrdered {
            due = max(due, lastDue[link] ?? 0)
            lastDue[link] = due
        }
        flightCount += 1
        let place = freePlaces.popLast() ?? flights.count
        if place == flights.count { flights.append(nil) }
        flights[place] = Flight(link: link, packet: packet)
        insert(Due(time: due, number: flightCount, place: place))
    }

    private mutating func happens(_ perTenThousand: Int) -> Bool {
        perTenThousand > 0 && entropy.next() % 10_000 < UInt64(perTenThousand)
    }

    // MARK: Faults

    package func isCut(_ link: Link) -> Bool { !cut.isEmpty && cut.contains(link) }

    /// Cuts one direction, or mends it.
    package mutating func setCut(_ link: Link, _ isCut: Bool) {
        if isCut { cut.insert(link) } else { cut.remove(link) }
    }

    /// Cuts everything between two groups, in both directions.
    ///
    /// - Returns: the links that are cut by that.
    @discardableResult
    package mutating func partition(_ left: [UInt64], from right: [UInt64]) -> [Link] {
        var links: [Link] = []
        for first in left {
            for second in right where first != second {
                links += [Link(from: first, to: second), Link(from: second, to: first)]
            }
        }
        for link in links { setCut(link, true) }
        return links
    }

    /// Loses all that is on its way on a link.
    package mutating func loseFlights(on link: Link) {
        for place in flights.indices where flights[place]?.link == link { flights[place]?.isBroken = true }
    }

    /// Keeps what is sent on a link until then.
    package mutating func clog(_ link: Link, until time: UInt64) {
        clogged[link] = time
    }

    /// Mends every link. What is on its way stays so.
    package mutating func heal() {
        cut = []
        clogged = [:]
    }

    /// The links that are cut, in order.
    package var cutLinks: [Link] { cut.sorted() }

    // MARK: The heap

    private mutating func insert(_ due: Due) {
        dues.append(due)
        var place = dues.count - 1
        while place > 0 {
            let parent = (place - 1) / 2
            guard dues[place].precedes(dues[parent]) else { return }
            dues.swapAt(place, parent)
            place = parent
        }
    }

    private mutating func removeFirst() {
        dues.swapAt(0, dues.count - 1)
        dues.removeLast()
        var place = 0
        while true {
            var least = place
            let left = 2 * place + 1
            if left < dues.count, dues[left].precedes(dues[least]) { least = left }
            if left + 1 < dues.count, dues[left + 1].precedes(dues[least]) { least = left + 1 }
            guard least != place else { return }
            dues.swapAt(place, least)
            place = least
        }
    }
}
