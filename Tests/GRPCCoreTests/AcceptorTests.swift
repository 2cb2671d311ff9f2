import Glibc
import Primitives
import Testing

@testable import GRPCCore

@Suite struct AcceptorTests {
    @Test func garbageIsClosedAndHarmless() throws {
        try withServer { server, client in
            for bytes in [
                Bytes([0xff]), Bytes([0]), Bytes(text: "hello\r\n"), Bytes(text: " "), [0x16, 0x02],
                [0x16, 0x03, 0x01],
            ] {
                let connection = RawConnection(port: server.port)
                connection.write(bytes)
                #expect(connection.readToEnd() == [], "\(bytes)")
            }
            let long = RawConnection(port: server.port)
            long.write(Bytes(repeating: UInt8(ascii: "A"), count: 10_000))
            #expect(long.readToEnd() == [])
            #expect(client.call(TestMethod.echo.path, message: [1]) == .success([1]))
        }
    }

    @Test func http1IsAnsweredWhenNobodyServesIt() throws {
        try withServer { server, _ in
            for request in [
                "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "POST /v3/kv/range HTTP/1.1\r\n\r\n", "PUT ", "PRIX / ",
            ] {
                let connection = RawConnection(port: server.port)
                connection.write(request)
                let answer = try #require(connection.readToEnd())
                #expect(answer.text.hasPrefix("HTTP/1.1 400 Bad Request\r\n"), "\(request)")
            }
        }
    }

    @Test func connectionsForOthersGoToTheSinkUnread() throws {
        final class Sink: ConnectionSink {
            let taken = Mutexed<[ConnectionProtocol: Bytes]>([:])

            func take(descriptor: Int32, speaking: ConnectionProtocol) {
                var buffer = Bytes(repeating: 0, count: 100)
                let count = recv(descriptor, &buffer, buffer.count, 0)
                taken.update { $0[speaking] = Bytes(buffer.prefix(max(0, count))) }
                _ = close(descriptor)
            }
        }
        let server = try GRPCServer(methods: [], settings: .init())
        let sink = Sink()
        let acceptor = try Acceptor(settings: .init(), port: server.connectionPort)
        let port = try acceptor.listen(
            on: ListenAddress(host: "127.0.0.1", port: 0),
            serving: AcceptedProtocols(servesGRPC: true, sink: sink))
        try acceptor.start()
        let wanted: [ConnectionProtocol: Bytes] = [
            .http1: Bytes(text: "GET /health HTTP/1.1\r\n"), .tls: [0x16, 0x03, 0x01, 0x02], .unknown: [1, 2, 3],
        ]
        for bytes in wanted.values {
            let connection = RawConnection(port: port)
            connection.write(bytes)
            #expect(connection.readToEnd() == [])
        }
        #expect(sink.taken.value == wanted)
        acceptor.close()
        server.close()
    }

    @Test func aPrefaceInPiecesIsWaitedFor() throws {
        try withServer { server, _ in
            let connection = RawConnection(port: server.port)
            for byte in HTTP2.preface {
                connection.write([byte])
                usleep(2000)
            }
            connection.write(HTTP2.settings)
            let answer = try #require(connection.read())
            // The server's own settings come first.
            #expect(answer.count >= 9 && answer[3] == 4)
        }
    }

    @Test func truncatedAndBrokenHTTP2() throws {
        try withServer { server, client in
            do {
                let connection = RawConnection(port: server.port)
                connection.write(HTTP2.preface + [0, 0])
            }
            let broken = RawConnection(port: server.port)
            broken.write(HTTP2.preface + HTTP2.settings + Bytes(repeating: 0xfe, count: 5000))
            #expect(broken.readToEnd() != nil)
            let headless = RawConnection(port: server.port)
            headless.write(HTTP2.preface + HTTP2.settings + HTTP2.frame(type: 0, flags: 1, stream: 1, [0, 0, 0, 0, 9]))
            #expect(headless.read() != nil)
            // A message that announces more than it has.
            let short = RawConnection(port: server.port)
            short.write(
                HTTP2.preface + HTTP2.settings + HTTP2.headers(path: TestMethod.echo.path, stream: 1)
                    + HTTP2.frame(type: 0, flags: 1, stream: 1, [0, 0, 0, 0, 9, 1, 2]))
            #expect(short.read() != nil)
            #expect(client.call(TestMethod.echo.path, message: [1]) == .success([1]))
            #expect(server.seen.value.messages == 1)
        }
    }

    /// Frames of all types with random contents, half of them well formed as frames, from one seed.
    @Test func randomFramesAreHarmless() throws {
        var state: UInt64 = 20_26
        func next(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        try withServer { server, client in
            for round in 0..<150 {
                let connection = RawConnection(port: server.port)
                connection.write(HTTP2.preface + HTTP2.settings)
                for _ in 0..<(1 + next(8)) {
                    if round % 3 == 0 {
                        connection.write(HTTP2.headers(path: TestMethod.echo.path, stream: UInt32(1 + 2 * next(4))))
                    }
                    var frame = HTTP2.frame(
                        type: UInt8(next(12)), flags: UInt8(next(256)), stream: UInt32(next(9)),
                        Bytes((0..<next(60)).map { _ in UInt8(next(256)) }))
                    if next(4) == 0 { frame[Int(next(9))] = UInt8(next(256)) }
                    connection.write(frame)
                }
                _ = connection.read(timeoutMilliseconds: 5)
            }
            #expect(client.call(TestMethod.echo.path, message: [1]) == .success([1]))
        }
    }

    @Test func aSilentConnectionIsClosed() throws {
        var settings = AcceptorSettings()
        settings.decisionTimeoutNanoseconds = second / 5
        try withServer(acceptorSettings: settings) { server, _ in
            let silent = RawConnection(port: server.port)
            let partial = RawConnection(port: server.port)
            partial.write("PRI * HT")
            #expect(silent.readToEnd() == [])
            #expect(partial.readToEnd() == [])
        }
    }

    @Test func theOldestUndecidedConnectionMakesRoom() throws {
        var settings = AcceptorSettings()
        settings.maxUndecidedConnections = 3
        try withServer(acceptorSettings: settings) { server, client in
            var connections: [RawConnection] = []
            for _ in 0..<5 {
                connections.append(RawConnection(port: server.port))
                usleep(20_000)
            }
            #expect(connections[0].readToEnd() == [])
            #expect(connections[1].readToEnd() == [])
            #expect(connections[2].read(timeoutMilliseconds: 100) == nil)
            #expect(client.call(TestMethod.echo.path, message: [1]) == .success([1]))
        }
    }

    @Test func aConnectionThatEndsUndecidedIsClosed() throws {
        try withServer { server, _ in
            let connection = RawConnection(port: server.port)
            connection.write("PRI * ")
            usleep(50_000)
            connection.endWriting()
            #expect(connection.readToEnd() == [])
            let early = RawConnection(port: server.port)
            early.write("P")
            early.endWriting()
            #expect(early.readToEnd() == [])
            let whole = RawConnection(port: server.port)
            whole.write("GET / HTTP/1.1\r\n\r\n")
            whole.endWriting()
            #expect(whole.readToEnd()?.contains("400 Bad Request") == true)
        }
    }

    @Test func connectionsBeyondTheDescriptorLimitAreClosed() throws {
        var settings = AcceptorSettings()
        settings.maxDescriptor = 0
        try withServer(acceptorSettings: settings) { server, _ in
            #expect(RawConnection(port: server.port).readToEnd() == [])
        }
    }

    @Test func descriptorsAreReserved() throws {
        #expect(try AcceptorLoop.maxDescriptor(limit: 1024) == 874)
        #expect(throws: GRPCError.descriptorLimitTooLow(150)) { try AcceptorLoop.maxDescriptor(limit: 150) }
    }

    @Test func addresses() throws {
        #expect(try ListenAddress(parsing: "127.0.0.1:2379") == ListenAddress(host: "127.0.0.1", port: 2379))
        #expect(try ListenAddress(parsing: "[::1]:1") == ListenAddress(host: "::1", port: 1))
        #expect(try ListenAddress(parsing: ":80") == ListenAddress(host: "", port: 80))
        #expect(ListenAddress(host: "::1", port: 1).description == "[::1]:1")
        for text in ["", "localhost", "::1:80", "a:65536", "a:-1", "a:x", "[::1]"] {
            #expect(throws: GRPCError.malformedAddress(text)) { try ListenAddress(parsing: text) }
        }
    }

    @Test func listensByNameOnAllAddressesAndNotTwice() throws {
        let server = try GRPCServer(methods: [], settings: .init())
        let acceptor = try Acceptor(settings: .init(), port: server.connectionPort)
        let named = try acceptor.listen(on: ListenAddress(host: "localhost", port: 0))
        let everywhere = try acceptor.listen(on: ListenAddress(parsing: "[::]:0"))
        try acceptor.start()
        for port in [named, everywhere] {
            let connection = RawConnection(port: port)
            connection.write("x")
            #expect(connection.readToEnd() == [])
        }
        let second = try Acceptor(settings: .init(), port: server.connectionPort)
        #expect(throws: GRPCError.system(call: "bind", errorNumber: EADDRINUSE)) {
            try second.listen(on: ListenAddress(host: "127.0.0.1", port: named))
        }
        #expect(throws: GRPCError.self) { try second.listen(on: ListenAddress(host: "no.such.host.invalid", port: 0)) }
        second.close()
        acceptor.close()
        server.close()
    }

    @Test func socketsInTheFileSystem() throws {
        let path = "/tmp/martlet-acceptor-\(getpid()).sock"
        let address = ListenAddress.unixSocket(path: path)
        #expect(address.description == path)
        let server = try GRPCServer(methods: [], settings: .init())
        let acceptor = try Acceptor(settings: .init(), port: server.connectionPort)
        try acceptor.listen(on: address)
        var status = stat()
        #expect(lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK)
        // What a server that was killed left does not keep the next from its place; a file of somebody's does.
        let second = try Acceptor(settings: .init(), port: server.connectionPort)
        try second.listen(on: address)
        second.close()
        #expect(lstat(path, &status) != 0)
        let file = open(path, O_CREAT | O_WRONLY, 0o600)
        #expect(throws: GRPCError.system(call: "bind", errorNumber: EADDRINUSE)) {
            try ListenAddress.unixSocket(path: path).openListener(backlog: 1)
        }
        close(file)
        unlink(path)
        let long = String(repeating: "x", count: 108)
        for bad in ["", long, "/tmp/a\u{0}b"] {
            #expect(throws: GRPCError.malformedAddress(bad)) {
                try ListenAddress.unixSocket(path: bad).openListener(backlog: 1)
            }
        }
        acceptor.close()
        server.close()
    }

    @Test func aPortCanBeSharedIfBothWant() throws {
        let server = try GRPCServer(methods: [], settings: .init())
        var settings = AcceptorSettings()
        settings.sharesPorts = true
        let first = try Acceptor(settings: settings, port: server.connectionPort)
        let port = try first.listen(on: ListenAddress(host: "127.0.0.1", port: 0))
        let second = try Acceptor(settings: settings, port: server.connectionPort)
        #expect(try second.listen(on: ListenAddress(host: "127.0.0.1", port: port)) == port)
        let third = try Acceptor(settings: .init(), port: server.connectionPort)
        #expect(throws: GRPCError.self) { try third.listen(on: ListenAddress(host: "127.0.0.1", port: port)) }
        for acceptor in [first, second, third] { acceptor.close() }
        server.close()
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("::1", true), ("0.0.0.0", true), ("localhost", false), ("a.b", false), ("", false),
        ("1.2.3", false),
    ])
    func addressesAndNames(host: String, isNumeric: Bool) {
        #expect(ListenAddress.isNumeric(host: host) == isNumeric)
    }
}
