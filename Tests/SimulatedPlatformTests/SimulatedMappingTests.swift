import Environment
import Glibc
import Primitives
import SimulatedPlatform
import Testing

@Suite struct SimulatedMappingTests {
    let disk = SimulatedDisk(seed: 1)

    private func bytes(_ mapping: FileMapping, _ range: Range<Int>) -> Bytes {
        Bytes(UnsafeRawBufferPointer(start: mapping.base + range.lowerBound, count: range.count))
    }

    @Test func laterWritesAndGrowthAreSeen() throws {
        let file = try disk.open("/a", .create)
        try file.write([1, 2, 3], at: 0)
        let mapping = try file.map(reservedByteCount: 1 << 40)
        #expect(mapping.reservedByteCount == 1 << 40)
        #expect(bytes(mapping, 0..<4) == [1, 2, 3, 0])
        // Through another open file too.
        let other = try disk.open("/a", .readWrite)
        try other.write([9], at: 1)
        try other.write([7, 8], at: 100_000)
        #expect(bytes(mapping, 0..<3) == [1, 9, 3])
        #expect(bytes(mapping, 99_999..<100_002) == [0, 7, 8])
        try file.truncate(byteCount: 2)
        try file.truncate(byteCount: 200_000)
        #expect(bytes(mapping, 0..<3) == [1, 9, 0])
        #expect(bytes(mapping, 99_999..<100_002) == [0, 0, 0])
        disk.flipBit(0, at: 0, of: "/a")
        #expect(bytes(mapping, 0..<1) == [0])
    }

    @Test func itMatchesTheFileUnderRandomChanges() throws {
        let file = try disk.open("/a", .create)
        let mapping = try file.map(reservedByteCount: 1 << 30)
        var entropy = SeededEntropy(seed: 1)
        for _ in 0..<1000 {
            let offset = Int.random(in: 0..<30_000, using: &entropy)
            switch Int.random(in: 0..<4, using: &entropy) {
            case 0: try file.truncate(byteCount: offset)
            case 1: try file.sync()
            default:
                let count = Int.random(in: 0..<6000, using: &entropy)
                try file.write(Bytes(repeating: UInt8.random(in: 0...255, using: &entropy), count: count), at: offset)
            }
            let contents = try #require(disk.contents(of: "/a"))
            #expect(bytes(mapping, 0..<contents.count) == contents)
        }
    }

    @Test func manyMappingsComeAndGo() throws {
        // More address space in all than a process has: it must be given back.
        _ = try disk.open("/a", .create)
        for _ in 0..<20_000 {
            let file = try disk.open("/a", .readWrite)
            _ = try file.map(reservedByteCount: 1 << 40)
        }
    }

    @Test func touchingBeyondTheEndKillsTheProcess() async throws {
        await #expect(processExitsWith: .signal(SIGSEGV)) {
            let disk = SimulatedDisk(seed: 1)
            let file = try disk.open("/a", .create)
            try file.write([1], at: 0)
            let mapping = try file.map(reservedByteCount: 1 << 30)
            precondition(mapping.base.load(fromByteOffset: 4095, as: UInt8.self) == 0)
            try file.write([1], at: 4096)
            precondition(mapping.base.load(fromByteOffset: 4096, as: UInt8.self) == 1)
            try file.truncate(byteCount: 4096)
            precondition(mapping.base.load(fromByteOffset: 4096, as: UInt8.self) == 1, "unreachable")
        }
    }
}
