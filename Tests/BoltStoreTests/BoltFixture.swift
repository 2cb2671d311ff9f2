import Environment
import Foundation
import Platform
import Primitives
import SimulatedPlatform
import Testing

@testable import BoltStore

/// What is in a file: for each bucket its records.
typealias Contents = [Bytes: [Bytes: Bytes]]

/// Small pages and little growth, so that small tests make deep trees and disk operations stay cheap.
let smallSettings = BoltSettings(pageSizeByteCount: 1024, reservedByteCount: 1 << 26, growthByteCount: 0)
let path = "/data/db"

/// A disk with a directory for the file.
func makeDisk(seed: UInt64 = 1) -> SimulatedDisk {
    let disk = SimulatedDisk(seed: seed)
    disk.placeDirectory("/data")
    return disk
}

extension BoltView {
    /// All records of all buckets.
    func contents() throws -> Contents {
        var contents: Contents = [:]
        for bucket in try bucketNames() {
            var records: [Bytes: Bytes] = [:]
            var last: Bytes?
            try scan(bucket: bucket, from: [], to: nil) { key, value in
                let key = Bytes(copying: key)
                #expect(last.map { $0.precedes(key) } ?? true, "keys are visited in order")
                last = key
                records[key] = Bytes(copying: value)
                return true
            }
            contents[bucket] = records
        }
        return contents
    }
}

extension BoltFile {
    /// Everything in the newest state.
    func contents() throws -> Contents {
        let view = pin()
        defer { release(view) }
        return try view.contents()
    }

    /// Runs one whole commit.
    func commit(_ changes: [BoltBucketChanges]) throws {
        var committer = beginCommit(changes)
        finish(try committer.run())
    }
}

/// Random transactions, with the contents they should leave.
struct Workload {
    var random: SeededEntropy
    private(set) var contents: Contents = [:]
    private var nextKey: UInt64 = 1

    init(seed: UInt64) {
        random = SeededEntropy(seed: seed)
    }

    /// The changes of the next transaction; `contents` is what they lead to.
    mutating func next() -> [BoltBucketChanges] {
        var result: [BoltBucketChanges] = []
        for bucket in ["alarm", "key", "lease", "meta"] {
            let name = Bytes(text: bucket)
            let isNew = contents[name] == nil
            guard isNew || Int.random(in: 0..<3, using: &random) > 0 else { continue }
            let changes = bucket == "key" ? appended() : scattered(in: name, small: bucket == "meta")
            for change in changes { contents[name, default: [:]][change.key] = change.value }
            if contents[name] == nil { contents[name] = [:] }
            result.append(BoltBucketChanges(bucket: name, changes: changes, fillPercent: bucket == "key" ? 90 : 50))
        }
        return result
    }

    /// Other values of the same lengths for all records.
    mutating func rewritten() -> [BoltBucketChanges] {
        contents = contents.mapValues { $0.mapValues { value in Bytes(value.map { $0 &+ 1 }) } }
        return contents.keys.sorted { $0.precedes($1) }.map { bucket in
            let records = contents[bucket, default: [:]].sorted { $0.key.precedes($1.key) }
            return BoltBucketChanges(bucket: bucket, changes: records.map { BoltChange(key: $0.key, value: $0.value) })
        }
    }

    /// Ascending new keys, and now and then a compaction of old ones.
    private mutating func appended() -> [BoltChange] {
        var changes: [BoltChange] = []
        if Int.random(in: 0..<4, using: &random) == 0 {
            let old = contents[Bytes(text: "key"), default: [:]].keys.sorted { $0.precedes($1) }
            for key in old where Int.random(in: 0..<10, using: &random) > 0 {
                changes.append(BoltChange(key: key, value: nil))
            }
        }
        for _ in 0..<Int.random(in: 0..<30, using: &random) {
            changes.append(BoltChange(key: Bytes(bigEndian: nextKey), value: value()))
            nextKey += 1
        }
        return changes
    }

    private mutating func scattered(in bucket: Bytes, small: Bool) -> [BoltChange] {
        let limit: UInt8 = small ? 3 : 90
        var changes: [Bytes: Bytes?] = [:]
        let deletes = Int.random(in: 0..<3, using: &random) == 0
        for _ in 0..<Int.random(in: 0..<(small ? 4 : 40), using: &random) {
            let key = Bytes(
                repeating: UInt8.random(in: 0..<limit, using: &random), count: Int.random(in: 1...3, using: &random))
            let isDeletion = Int.random(in: 0..<(deletes ? 10 : 4), using: &random) > (deletes ? 0 : 2)
            changes[key] = .some(isDeletion ? nil : value(small: small))
        }
        return changes.keys.sorted { $0.precedes($1) }.map { BoltChange(key: $0, value: changes[$0] ?? nil) }
    }

    private mutating func value(small: Bool = false) -> Bytes {
        let isLarge = !small && Int.random(in: 0..<25, using: &random) == 0
        let count = isLarge ? Int.random(in: 900..<6000, using: &random) : Int.random(in: 0..<60, using: &random)
        return Bytes(repeating: UInt8.random(in: 0...255, using: &random), count: count)
    }
}

/// A new directory on the real disk, to be removed by whoever asked for it.
func temporaryDirectory() throws -> String {
    let name = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-bolt-\(UUID().uuidString)").path
    try RealDisk().makeDirectory(name)
    return name
}
