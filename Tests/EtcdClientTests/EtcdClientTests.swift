import EtcdClient
import EtcdMessages
import GRPCCore
import Glibc
import Primitives
import Synchronization
import Testing

/// The client against a server that answers with what the request holds.
@Suite struct EtcdClientTests {
    private final class Handler: GRPCHandler {
        unowned let server: GRPCServer

        init(_ server: GRPCServer) { self.server = server }

        func unaryCall(_ call: CallID, method: MethodIndex, message: RawSpan) {
            guard let request = try? RangeRequest(decoding: message) else {
                server.fail(call, EtcdError(.internal, "malformed"))
                return
            }
            if request.key.isEmpty {
                server.fail(call, .emptyKey)
            } else if request.key == Bytes(text: "broken") {
                server.reply(call, message: [0xff])
            } else {
                var response = RangeResponse()
                response.count = Int64(request.key.count)
                let token = server.metadata(call, "token") ?? []
                response.more = token == Bytes(text: "secret")
                server.reply(call, byteCount: response.encodedByteCount) { output in
                    for byte in response.encoded() { output.append(byte) }
                }
            }
        }

        func serverStreamCall(_ call: CallID, method: MethodIndex, message: RawSpan) { server.finish(call) }
        func streamOpened(_ call: CallID, method: MethodIndex) {}

        func streamMessage(_ call: CallID, message: RawSpan) {
            guard let request = try? WatchRequest(decoding: message) else { return }
            guard case .progress? = request.requestUnion else {
                server.fail(call, .compacted)
                return
            }
            var response = WatchResponse()
            response.watchID = -1
            server.send(call, message: response.encoded())
        }

        func streamHalfClosed(_ call: CallID) { server.finish(call) }
        func sendCompleted(_ call: CallID) {}
        func callEnded(_ call: CallID) {}
    }

    private static let range = "/etcdserverpb.KV/Range"
    private static let watch = "/etcdserverpb.Watch/Watch"
    private static let snapshot = "/etcdserverpb.Maintenance/Snapshot"

    /// Runs a body with a client of such a server, whose loop is another thread.
    private func withClient(_ body: @Sendable @escaping (EtcdClient) -> Void) throws {
        let server = try GRPCServer(
            methods: [
                GRPCMethod(path: Self.range, kind: .unary), GRPCMethod(path: Self.watch, kind: .bidirectional),
                GRPCMethod(path: Self.snapshot, kind: .serverStream),
            ], settings: .init())
        let acceptor = try Acceptor(settings: .init(), port: server.connectionPort)
        let port = try acceptor.listen(on: ListenAddress(host: "127.0.0.1", port: 0))
        try acceptor.start()
        // The client's thread is the other one, so that the server stays where it was made.
        let work = Work {
            let client = EtcdClient(ListenAddress(host: "127.0.0.1", port: port))
            body(client)
            client.close()
        }
        var thread = pthread_t()
        let context = Unmanaged.passRetained(work).toOpaque()
        pthread_create(
            &thread, nil,
            {
                let work = Unmanaged<Work>.fromOpaque($0!).takeRetainedValue()
                work.body()
                work.isDone.withLock { $0 = true }
                return nil
            }, context)
        let handler = Handler(server)
        while !work.isDone.withLock({ $0 }) { server.poll(handler, timeoutNanoseconds: 10_000_000) }
        pthread_join(thread, nil)
        acceptor.close()
        server.close()
    }

    private final class Work: Sendable {
        let body: @Sendable () -> Void
        let isDone = Mutex(false)

        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private static func call(_ client: EtcdClient, key: String) -> Result<RangeResponse, EtcdError> {
        var request = RangeRequest()
        request.key = Bytes(text: key)
        return client.call(range, request)
    }

    @Test func answersAndErrorsAreTyped() throws {
        try withClient { client in
            var response = RangeResponse()
            response.count = 3
            #expect(Self.call(client, key: "abc") == .success(response))
            client.metadata = [GRPCMetadataEntry("token", "secret")]
            response.more = true
            #expect(Self.call(client, key: "abc") == .success(response))
            #expect(Self.call(client, key: "") == .failure(.emptyKey))
            guard case .failure(let error) = Self.call(client, key: "broken") else {
                Issue.record("what cannot be decoded is an error")
                return
            }
            #expect(error.code == .internal)
        }
    }

    @Test func streamsAreTyped() throws {
        try withClient { client in
            let stream = client.openStream(Self.watch, sending: WatchRequest.self, receiving: WatchResponse.self)
            var request = WatchRequest()
            request.requestUnion = .progress(WatchProgressRequest())
            stream.send(request)
            var response = WatchResponse()
            response.watchID = -1
            #expect(stream.next() == .message(response))
            stream.halfClose()
            #expect(stream.next() == .finished)

            let failing = client.openStream(Self.watch, sending: WatchRequest.self, receiving: WatchResponse.self)
            failing.send(WatchRequest())
            #expect(failing.next() == .failed(.compacted))

            let empty = client.startServerStream(Self.snapshot, SnapshotRequest(), receiving: SnapshotResponse.self)
            #expect(empty.next() == .finished)
        }
    }

    @Test func aServerThatIsNotThereIsUnavailable() {
        let client = EtcdClient(ListenAddress(host: "127.0.0.1", port: 1))
        guard case .failure(let error) = Self.call(client, key: "a") else {
            Issue.record("nobody is there to answer")
            return
        }
        #expect(error.code == .unavailable)
        client.close()
    }
}
