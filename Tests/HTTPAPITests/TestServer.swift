import GRPCCore
import Glibc
import Primitives
import RawSockets
import Synchronization

@testable import HTTPAPI

/// A value under a lock.
final class Mutexed<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>

    init(_ value: Value) { mutex = Mutex(value) }

    var value: Value { mutex.withLock { $0 } }

    @discardableResult
    func update<Result: Sendable>(_ body: (inout Value) -> Result) -> Result { mutex.withLock { body(&$0) } }
}

/// A client port without a member: `/version` is answered at once, `/health` when the test says so.
final class TestServer {
    let http: HTTPServer
    let port: UInt16
    let held = Mutexed<[HTTPCall]>([])
    private let grpc: GRPCServer
    private let acceptor: Acceptor

    static let version = #"{"etcdserver":"3.6.14","etcdcluster":"not_decided","storage":"unknown"}"#

    init(_ settings: HTTPServerSettings = HTTPServerSettings(), _ access: HTTPAccess = HTTPAccess()) throws {
        let held = held
        http = HTTPServer(settings: settings) { call in
            if call.question == .version {
                let server = EtcdVersion(major: 3, minor: 6, patch: 14)
                call.answer(VersionReport(server: server, cluster: nil, storage: nil).response)
            } else {
                held.update { $0.append(call) }
            }
        }
        grpc = try GRPCServer(methods: [], settings: .init())
        acceptor = try Acceptor(settings: .init(), port: grpc.connectionPort)
        port = try acceptor.listen(
            on: ListenAddress(host: "127.0.0.1", port: 0),
            serving: AcceptedProtocols(servesGRPC: true, sink: http.sink(access)))
        try acceptor.start()
    }

    func client() -> RawConnection { RawConnection(port: port) }

    /// Waits until so many questions are held.
    func waitForQuestions(_ count: Int = 1) -> Bool { wait { held.value.count >= count } }

    /// Answers all questions that are held.
    func answerAll() {
        for call in held.update({ held in
            defer { held = [] }
            return held
        }) {
            call.answer(HealthReport(reason: nil).response)
        }
    }

    /// Stops to accept.
    func stopAccepting() { acceptor.close() }

    func stop() {
        acceptor.close()
        http.close()
        grpc.close()
    }
}

/// Runs a body with a server that is stopped behind it.
func withServer(
    _ settings: HTTPServerSettings = HTTPServerSettings(), access: HTTPAccess = HTTPAccess(),
    _ body: (TestServer) throws -> Void
) throws {
    let server = try TestServer(settings, access)
    defer { server.stop() }
    try body(server)
}

/// Waits for a condition; false if it does not come true in half a minute.
func wait(_ condition: () -> Bool) -> Bool {
    for _ in 0..<30_000 {
        if condition() { return true }
        usleep(1000)
    }
    return condition()
}
