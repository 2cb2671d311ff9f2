import Checksums
import Environment
import Foundation
import Primitives
import SimulatedPlatform
import Testing

@testable import BoltStore

/// Files written by a real etcd 3.6.14.
@Suite struct GoldenFileTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Golden/3.6.14")

    /// What a program writes to its standard output.
    static func output(of program: String, _ arguments: [String]) throws -> Bytes {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return Bytes(data)
    }

    static func snapshot() throws -> Bytes {
        try output(of: "/bin/gzip", ["-dc", folder.appendingPathComponent("snapshot.db.gz").path])
    }

    /// The file of the data directory, as the server was killed.
    static func database() throws -> Bytes {
        let archive = folder.appendingPathComponent("golden.etcd.tar.gz").path
        return try output(of: "/bin/tar", ["-xzOf", archive, "golden.etcd/member/snap/db"])
    }

    static let bucketNames = [
        "alarm", "auth", "authRoles", "authUsers", "cluster", "key", "lease", "members", "members_removed", "meta",
    ]

    @Test(arguments: [true, false]) func aFileOfARealServerIsReadAndWritten(isSnapshot: Bool) throws {
        let disk = makeDisk()
        disk.place(try isSnapshot ? Self.snapshot() : Self.database(), at: path)
        let settings = BoltSettings(reservedByteCount: 1 << 30, growthByteCount: 0)
        var file = try BoltFile.open(disk: disk, path: path, settings: settings)
        try file.check()
        var contents = try file.contents()
        #expect(contents.keys.map(\.text).sorted() == Self.bucketNames)
        #expect(contents[Bytes(text: "meta")]?[Bytes(text: "storageVersion")] == Bytes(text: "3.6.0"))
        #expect(contents[Bytes(text: "cluster")]?[Bytes(text: "clusterVersion")] == Bytes(text: "3.6.0"))
        let records = contents[Bytes(text: "key")] ?? [:]
        #expect(records.count > 50)
        for key in records.keys { #expect(Revision.parse(bucketKey: key) != nil) }

        // As a compaction and a lease would change it.
        let old = records.keys.sorted { $0.precedes($1) }.dropLast(10)
        let lease = BoltChange(key: [1, 2], value: [3])
        try file.commit([
            BoltBucketChanges(bucket: Bytes(text: "key"), changes: old.map { BoltChange(key: $0, value: nil) }),
            BoltBucketChanges(bucket: Bytes(text: "lease"), changes: [lease]),
        ])
        for key in old { contents[Bytes(text: "key")]?[key] = nil }
        contents[Bytes(text: "lease")]?[lease.key] = lease.value
        #expect(try file.contents() == contents)
        try file.check()
        file.close()
        file = try BoltFile.open(disk: disk, path: path, settings: settings)
        #expect(try file.contents() == contents)
        file.close()
    }

    /// What `etcdutl snapshot status` of the same release says of the snapshot, which ends in a digest of the file.
    @Test func theSnapshotIsWhatItsStatusSays() throws {
        struct Status: Decodable {
            let hash: UInt32
            let revision: Int64
        }
        let status = try JSONDecoder().decode(
            Status.self, from: Data(contentsOf: Self.folder.appendingPathComponent("snapshot-status.json")))
        let snapshot = try Self.snapshot()
        #expect(SHA256.digest(Bytes(snapshot.dropLast(32))) == Bytes(snapshot.suffix(32)))

        let disk = makeDisk()
        disk.place(snapshot, at: path)
        let file = try BoltFile.open(disk: disk, path: path, settings: BoltSettings(reservedByteCount: 1 << 30))
        let view = file.pin()
        var crc = CRC32C()
        for bucket in try view.bucketNames() {
            crc.update(bucket)
            try view.scan(bucket: bucket, from: [], to: nil) { key, value in
                crc.update(Bytes(copying: key))
                crc.update(Bytes(copying: value))
                return true
            }
        }
        #expect(crc.value == status.hash)
        let records = try file.contents()[Bytes(text: "key")] ?? [:]
        #expect(records.keys.compactMap { Revision.parse(bucketKey: $0)?.revision.main }.max() == status.revision)
        file.release(view)
        file.close()
    }
}
