import EtcdMessages
import Foundation
import Primitives
import SimulatedPlatform
import Testing

@testable import Snapshots

/// The snapshot of a real etcd 3.6.14.
@Suite struct GoldenSnapshotTests {
    private static let name = "0000000000000002-0000000000000065.snap"

    private static func goldenBytes() throws -> Bytes {
        let archive = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Golden/3.6.14/golden.etcd.tar.gz").path
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/tar")
        process.arguments = ["-xzOf", archive, "golden.etcd/member/snap/\(name)"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return Bytes(data)
    }

    @Test func itIsReadAndWrittenToTheByte() throws {
        let bytes = try Self.goldenBytes()
        let disk = SimulatedDisk()
        disk.place(bytes, at: "/snap/\(Self.name)")
        let directory = SnapshotDirectory(disk: disk, path: "/snap")
        var record = WALSnapshot()
        record.index = 0x65
        record.term = 2
        let snapshot = try #require(try directory.loadNewest(matching: [record]))
        let membership = try V2StoreMembership(decoding: snapshot.data ?? [])
        let member = V2StoreMember(
            id: MemberID(3_153_101_805_118_352_275), peerURLs: [Bytes(text: "http://127.0.0.1:24791")],
            name: Bytes(text: "golden"), clientURLs: [Bytes(text: "http://127.0.0.1:24790")])
        #expect(membership == V2StoreMembership(members: [member], clusterVersion: Bytes(text: "3.6.0")))

        let contents = SnapshotContents(
            index: LogIndex(snapshot.metadata.index), term: Term(snapshot.metadata.term),
            confState: snapshot.metadata.confState, membership: membership)
        #expect(contents.record.index == 0x65)
        #expect(contents.record.confState?.voters == [member.id.rawValue])
        disk.placeDirectory("/again")
        try SnapshotDirectory(disk: disk, path: "/again").save(contents.raftSnapshot)
        #expect(disk.contents(of: "/again/\(Self.name)") == bytes)
    }
}
