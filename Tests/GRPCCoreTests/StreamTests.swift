import GRPCCore
import Glibc
import Primitives
import Testing

@Suite struct StreamTests {
    private static let success = GRPCClientEvent.ended(GRPCStatus(code: 0, message: []))

    @Test func aServerStreamSendsAndFinishes() throws {
        try withServer { server, client in
            let call = client.startServerStream(TestMethod.count.path, message: Bytes(text: "5"))
            var sizes: [Int] = []
            var firsts: [UInt8] = []
            var end: GRPCClientEvent?
            while end == nil, let event = client.nextEvent(of: call, timeoutNanoseconds: 10 * second) {
                switch event {
                case .message(let message):
                    sizes.append(message.count)
                    firsts.append(message[0])
                case .ended: end = event
                case .sent: break
                }
            }
            #expect(sizes == Array(repeating: 65_536, count: 5))
            #expect(firsts == [5, 4, 3, 2, 1])
            #expect(end == Self.success)
            #expect(server.seen.value.ended.isEmpty)
        }
    }

    @Test func anEmptyServerStream() throws {
        try withServer { _, client in
            let call = client.startServerStream(TestMethod.count.path, message: Bytes(text: "0"))
            #expect(nextMessage(client, call) == nil)
        }
    }

    @Test func aBidirectionalStreamEchoes() throws {
        try withServer { server, client in
            let call = client.openStream(TestMethod.stream.path)
            for number in UInt8(0)..<100 {
                client.send(call, message: [number])
                #expect(nextMessage(client, call) == [number])
            }
            let serverCall = server.seen.value.opened[0]
            server.perform { server, _ in server.finish(serverCall) }
            #expect(nextEnd(client, call) == Self.success)
            #expect(server.seen.value.ended.isEmpty && server.seen.value.halfClosed.isEmpty)
        }
    }

    @Test func afterHalfCloseTheServerGoesOnSending() throws {
        try withServer { server, client in
            let call = client.openStream(TestMethod.stream.path)
            client.send(call, message: [1])
            #expect(nextMessage(client, call) == [1])
            client.halfClose(call)
            // The client tells so once its own loop has seen that its message has gone.
            #expect(
                server.wait { seen in
                    client.poll(timeoutNanoseconds: 0) { _, _ in }
                    return seen.halfClosed.count == 1
                })
            let serverCall = server.seen.value.opened[0]
            for number in UInt8(10)..<20 {
                server.run { _, handler in handler.push(serverCall, [number]) }
                #expect(nextMessage(client, call) == [number])
            }
            #expect(server.seen.value.ended.isEmpty)
            server.perform { server, _ in server.fail(serverCall, .noLeader) }
            let end = GRPCClientEvent.ended(GRPCStatus(code: 14, message: Bytes(text: "etcdserver: no leader")))
            #expect(nextEnd(client, call) == end)
        }
    }

    @Test func cancellingAStreamReachesTheHandler() throws {
        try withServer { server, client in
            let call = client.openStream(TestMethod.stream.path)
            #expect(server.wait { $0.opened.count == 1 })
            client.cancel(call)
            #expect(server.wait { $0.ended == $0.opened })
            #expect(client.nextEvent(of: call, timeoutNanoseconds: 10 * second)?.isEnd == true)
        }
    }

    @Test func theStatusWaitsForTheMessageBeforeIt() throws {
        try withServer { server, client in
            let call = client.openStream(TestMethod.stream.path)
            #expect(server.wait { $0.opened.count == 1 })
            let serverCall = server.seen.value.opened[0]
            server.perform { server, _ in
                server.send(serverCall, message: Bytes(repeating: 1, count: 1 << 20))
                server.fail(serverCall, .compacted)
                server.send(serverCall, message: [2])
            }
            #expect(nextMessage(client, call)?.count == 1 << 20)
            let end = nextEnd(client, call)
            #expect(end == .ended(GRPCStatus(code: 11, message: Bytes(text: EtcdError.compacted.message))))
        }
    }

    /// A client that does not read must not make the server hold more than what is in flight.
    @Test func aSlowReaderIsNotSentMore() throws {
        try withServer { server, client in
            let call = client.startServerStream(
                TestMethod.count.path, message: Bytes(text: "2000"), readsAutomatically: false)
            #expect(server.wait { $0.sendsCompleted > 0 })
            var last = -1
            while server.seen.value.sendsCompleted != last {
                last = server.seen.value.sendsCompleted
                usleep(300_000)
            }
            // 2000 messages are 125 MiB; the windows of the connection hold a fraction of that.
            #expect(last < 200, "\(last) messages were taken")
            var received = 0
            client.read(call)
            while let event = client.nextEvent(of: call, timeoutNanoseconds: 10 * second), !event.isEnd {
                guard case .message = event else { continue }
                received += 1
                client.read(call)
            }
            #expect(received == 2000)
        }
    }

    /// A handler that pauses reading slows its client down.
    @Test func pausedReadsHoldTheClientBack() throws {
        try withServer { server, client in
            let call = client.openStream(TestMethod.pause.path)
            #expect(server.wait { $0.opened.count == 1 })
            let block = Bytes(repeating: 1, count: 256 * 1024)
            var sent = 0
            client.send(call, message: block)
            while sent < 400, client.nextEvent(of: call, timeoutNanoseconds: second / 2) == .sent {
                sent += 1
                client.send(call, message: block)
            }
            #expect(sent < 100, "\(sent) messages were taken")
            #expect(server.seen.value.messages == 0)
            let serverCall = server.seen.value.opened[0]
            server.perform { server, _ in server.resumeReads(serverCall) }
            #expect(server.wait { $0.messages == sent + 1 })
        }
    }

    @Test func aStreamThatIsCancelledWhileReadsArePaused() throws {
        try withServer { server, client in
            let call = client.openStream(TestMethod.pause.path)
            #expect(server.wait { $0.opened.count == 1 })
            client.cancel(call)
            #expect(server.wait { $0.ended == $0.opened })
        }
    }

    @Test func aStreamThatIsCancelledAfterHalfClose() throws {
        try withServer { server, client in
            let call = client.openStream(TestMethod.stream.path)
            client.halfClose(call)
            #expect(server.wait { $0.halfClosed.count == 1 })
            usleep(50_000)
            #expect(server.seen.value.ended.isEmpty)
            client.cancel(call)
            #expect(server.wait { $0.ended == $0.opened })
        }
    }

    @Test func aDeadlineEndsAStream() throws {
        try withServer { server, client in
            let call = client.openStream(TestMethod.stream.path, timeoutNanoseconds: second / 5)
            #expect(server.wait { $0.opened.count == 1 })
            #expect(server.wait { $0.ended == $0.opened })
            guard case .ended(let status)? = client.nextEvent(of: call, timeoutNanoseconds: 10 * second) else {
                Issue.record("the stream must end")
                return
            }
            #expect(status.code == StatusCode.deadlineExceeded.rawValue)
        }
    }

    /// The handler must hear that a stream is over whose client sent too long a message.
    @Test func aMessageThatIsTooLongEndsAStream() throws {
        var settings = GRPCServerSettings()
        settings.maxReceiveMessageByteCount = 1000
        try withServer(settings: settings) { server, client in
            let call = client.openStream(TestMethod.stream.path)
            client.send(call, message: Bytes(repeating: 1, count: 1001))
            let end = GRPCClientEvent.ended(
                GRPCStatus(
                    code: StatusCode.resourceExhausted.rawValue,
                    message: Bytes(text: "grpc: received message larger than max (1001 vs. 1000)")))
            #expect(nextEnd(client, call) == end)
            #expect(server.wait { $0.ended == $0.opened })
        }
    }

    @Test func manyStreamsAtOnce() throws {
        try withServer { server, client in
            let calls = (0..<500).map { _ in client.openStream(TestMethod.stream.path) }
            for (number, call) in calls.enumerated() { client.send(call, message: Bytes(text: String(number))) }
            for (number, call) in calls.enumerated() {
                #expect(nextMessage(client, call) == Bytes(text: String(number)))
            }
            for call in calls { client.cancel(call) }
            #expect(server.wait { $0.ended.count == 500 })
        }
    }
}

/// The end of a stream, of which no message comes before it; nil if it does not end.
func nextEnd(_ client: GRPCClientChannel, _ call: CallID) -> GRPCClientEvent? {
    while let event = client.nextEvent(of: call, timeoutNanoseconds: 10 * second) {
        if event != .sent { return event }
    }
    return nil
}

/// The next message of a stream; nil if it ends.
func nextMessage(_ client: GRPCClientChannel, _ call: CallID) -> Bytes? {
    while let event = client.nextEvent(of: call, timeoutNanoseconds: 10 * second) {
        switch event {
        case .message(let message): return message
        case .ended: return nil
        case .sent: continue
        }
    }
    return nil
}
