import Environment
import Primitives
import SimulatedPlatform
import Testing

/// What becomes of a simulated disk behind the back of the program, and how long its calls take.
@Suite struct StoredDamageTests {
    private func disk(_ bytes: Bytes = [1, 2, 3, 4, 5]) -> SimulatedDisk {
        let disk = SimulatedDisk(seed: 5)
        disk.place(bytes, at: "/data/file")
        return disk
    }

    @Test func bytesThatAreReplacedAreSoForGood() throws {
        let disk = disk()
        let file = try disk.open("/data/file", .readOnly)
        let mapping = try file.map(reservedByteCount: 4096)
        disk.replace(with: [9, 8], at: 2, of: "/data/file")
        #expect(try file.read(at: 0, count: 5) == [1, 2, 9, 8, 5])
        #expect(unsafe mapping.base.load(fromByteOffset: 2, as: UInt8.self) == 9)
        var entropy = SeededEntropy(seed: 1)
        #expect(disk.crashClone(.loseAllUnsynced, entropy: &entropy).contents(of: "/data/file") == [1, 2, 9, 8, 5])
    }

    @Test func aNameThatIsLostIsGoneForGood() throws {
        let disk = disk()
        let file = try disk.open("/data/file", .readWrite)
        disk.lose("/data/file")
        #expect(try !disk.exists("/data/file"))
        #expect(disk.names(in: "/data").isEmpty)
        #expect(try file.read(at: 0, count: 5) == [1, 2, 3, 4, 5], "it is still open")
        var entropy = SeededEntropy(seed: 1)
        #expect(disk.crashClone(.keepAll, entropy: &entropy).contents(of: "/data/file") == nil)
    }

    @Test func aFaultCanWaitForAFile() throws {
        let disk = disk()
        disk.place([], at: "/data/file.other")
        disk.inject(.fail(.inputOutput), atNext: .write, under: "/data/file", leastOffset: 4)
        let other = try disk.open("/data/file.other", .readWrite)
        try other.write([1, 2, 3, 4, 5, 6], at: 4)
        let file = try disk.open("/data/file", .readWrite)
        try file.write([7], at: 0)
        #expect(disk.takeMetFaults().isEmpty)
        #expect(throws: DiskError.self) { try file.write([7], at: 4) }
        let met = disk.takeMetFaults()
        #expect(met.count == 1 && met.first?.path == "/data/file" && met.first?.operation == .write)
        try file.write([7], at: 4)
        #expect(disk.takeMetFaults().isEmpty)
    }

    @Test func callsTakeTheirTime() throws {
        func time(_ stallsPerTenThousand: UInt64) throws -> UInt64 {
            let disk = disk()
            disk.latency = DiskLatency(
                callNanoseconds: 1_000, syncNanoseconds: 1_000_000, stallsPerTenThousand: stallsPerTenThousand,
                stallNanoseconds: 1_000_000_000, entropy: SeededEntropy(seed: 3))
            let file = try disk.open("/data/file", .readWrite)
            for number in 0..<1000 {
                try file.write([UInt8(truncatingIfNeeded: number)], at: number)
                if number % 100 == 0 { try file.sync() }
            }
            let time = disk.takeBusyNanoseconds()
            #expect(disk.takeBusyNanoseconds() == 0)
            return time
        }
        let usual = try time(0)
        #expect((100_000...12_000_000).contains(usual))
        #expect(try time(50) > 100_000_000)
        #expect(try time(0) == usual)
    }
}
