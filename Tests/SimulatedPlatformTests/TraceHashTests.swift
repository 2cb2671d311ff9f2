import Environment
import Primitives
import SimulatedPlatform
import Testing

@Suite struct TraceHashTests {
    /// A random run; the `changed`th call differs.
    private func run(seed: UInt64, clones: Bool = false, changed: Int? = nil) throws -> SimulatedDisk {
        let disk = SimulatedDisk(seed: seed)
        var entropy = SeededEntropy(seed: seed)
        var clonesEntropy = SeededEntropy(seed: 99)
        try disk.makeDirectory("/d")
        var files = try (0..<4).map { try disk.open("/d/\($0)", .create) }
        for call in 0..<100 {
            let file = files[Int.random(in: 0..<4, using: &entropy)]
            let offset = Int.random(in: 0..<10_000, using: &entropy)
            switch Int.random(in: 0..<7, using: &entropy) {
            case 0: try file.sync()
            case 1: try file.truncate(byteCount: offset)
            case 2: _ = try file.read(at: offset, count: 100)
            case 3:
                disk.inject(.fail(.inputOutput), atNext: .write)
                #expect(throws: DiskError.self) { try file.write(Bytes(repeating: 1, count: 2000), at: offset) }
            case 4:
                disk.inject(.fail(.inputOutput), atNext: .sync)
                #expect(throws: DiskError.self) { try file.sync() }
            case 5:
                try disk.rename("/d/0", to: "/d/x")
                files[0] = try disk.open("/d/0", .create)
            default: try file.write([UInt8(truncatingIfNeeded: call), call == changed ? 1 : 0], at: offset)
            }
            if clones { _ = disk.crashClone(.torn, entropy: &clonesEntropy) }
        }
        return disk
    }

    @Test func equalRunsHaveEqualHashes() throws {
        for seed in 0..<20 as Range<UInt64> {
            let first = try run(seed: seed)
            let second = try run(seed: seed)
            #expect(first.traceHash == second.traceHash)
            var left = SeededEntropy(seed: 4)
            var right = SeededEntropy(seed: 4)
            for policy in [CrashPolicy.torn, .random(survivalPercent: 30), .loseAllUnsynced] {
                let found = first.crashClone(policy, entropy: &left)
                let again = second.crashClone(policy, entropy: &right)
                #expect(try found.list("/") == again.list("/"))
                for name in ["0", "1", "2", "3", "x"] {
                    #expect(found.contents(of: "/d/\(name)") == again.contents(of: "/d/\(name)"))
                }
            }
        }
    }

    @Test func differentRunsHaveDifferentHashes() throws {
        #expect(try Set((0..<50).map { try run(seed: $0).traceHash.value }).count == 50)
        let plain = try run(seed: 1)
        let writes = try (0..<100).filter { try run(seed: 1, changed: $0).traceHash != plain.traceHash }
        // Each of the calls that write, about one in seven, changes the hash.
        #expect(writes.count > 8)
    }

    @Test func takingClonesDoesNotDisturbARun() throws {
        for seed in 0..<10 as Range<UInt64> {
            let plain = try run(seed: seed)
            let cloned = try run(seed: seed, clones: true)
            #expect(plain.traceHash == cloned.traceHash)
            for name in ["0", "1", "2", "3", "x"] {
                #expect(plain.contents(of: "/d/\(name)") == cloned.contents(of: "/d/\(name)"))
            }
        }
    }

    @Test func everyArgumentCounts() throws {
        func hash(_ calls: (SimulatedDisk, any DiskFile) throws -> Void) throws -> UInt64 {
            let disk = SimulatedDisk(seed: 1)
            let file = try disk.open("/a", .create)
            try calls(disk, file)
            return disk.traceHash.value
        }
        let hashes = try [
            hash { _, _ in },
            hash { _, file in try file.write([1], at: 0) },
            hash { _, file in try file.write([2], at: 0) },
            hash { _, file in try file.write([1], at: 1) },
            hash { _, file in try file.write([1, 0], at: 0) },
            hash { _, file in try file.write(Bytes(repeating: 1, count: 16), at: 0) },
            hash { _, file in try file.truncate(byteCount: 1) },
            hash { _, file in try file.truncate(byteCount: 2) },
            hash { _, file in try file.allocate(byteCount: 1) },
            hash { _, file in try file.lock(.flock) },
            hash { _, file in try file.lock(.openFileDescription) },
            hash { disk, _ in try disk.rename("/a", to: "/b") },
            hash { disk, _ in try disk.rename("/a", to: "/c") },
            hash { disk, _ in _ = try disk.open("/b", .create) },
            hash { disk, _ in _ = try disk.open("/b", .create, permissions: 0o644) },
            hash { disk, _ in _ = try disk.status("/b") },
            hash { _, file in try file.sync() },
            hash { disk, file in
                disk.inject(.fail(.noSpace), atNext: .sync)
                #expect(throws: DiskError.self) { try file.sync() }
            },
            hash { disk, file in
                disk.inject(.fail(.inputOutput), atNext: .sync)
                #expect(throws: DiskError.self) { try file.sync() }
            },
        ]
        #expect(Set(hashes).count == hashes.count)
    }
}
