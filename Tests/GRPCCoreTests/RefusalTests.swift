import GRPCCore
import Primitives
import Testing

/// What the server answers without asking the handler; the texts are grpc-go's.
@Suite struct RefusalTests {
    private func refusal(_ client: GRPCClientChannel, _ path: String) -> EtcdError? {
        switch client.call(path, message: [1]) {
        case .success: nil
        case .failure(let status): status.error
        }
    }

    @Test func unknownNames() throws {
        try withServer { _, client in
            #expect(
                refusal(client, "/etcdserverpb.Foo/Bar")
                    == EtcdError(.unimplemented, "unknown service etcdserverpb.Foo"))
            #expect(
                refusal(client, "/test.Test/Bar")
                    == EtcdError(.unimplemented, "unknown method Bar for service test.Test"))
            #expect(refusal(client, "/a/b/c") == EtcdError(.unimplemented, "unknown service a/b"))
            #expect(refusal(client, "/nothing") == EtcdError(.unimplemented, "malformed method name: \"/nothing\""))
            #expect(
                refusal(client, "/no\"th\\ing")
                    == EtcdError(.unimplemented, "malformed method name: \"/no\\\"th\\\\ing\""))
            #expect(client.call(TestMethod.echo.path, message: [1]) == .success([1]))
        }
    }

    @Test func manyUnknownCalls() throws {
        try withServer { _, client in
            let calls = (0..<100).map { _ in client.startUnary("/x/y", message: []) }
            for call in calls {
                let status = GRPCStatus(code: 12, message: Bytes(text: "unknown service x"))
                #expect(client.nextEvent(of: call, timeoutNanoseconds: 10 * second) == .ended(status))
            }
        }
    }

    @Test func messagesThatAreTooLong() throws {
        try withServer { server, client in
            let limit = Limits.maxRequestByteCount + Limits.gRPCOverheadByteCount
            let allowed = client.call(TestMethod.echo.path, message: Bytes(repeating: 1, count: limit))
            #expect(allowed.map(\.count) == .success(limit))
            let refused = client.call(TestMethod.echo.path, message: Bytes(repeating: 1, count: limit + 1))
            let text = "grpc: received message larger than max (\(limit + 1) vs. 2097152)"
            #expect(refused == .failure(GRPCStatus(code: 8, message: Bytes(text: text))))
            #expect(server.seen.value.messages == 1)
        }
    }

    @Test func aMessageOnAStreamThatIsTooLongEndsIt() throws {
        try withServer { server, client in
            let call = client.openStream(TestMethod.stream.path)
            client.send(call, message: Bytes(repeating: 1, count: 3 << 20))
            #expect(server.wait { $0.opened.count == 1 })
            var end: GRPCStatus?
            while end == nil, let event = client.nextEvent(of: call, timeoutNanoseconds: 10 * second) {
                if case .ended(let status) = event { end = status }
            }
            let text = "grpc: received message larger than max (3145728 vs. 2097152)"
            #expect(end == GRPCStatus(code: 8, message: Bytes(text: text)))
            #expect(server.seen.value.messages == 0)
        }
    }

    /// Beyond the backstop the core itself refuses, and nothing of the call may reach the handler.
    @Test func messagesBeyondTheBackstop() throws {
        try withServer { server, client in
            for path in [TestMethod.echo.path, TestMethod.count.path] {
                let answer = client.call(path, message: Bytes(repeating: 1, count: 8 << 20))
                guard case .failure(let status) = answer else {
                    Issue.record("the call must fail")
                    return
                }
                #expect(status.code == StatusCode.resourceExhausted.rawValue, "\(status.error)")
            }
            #expect(client.call(TestMethod.echo.path, message: [1]) == .success([1]))
            #expect(server.seen.value.messages == 1 && server.seen.value.opened.isEmpty)
        }
    }

    @Test func compressedMessagesAreUnpackedWithinBounds() throws {
        try withServer { server, _ in
            let client = GRPCClientChannel(server.address, compressesMessages: true)
            defer { client.close() }
            let limit = Limits.maxRequestByteCount + Limits.gRPCOverheadByteCount
            for byteCount in [2000, limit] {
                let message = Bytes(repeating: 1, count: byteCount)
                #expect(client.call(TestMethod.echo.path, message: message) == .success(message))
            }
            let stream = client.openStream(TestMethod.stream.path)
            client.send(stream, message: Bytes(repeating: 3, count: 50_000))
            #expect(nextMessage(client, stream)?.count == 50_000)
            // A few kilobytes on the wire.
            for byteCount in [limit + 1, 64 << 20] {
                let bomb = client.call(TestMethod.echo.path, message: Bytes(repeating: 1, count: byteCount))
                let text = "grpc: received message after decompression larger than max 2097152"
                #expect(bomb == .failure(GRPCStatus(code: 8, message: Bytes(text: text))))
            }
            #expect(server.seen.value.messages == 3)
        }
    }

    @Test func brokenCompression() throws {
        try withServer { server, client in
            let connection = RawConnection(port: server.port)
            connection.write(HTTP2.preface + HTTP2.settings)
            for (stream, payload): (UInt32, Bytes) in [
                (1, [1, 2, 3]), (3, []), (5, [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b]),
            ] {
                let message = [1, 0, 0, 0, UInt8(payload.count)] + payload
                connection.write(
                    HTTP2.headers(path: TestMethod.echo.path, stream: stream, fields: [("grpc-encoding", "gzip")])
                        + HTTP2.frame(type: 0, flags: 1, stream: stream, message))
            }
            var all = Bytes()
            while let more = connection.read(timeoutMilliseconds: 500), !more.isEmpty { all += more }
            #expect(all.contains("failed to decompress"))
            #expect(client.call(TestMethod.echo.path, message: [1]) == .success([1]))
            #expect(server.seen.value.messages == 1)
        }
    }

    @Test func theSameMethodTwiceIsAnError() {
        let method = GRPCMethod(path: "/a/b", kind: .unary)
        let logged = Mutexed<[String]>([])
        GRPCLog.redirect { severity, text in
            if severity == .error { logged.update { $0.append(text) } }
        }
        #expect(throws: GRPCError.methodRefused(path: "/a/b")) {
            try GRPCServer(methods: [method, method], settings: .init()).close()
        }
        // The core says so, too, to whoever has taken over its log.
        #expect(logged.value.contains { $0.contains("duplicate registration for /a/b") })
    }
}
