import GRPCCore
import Primitives
import Testing

/// Pings are enforced as etcd does: at least five seconds between two, and none while there is no call.
@Suite struct KeepaliveTests {
    private static let tooManyPings = "too_many_pings"

    private func readUntilClosed(_ connection: RawConnection) -> Bytes {
        var all = Bytes()
        while let more = connection.read(timeoutMilliseconds: 3000), !more.isEmpty { all += more }
        return all
    }

    @Test func tooManyPingsWithoutACall() throws {
        try withServer { server, _ in
            let connection = RawConnection(port: server.port)
            connection.write(HTTP2.preface + HTTP2.settings)
            for _ in 0..<5 { connection.write(HTTP2.ping) }
            #expect(readUntilClosed(connection).contains(Self.tooManyPings))
        }
    }

    @Test func tooManyPingsWithACall() throws {
        try withServer { server, _ in
            let connection = RawConnection(port: server.port)
            connection.write(
                HTTP2.preface + HTTP2.settings + HTTP2.headers(path: TestMethod.stream.path, stream: 1))
            #expect(server.wait { $0.opened.count == 1 })
            for _ in 0..<5 { connection.write(HTTP2.ping) }
            #expect(readUntilClosed(connection).contains(Self.tooManyPings))
            #expect(server.wait { $0.ended == $0.opened })
        }
    }

    @Test func pingsAtTheirPaceAreAllowed() throws {
        var settings = GRPCServerSettings()
        settings.keepaliveMinTimeMilliseconds = 0
        try withServer(settings: settings) { server, _ in
            let connection = RawConnection(port: server.port)
            connection.write(
                HTTP2.preface + HTTP2.settings + HTTP2.headers(path: TestMethod.stream.path, stream: 1))
            #expect(server.wait { $0.opened.count == 1 })
            for _ in 0..<5 { connection.write(HTTP2.ping) }
            var all = Bytes()
            while let more = connection.read(timeoutMilliseconds: 500) {
                if more.isEmpty { break }
                all += more
            }
            #expect(!all.contains(Self.tooManyPings))
            #expect(server.seen.value.ended.isEmpty)
        }
    }

    @Test func aServerPingsAndGivesUpOnASilentClient() throws {
        var settings = GRPCServerSettings()
        settings.keepaliveIntervalMilliseconds = 200
        settings.keepaliveTimeoutMilliseconds = 200
        try withServer(settings: settings) { server, _ in
            let connection = RawConnection(port: server.port)
            connection.write(
                HTTP2.preface + HTTP2.settings + HTTP2.headers(path: TestMethod.stream.path, stream: 1))
            #expect(server.wait { $0.opened.count == 1 })
            #expect(server.wait { $0.ended == $0.opened })
        }
    }

    @Test func streamsBeyondTheLimitWait() throws {
        var settings = GRPCServerSettings()
        settings.maxConcurrentStreams = 2
        try withServer(settings: settings) { server, client in
            let calls = (0..<3).map { _ in client.startUnary(TestMethod.hold.path, message: []) }
            #expect(server.wait { $0.held.count == 2 })
            #expect(client.nextEvent(of: calls[2], timeoutNanoseconds: second / 5) == nil)
            #expect(server.seen.value.held.count == 2)
            server.release(server.seen.value.held[0])
            _ = client.nextEvent(of: calls[0], timeoutNanoseconds: second)
            _ = client.nextEvent(of: calls[0], timeoutNanoseconds: second)
            _ = client.nextEvent(of: calls[2], timeoutNanoseconds: second / 5)
            #expect(server.wait { $0.held.count == 3 })
        }
    }
}
