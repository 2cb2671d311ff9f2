import GRPCCore
import Glibc
import Primitives
import Testing

/// How calls end that the server does not end itself.
@Suite struct EndingTests {
    @Test func cancellingReachesTheHandler() throws {
        try withServer { server, client in
            let call = client.startUnary(TestMethod.hold.path, message: [])
            #expect(server.wait { $0.held.count == 1 })
            client.cancel(call)
            #expect(server.wait { $0.ended == $0.held })
        }
    }

    @Test func aDeadlineReachesTheHandlerAndTheClient() throws {
        try withServer { server, client in
            let answer = client.call(TestMethod.hold.path, message: [], timeoutNanoseconds: second / 5)
            guard case .failure(let status) = answer else {
                Issue.record("the call must fail")
                return
            }
            #expect(status.code == StatusCode.deadlineExceeded.rawValue)
            #expect(server.wait { $0.ended.count == 1 && $0.ended == $0.held })
        }
    }

    /// The server ends the call by itself, whether or not the client does.
    @Test func aDeadlineIsKeptByTheServerAlone() throws {
        try withServer { server, _ in
            let connection = RawConnection(port: server.port)
            connection.write(
                HTTP2.preface + HTTP2.settings
                    + HTTP2.headers(path: TestMethod.hold.path, stream: 1, fields: [("grpc-timeout", "200m")])
                    + HTTP2.frame(type: 0, flags: 1, stream: 1, [0, 0, 0, 0, 0]))
            #expect(server.wait { $0.held.count == 1 })
            #expect(server.wait { $0.ended == $0.held })
            var all = Bytes()
            while !all.contains("Deadline Exceeded"), let more = connection.read(timeoutMilliseconds: 1000),
                !more.isEmpty
            {
                all += more
            }
            #expect(all.contains("grpc-status") && all.contains("Deadline Exceeded"))
        }
    }

    @Test func anAnswerToACallThatHasEndedIsIgnored() throws {
        try withServer { server, client in
            let call = client.startUnary(TestMethod.hold.path, message: [])
            #expect(server.wait { $0.held.count == 1 })
            client.cancel(call)
            #expect(server.wait { $0.ended.count == 1 })
            let stale = server.seen.value.ended[0]
            let sawNothing = Mutexed(false)
            server.perform { server, _ in
                server.reply(stale, message: [1])
                server.fail(stale, .noLeader)
                server.send(stale, message: [1])
                server.finish(stale)
                server.pauseReads(stale)
                server.resumeReads(stale)
                server.reply(stale, byteCount: 1) { _ in Issue.record("there is nothing to write") }
                let foreign = CallID(index: 4_000_000, generation: 0)
                server.reply(foreign, message: [1])
                sawNothing.update {
                    $0 =
                        server.peer(stale) == nil && server.metadata(stale, "user-agent") == nil
                        && !server.canSend(stale)
                }
            }
            for number in UInt8(0)..<100 {
                #expect(client.call(TestMethod.echo.path, message: [number]) == .success([number]))
            }
            #expect(sawNothing.value)
        }
    }

    @Test func aClientThatGoesAwayEndsItsCalls() throws {
        let server = try TestServer()
        defer { server.stop() }
        let client = GRPCClientChannel(server.address)
        _ = client.startUnary(TestMethod.hold.path, message: [])
        _ = client.openStream(TestMethod.stream.path)
        #expect(server.wait { $0.held.count == 1 && $0.opened.count == 1 })
        client.close()
        #expect(server.wait { $0.ended.count == 2 })
    }

    @Test func aCallAnsweredBeforeItsCancellationIsSeenEndsQuietly() throws {
        try withServer { server, client in
            for _ in 0..<200 {
                let call = client.startUnary(TestMethod.hold.path, message: [])
                #expect(server.wait { $0.held.count == 1 })
                let held = server.seen.value.held[0]
                server.seen.update { $0.held = [] }
                client.cancel(call)
                server.release(held)
                while client.nextEvent(of: call, timeoutNanoseconds: 10 * second)?.isEnd != true {}
            }
            #expect(client.call(TestMethod.echo.path, message: [1]) == .success([1]))
        }
    }

    /// Cancels at every moment a call has: before it is sent, on its way, while it is served, and while it is answered.
    @Test func aStormOfCancellationsLeavesNothingBehind() throws {
        try withServer { server, client in
            for round in 0..<3000 {
                let path = [TestMethod.hold, .echo, .stream, .count][round % 4].path
                let call: CallID
                if round % 4 < 2 {
                    call = client.startUnary(path, message: [UInt8(truncatingIfNeeded: round)])
                } else {
                    call = client.openStream(path)
                    client.send(call, message: Bytes(text: "3"))
                }
                client.poll(timeoutNanoseconds: UInt64(round % 7) * 50_000) { _, _ in }
                client.cancel(call)
            }
            #expect(client.call(TestMethod.echo.path, message: [1]) == .success([1]))
            // Every call that the handler holds is one whose end it has heard of.
            #expect(server.wait { Set($0.ended).isSuperset(of: $0.held) })
            #expect(server.wait { Set($0.ended).count == $0.ended.count })
        }
    }

    @Test func tooManyCallsAreRefused() throws {
        var settings = GRPCServerSettings()
        settings.maxConcurrentCalls = 2
        try withServer(settings: settings) { server, client in
            let held = (0..<2).map { _ in client.startUnary(TestMethod.hold.path, message: []) }
            #expect(server.wait { $0.held.count == 2 })
            let answer = client.call(TestMethod.echo.path, message: [])
            #expect(answer == .failure(GRPCStatus(code: 8, message: Bytes(text: "grpc: too many calls at once"))))
            for call in server.seen.value.held { server.release(call) }
            for call in held { while client.nextEvent(of: call, timeoutNanoseconds: 10 * second)?.isEnd != true {} }
            // The server hears of the end of a call a little later than its client.
            let deadline = ContinuousClock.now + .seconds(10)
            var later = client.call(TestMethod.echo.path, message: [3])
            while later != .success([3]), ContinuousClock.now < deadline {
                later = client.call(TestMethod.echo.path, message: [3])
            }
            #expect(later == .success([3]))
        }
    }
}

extension GRPCClientEvent {
    var isEnd: Bool {
        if case .ended = self { true } else { false }
    }
}
