import Environment
import Simulation
import Testing

/// The packets of a simulated cluster.
@Suite struct SimulatedNetworkTests {
    private typealias Network = SimulatedNetwork<Int>
    private let there = Network.Link(from: 1, to: 2)
    private let back = Network.Link(from: 2, to: 1)

    private func network(_ change: (inout Network.Settings) -> Void = { _ in }) -> Network {
        var settings = Network.Settings()
        change(&settings)
        return Network(settings: settings, entropy: SeededEntropy(seed: 7))
    }

    private func arrivals(_ network: inout Network) -> [Network.Arrival] {
        var all: [Network.Arrival] = []
        while let arrival = network.takeArrival(now: .max) { all.append(arrival) }
        return all
    }

    @Test func packetsArriveInOrderWithinTheirDelays() {
        var network = network()
        for number in 0..<100 { network.send(number, on: there, now: UInt64(number) * 1000) }
        #expect(network.nextArrival ?? 0 >= 100_000)
        let all = arrivals(&network)
        #expect(all.map(\.packet) == Array(0..<100))
        #expect(all.allSatisfy { $0.time >= 100_000 && $0.time <= 2_099_000 && !$0.isLost })
        #expect(zip(all, all.dropFirst()).allSatisfy { $0.time <= $1.time })
    }

    @Test func anUnorderedNetworkReorders() {
        var network = network { $0.isOrdered = false }
        for number in 0..<100 { network.send(number, on: there, now: 0) }
        let numbers = arrivals(&network).map(\.packet)
        #expect(numbers != numbers.sorted() && numbers.sorted() == Array(0..<100))
    }

    @Test func someAreLostAndSomeComeTwice() {
        var network = network {
            $0.lossPerTenThousand = 2_000
            $0.duplicationPerTenThousand = 2_000
        }
        for number in 0..<1000 { network.send(number, on: there, now: 0) }
        let count = arrivals(&network).count
        #expect(count == 1000 - network.lostCount + network.duplicatedCount)
        #expect(network.lostCount > 150 && network.lostCount < 250)
        #expect(network.duplicatedCount > 120 && network.duplicatedCount < 200)
    }

    @Test func aCutGoesOneWayAndTakesWhatIsUnderWay() {
        var network = network()
        network.send(1, on: there, now: 0)
        network.setCut(there, true)
        let wasSent = [network.send(2, on: there, now: 0), network.send(3, on: back, now: 0)]
        #expect(wasSent == [false, true])
        let all = arrivals(&network)
        #expect(all.first { $0.packet == 1 }?.isLost == true)
        #expect(all.first { $0.packet == 3 }?.isLost == false)
        #expect(all.count == 2)
        network.heal()
        network.send(4, on: there, now: 0)
        let later = arrivals(&network).map(\.packet)
        #expect(later == [4])
    }

    @Test func groupsAreCutFromEachOther() {
        var network = network()
        network.partition([1], from: [2, 3])
        #expect(network.cutLinks.count == 4)
        let wasSent = [(2, 3), (3, 1)].map { network.send(0, on: Network.Link(from: $0, to: $1), now: 0) }
        #expect(wasSent == [true, false])
    }

    @Test func aLargePacketIsOvertaken() {
        var network = network { $0.nanosecondsPerByte = 10 }
        network.send(1, on: there, now: 0, byteCount: 1_000_000)
        network.send(2, on: there, now: 0)
        let all = arrivals(&network)
        #expect(all.map(\.packet) == [2, 1])
        #expect(all[1].time >= 10_000_000)
    }

    @Test func aCloggedLinkKeepsWhatIsSent() {
        var network = network()
        network.clog(there, until: 5_000_000)
        network.send(1, on: there, now: 0)
        #expect(network.nextArrival ?? 0 >= 5_100_000)
        let arrival = network.takeArrival(now: 7_000_000)
        #expect(arrival?.packet == 1)
    }

    @Test func theSameSeedGivesTheSameArrivals() {
        func run() -> [UInt64] {
            var network = network {
                $0.lossPerTenThousand = 500
                $0.isOrdered = false
            }
            for number in 0..<200 { network.send(number, on: there, now: UInt64(number)) }
            return arrivals(&network).map(\.time)
        }
        #expect(run() == run())
    }
}
