import BoltStore
import ClientAPI
import EtcdMessages
import GRPCCore
import Node
import Primitives
import SimulatedPlatform
import Testing
import WriteAheadLog

/// etcd's services over a whole core on a simulated disk, and a client of them, all driven by the test's own thread.
final class TestService {
    let node: Node
    let disk = SimulatedDisk()
    let client: GRPCClientChannel
    private let writer: WALWriter
    private let server: GRPCServer
    private let acceptor: Acceptor
    let services: EtcdServices
    /// Batches for the log, and whether they wait for the test.
    private var batches: [LogBatch] = []
    var isLogStalled = false
    private(set) var proposedEntryCount = 0
    private(set) var isReady = false
    private var now: UInt64 = 0
    private var answers: [CallID: Bytes] = [:]
    /// What came on each call, in order, and has not been taken.
    private var messages: [CallID: [Bytes]] = [:]
    private var ended: [CallID: GRPCStatus] = [:]

    static let quotaByteCount: Int64 = 123_456_789

    /// - Parameter prepare: makes what the member finds on its disk at the start.
    init(prepare: (SimulatedDisk) throws -> Void = { _ in }) throws {
        try prepare(disk)
        var settings = NodeSettings(dataDirectory: "/data")
        settings.logSettings.segmentByteCount = 64_000
        settings.quotaByteCount = Self.quotaByteCount
        let opened = try Node.open(
            disk: disk, settings: settings, monotonicNanoseconds: 0, unixNanoseconds: 1_700_000_000_000_000_000)
        node = opened.node
        writer = opened.writer
        server = try GRPCServer(methods: EtcdMethod.registrations, settings: GRPCServerSettings())
        acceptor = try Acceptor(settings: AcceptorSettings(), port: server.connectionPort)
        let port = try acceptor.listen(on: ListenAddress(host: "127.0.0.1", port: 0))
        try acceptor.start()
        var serviceSettings = EtcdServicesSettings()
        serviceSettings.quotaByteCount = Self.quotaByteCount
        services = EtcdServices(node: node, server: server, settings: serviceSettings)
        client = GRPCClientChannel(ListenAddress(host: "127.0.0.1", port: port))
    }

    /// Runs a body with a service that is ready.
    static func with(_ body: (TestService) throws -> Void) throws {
        let service = try TestService()
        defer { service.close() }
        service.start()
        try body(service)
    }

    /// Runs a body with a service that has started, and is not ready.
    static func withStarted(
        prepare: (SimulatedDisk) throws -> Void, _ body: (TestService) throws -> Void
    ) throws {
        let service = try TestService(prepare: prepare)
        defer { service.close() }
        service.node.start()
        try body(service)
    }

    func start() {
        node.start()
        for _ in 0..<100 where !isReady { turn() }
        #expect(isReady)
    }

    func close() {
        client.close()
        acceptor.close()
        server.drain(services, timeoutNanoseconds: 0)
        node.close()
        writer.close()
    }

    // MARK: The loop

    /// A round of the member's loop, and of the client's.
    func turn() {
        for effect in node.takeEffects() {
            switch effect {
            case .writeLog(let batch):
                batches.append(batch)
                proposedEntryCount += batch.entries.count
            case .commitStore(var committer):
                if let outcome = try? committer.run() { node.storeCommitted(outcome) }
            case .saveSnapshot(let job):
                try? job.run(disk: disk, writer: writer)
                node.snapshotSaved()
            case .longRead(let token, let read): node.longReadFinished(read, token, read.run())
            case .reply(let token, let result): services.answer(token, result)
            case .streamReady(let token): services.streamReady(token)
            case .snapshotOpened(let token, let snapshot): services.snapshotOpened(token, snapshot)
            case .progress, .prepareSnapshot, .snapshotRefused, .snapshotInstalled, .dispose, .send, .sendSnapshot,
                .peersChanged, .askPeer:
                break
            case .ready: isReady = true
            case .stop(let error): Issue.record("the member stopped: \(error)")
            }
        }
        if !isLogStalled, !batches.isEmpty {
            let batch = batches.removeFirst()
            try? batch.write(to: writer)
            node.logSynced(batch.lastIndex)
        }
        for read in services.takeSnapshotReads() { services.snapshotRead(read, read.run()) }
        server.poll(services, timeoutNanoseconds: 500_000)
        now += 1_000_000
        node.tick(now: now)
        services.tick(now: now)
        _ = client.poll(timeoutNanoseconds: 0) { call, event in
            switch event {
            case .message(let message):
                answers[call] = message
                messages[call, default: []].append(message)
            case .ended(let status): ended[call] = status
            case .sent: break
            }
        }
    }

    /// What the member does with streams when it is asked to end.
    func endStreams() {
        services.endStreams()
    }

    /// Time that passes for the member.
    func advance(seconds: UInt64) {
        now += seconds * 1_000_000_000
        node.tick(now: now)
    }

    // MARK: Calls

    /// Waits for the end of a call.
    func result(of call: CallID) throws -> Result<Bytes, EtcdError> {
        for _ in 0..<20_000 {
            if let status = ended[call] {
                return status.isSuccess ? .success(answers[call] ?? []) : .failure(status.error)
            }
            turn()
        }
        throw TestProblem("a call got no answer")
    }

    /// Waits for the end of a stream.
    func end(of call: CallID) throws -> GRPCStatus {
        for _ in 0..<20_000 {
            if let status = ended[call] { return status }
            turn()
        }
        throw TestProblem("a stream did not end")
    }

    /// The messages that came on a stream since they were last taken.
    func takeMessages(of call: CallID) -> [Bytes] {
        messages.removeValue(forKey: call) ?? []
    }

    /// Waits for the next message of a stream.
    func nextMessage(of call: CallID) throws -> Bytes {
        for _ in 0..<20_000 {
            if let message = messages[call]?.first {
                messages[call]?.removeFirst()
                return message
            }
            if ended[call] != nil { break }
            turn()
        }
        throw TestProblem("a stream had no message")
    }

    /// Reads a stream that is not read by itself, to its end.
    func readAll(_ call: CallID) throws -> [Bytes] {
        var all: [Bytes] = []
        client.read(call)
        for _ in 0..<20_000 where ended[call] == nil {
            let new = takeMessages(of: call)
            if !new.isEmpty {
                all += new
                client.read(call)
            }
            turn()
        }
        return all + takeMessages(of: call)
    }

    func call(
        _ path: String, _ message: Bytes = [], metadata: [GRPCMetadataEntry] = []
    ) throws -> Result<Bytes, EtcdError> {
        let path = path.hasPrefix("/") ? path : "/etcdserverpb.\(path)"
        return try result(of: client.startUnary(path, message: message, metadata: metadata))
    }

    /// Makes a call that must be answered, and reads the answer.
    func answer<Response: EtcdMessage>(
        _ path: String, _ request: some EtcdMessage, as type: Response.Type = Response.self
    ) throws -> Response {
        try Response(decoding: call(path, request.encoded()).get())
    }

    /// Makes a call that must be refused.
    func refusal(_ path: String, _ request: some EtcdMessage) throws -> EtcdError? {
        if case .failure(let error) = try call(path, request.encoded()) { error } else { nil }
    }

    @discardableResult
    func put(_ key: String, _ value: String = "") throws -> PutResponse {
        var request = PutRequest()
        request.key = Bytes(text: key)
        request.value = Bytes(text: value)
        return try answer("KV/Put", request)
    }

    func get(_ key: String) throws -> KeyValue? {
        var request = RangeRequest()
        request.key = Bytes(text: key)
        return try answer("KV/Range", request, as: RangeResponse.self).kvs.first
    }
}

/// Why a test cannot go on.
struct TestProblem: Error {
    var text: String

    init(_ text: String) { self.text = text }
}
