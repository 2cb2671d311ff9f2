import BoltStore
import Checksums
import EtcdMessages
import GRPCCore
import Node
import Primitives
import SimulatedPlatform
import Testing

@Suite struct SnapshotTests {
    private static let path = "/etcdserverpb.Maintenance/Snapshot"

    private func fill(_ service: TestService) throws {
        for number in 0..<20 { try service.put("key/\(number)", String(repeating: "v", count: 100_000)) }
    }

    @Test func aSnapshotIsTheFileInBlobsAndItsDigest() throws {
        try TestService.with { service in
            try fill(service)
            let call = service.client.startServerStream(Self.path, message: [])
            #expect(try service.end(of: call).isSuccess)
            let messages = try service.takeMessages(of: call).map { try SnapshotResponse(decoding: $0) }
            let file = messages.dropLast().flatMap(\.blob)
            #expect(file.count > 2_000_000 && file.count % 4096 == 0)
            #expect(messages.last?.blob == SHA256.digest(file))
            #expect(messages.dropLast(2).allSatisfy { $0.blob.count == 32 * 1024 })
            #expect(messages.allSatisfy { $0.header == nil && $0.version == Bytes(text: "3.6.0") })
            var remaining = file.count
            for message in messages.dropLast() {
                remaining -= message.blob.count
                #expect(message.remainingBytes == UInt64(remaining))
            }
            #expect(messages.last?.remainingBytes == 0)
            #expect(service.node.openSnapshotCount == 0)
        }
    }

    /// A page that went bad since it was written is told, and nothing that looks whole comes of it.
    @Test func aPageThatWentBadEndsTheCall() throws {
        try TestService.with { service in
            try fill(service)
            let whole = service.client.startServerStream(Self.path, message: [])
            #expect(try service.end(of: whole).isSuccess)
            let file = try #require(service.disk.contents(of: "/data/member/snap/db"))
            let value = Bytes(repeating: UInt8(ascii: "v"), count: 4096)
            let pages = stride(from: 0, to: file.count, by: 4096)
            let page = try #require(pages.first { file[$0..<$0 + 4096] == value[...] })
            service.disk.flipBit(3, at: page + 2000, of: "/data/member/snap/db")
            let call = service.client.startServerStream(Self.path, message: [])
            let error = try service.end(of: call).error
            #expect(error.code == .unknown)
            #expect(error.message.hasPrefix("the snapshot cannot be read: corrupt store: page "))
            #expect(error.message.hasSuffix(" does not have the checksum it was written with"))
            let blobs = try service.takeMessages(of: call).map { try SnapshotResponse(decoding: $0).blob.count }
            #expect(blobs.reduce(0, +) <= page)
            #expect(service.node.openSnapshotCount == 0)
        }
    }

    /// The pages of a snapshot are pinned as long as its client reads, and no longer.
    @Test func aClientThatLeavesLetsGoOfThePages() throws {
        try TestService.with { service in
            for _ in 0..<10 { try fill(service) }
            let call = service.client.startServerStream(Self.path, message: [], readsAutomatically: false)
            for _ in 0..<200 { service.turn() }
            #expect(service.node.openSnapshotCount == 1)
            service.client.cancel(call)
            for _ in 0..<50 where service.node.openSnapshotCount > 0 { service.turn() }
            #expect(service.node.openSnapshotCount == 0)
        }
    }
}
