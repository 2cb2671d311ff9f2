import EtcdMessages
import MVCC
import Membership
import Node
import Primitives
import Raft
import SimulatedPlatform
import Store

/// A snapshot as a leader would send it: of a store that was a member's own and went on without it.
struct TestSnapshot {
    var message: RaftMessage
    var bytes: Bytes
    /// Of the state in it, at its current revision.
    let hash: UInt32
    let revision: Int64
    /// Another member, by whom it is sent.
    static let leader = MemberID(0x77)

    var index: LogIndex { LogIndex(message.snapshot?.metadata.index ?? 0) }

    /// What a leader makes of what the member has by now.
    init(ahead member: TestMember, settings: NodeSettings = TestMember.settings, _ change: (TestMember) -> Void) throws
    {
        let future = try TestMember(disk: member.crashed(.keepAll), settings: settings)
        future.settle()
        change(future)
        future.commit()
        let response = try future.hashNow()
        (hash, revision) = (response.hash, future.node.mvcc.currentRevision)
        (message, bytes) = try Self.snapshot(of: future.node.store)
        message.term = future.node.raft.term.rawValue + 1
        message.to = member.node.memberID.rawValue
        future.close()
    }

    /// What a leader makes of a file.
    init(_ bytes: Bytes, for member: TestMember, revision: Int64, hash: UInt32) throws {
        let disk = SimulatedDisk()
        disk.placeDirectory("/data")
        disk.place(bytes, at: "/data/db")
        let store = try Store.open(disk: disk, path: "/data/db")
        defer { store.close() }
        (message, _) = try Self.snapshot(of: store)
        message.term = (message.snapshot?.metadata.term ?? 0) + 1
        message.to = member.node.memberID.rawValue
        self.bytes = bytes
        self.hash = hash
        self.revision = revision
    }

    private static func snapshot(of store: Store) throws -> (RaftMessage, Bytes) {
        let snapshot = try store.openSnapshot()
        defer { store.release(snapshot) }
        let records = try ClusterRecords(snapshot.view)
        var message = RaftMessage()
        message.type = .snap
        message.from = leader.rawValue
        var contents = RaftSnapshot()
        contents.metadata.index = store.appliedIndex.rawValue
        contents.metadata.term = store.appliedTerm.rawValue
        contents.metadata.confState = records.confState
        message.snapshot = contents
        return (message, try snapshot.read(offset: 0, count: snapshot.byteCount))
    }
}

extension TestMember {
    /// The hash of the keys as they are now.
    func hashNow() throws -> HashKVResponse {
        let token = hashKV()
        while !isAnswered(token) { runReader() }
        guard let result = reply(to: token) else { throw TestProblem("a hash was not answered") }
        return try HashKVResponse(decoding: try result.get().body)
    }

    /// A snapshot arrives, as the transport puts it: synced, under a name of its own.
    func receive(_ snapshot: TestSnapshot, as path: String? = nil) {
        let path = path ?? "/data/member/snap/\(snapshot.index.rawValue.fixedHexadecimal).snap.db"
        disk.place(snapshot.bytes, at: path)
        node.receivedSnapshot(snapshot.message, databasePath: path)
        pump()
    }

    /// The names in the directory of snapshots.
    func snapshotFiles() throws -> [String] { try disk.list("/data/member/snap") }
}
