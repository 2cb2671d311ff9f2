import BoltStore
import Environment
import EtcdMessages
import Glibc
import Node
import PeerProtocol
import Platform
import Primitives
import SimulatedPlatform
import Store
import Synchronization

@testable import PeerTransport

/// A member without a core: a transport on a port of this machine, and what it told.
final class TestPeer {
    let id: MemberID
    let transport: PeerTransport
    let disk: SimulatedDisk
    let port: Int
    let told: Told
    private var isStopped = false

    static let cluster = ClusterID(0xC1)
    static let snapshots = "/snap"

    /// What a transport told, and its lines for the log; from its thread.
    final class Told: Sendable {
        struct State {
            var events: [PeerEvent] = []
            var messages: [RaftMessage] = []
            var messageByteCount = 0
            var lines: [PeerLogLine] = []
        }

        private let state = Mutex(State())

        func note(_ event: PeerEvent) {
            state.withLock { state in
                if case .messages(let messages, let byteCount) = event {
                    state.messages += messages
                    state.messageByteCount += byteCount
                } else {
                    state.events.append(event)
                }
            }
        }

        func note(_ line: PeerLogLine) { state.withLock { $0.lines.append(line) } }

        var events: [PeerEvent] { state.withLock { $0.events } }
        var messages: [RaftMessage] { state.withLock { $0.messages } }
        var messageByteCount: Int { state.withLock { $0.messageByteCount } }

        var lines: [PeerLogLine] { state.withLock { $0.lines } }

        func lines(_ message: String) -> Int { state.withLock { $0.lines.count { $0.message == message } } }
    }

    /// - Parameter takes: whether what comes is taken at once.
    init(
        _ id: UInt64, port: Int = 0, cluster: ClusterID = TestPeer.cluster, urls: [Bytes] = [], takes: Bool = true,
        _ adjust: (inout PeerTransportSettings) -> Void = { _ in },
        answers: @escaping @Sendable (PeerCall) -> Void = { _ in }
    ) throws {
        self.id = MemberID(id)
        disk = SimulatedDisk()
        disk.placeDirectory(Self.snapshots)
        let told = Told()
        self.told = told
        var settings = PeerTransportSettings(disk: disk, snapshotDirectory: Self.snapshots, clock: RealClock())
        settings.probeMilliseconds = 50
        settings.log = { told.note($0) }
        adjust(&settings)
        let box = Mutex<PeerTransport?>(nil)
        let shared = Shared(box)
        let transport = PeerTransport(settings: settings) { event in
            told.note(event)
            if case .call(let call) = event { answers(call) }
            if takes, case .messages(_, let byteCount) = event {
                shared.transport.withLock { $0 }?.taken(byteCount: byteCount)
            }
        }
        self.transport = transport
        shared.transport.withLock { $0 = transport }
        try transport.listen(on: [.tcp(host: "127.0.0.1", port: port)])
        self.port = transport.ports[0]
        transport.start(
            identity: PeerIdentity(
                memberID: self.id, clusterID: cluster, version: .presented,
                peerURLs: urls.isEmpty ? [Bytes(text: "http://127.0.0.1:\(self.port)")] : urls))
    }

    private final class Shared: Sendable {
        let transport: Mutex<PeerTransport?>

        init(_ transport: consuming Mutex<PeerTransport?>) { self.transport = transport }
    }

    deinit { stop() }

    func stop() {
        guard !isStopped else { return }
        isStopped = true
        transport.stop()
    }

    var url: Bytes { Bytes(text: "http://127.0.0.1:\(port)") }
    var peer: Peer { Peer(id: id, peerURLs: [url]) }

    /// Tells each of the two of the other.
    static func join(_ left: TestPeer, _ right: TestPeer) {
        left.transport.setPeers([right.peer], removed: [])
        right.transport.setPeers([left.peer], removed: [])
    }

    /// Waits until the condition holds; false after a while.
    func wait(seconds: Double = 60, _ condition: () -> Bool) -> Bool {
        for _ in 0..<Int(seconds * 200) {
            if condition() { return true }
            usleep(5000)
        }
        return condition()
    }

    func waitForConnection(to other: TestPeer) -> Bool {
        wait {
            told.lines("established TCP streaming connection with remote peer") >= 4
                && other.told.lines("established TCP streaming connection with remote peer") >= 4
        }
    }

    func count(_ isWanted: (PeerEvent) -> Bool) -> Int { told.events.count(where: isWanted) }

    // MARK: Messages

    func message(_ type: RaftMessageType, to other: TestPeer, term: UInt64 = 3) -> RaftMessage {
        var message = RaftMessage()
        message.type = type
        message.from = id.rawValue
        message.to = other.id.rawValue
        message.term = term
        return message
    }

    func append(to other: TestPeer, after index: UInt64, byteCount: Int = 10) -> RaftMessage {
        var message = message(.app, to: other)
        message.logTerm = 3
        message.index = index
        var entry = RaftEntry()
        entry.term = 3
        entry.index = index + 1
        entry.data = Bytes(repeating: UInt8(truncatingIfNeeded: index), count: byteCount)
        message.entries = [entry]
        message.commit = index
        return message
    }
}

/// A store with something in it, and a snapshot of it.
final class TestStore {
    let disk = SimulatedDisk()
    let store: Store
    let snapshot: StoreSnapshot

    init(valueByteCount: Int, count: Int) throws {
        disk.placeDirectory("/data")
        let settings = StoreSettings(bolt: BoltSettings(reservedByteCount: 1 << 28, growthByteCount: 0))
        store = try Store.open(disk: disk, path: "/data/db", settings: settings)
        for number in 0..<count {
            store.put(.key, key: Bytes(bigEndian: UInt64(number)), value: Bytes(repeating: 7, count: valueByteCount))
        }
        store.recordApplied(index: LogIndex(9), term: Term(3))
        store.freeze()
        if var committer = store.beginCommit(syncedIndex: LogIndex(9)) { store.finishCommit(try committer.run()) }
        snapshot = try store.openSnapshot()
    }

    /// All bytes of the snapshot.
    func bytes() throws -> Bytes { try snapshot.read(offset: 0, count: snapshot.byteCount) }
}
