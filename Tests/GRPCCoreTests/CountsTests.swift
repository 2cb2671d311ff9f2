import GRPCCore
import Metrics
import Primitives
import Testing

/// What calls a server counts, and as what.
@Suite struct CountsTests {
    private func counts(_ server: TestServer) -> GRPCCallCounts {
        let counts = Mutexed<GRPCCallCounts?>(nil)
        server.perform { server, _ in
            let now = server.counts
            counts.update { $0 = now }
        }
        return counts.value!
    }

    private func method(_ method: TestMethod, _ counts: GRPCCallCounts) -> GRPCCallCounts.Method {
        counts.methods[method.rawValue]
    }

    @Test func unaryCallsByTheirStatus() throws {
        try withServer { server, client in
            _ = client.call(TestMethod.echo.path, message: [1, 2, 3])
            _ = client.call(TestMethod.echo.path, message: [])
            _ = client.call(TestMethod.fail.path, message: [14, 65, 66])
            // A status that gRPC does not know.
            _ = client.call(TestMethod.fail.path, message: [99, 65])
            let counts = counts(server)
            let echo = method(.echo, counts)
            #expect(echo.path == TestMethod.echo.path && echo.kind == .unary)
            #expect(echo.startedCount == 2 && echo.receivedCount == 2 && echo.sentCount == 2)
            #expect(echo.endedCountsByStatus == [2] + Array(repeating: 0, count: 16))
            let fail = method(.fail, counts)
            #expect(fail.startedCount == 2 && fail.receivedCount == 2 && fail.sentCount == 0)
            #expect(fail.endedCountsByStatus[14] == 1 && fail.endedCountsByStatus[2] == 1)
            #expect(fail.endedCountsByStatus.reduce(0, +) == 2)
            #expect(counts.receivedByteCount == 8 && counts.sentByteCount == 3)
            #expect(GRPCCallCounts.statusNames[14] == "Unavailable")
        }
    }

    @Test func whatIsRefusedBeforehandDoesNotCount() throws {
        var settings = GRPCServerSettings()
        settings.maxReceiveMessageByteCount = 1000
        try withServer(settings: settings) { server, client in
            _ = client.call(TestMethod.echo.path, message: Bytes(repeating: 1, count: 1001))
            _ = client.call("/test.Test/Nonsense", message: [1])
            let counts = counts(server)
            #expect(counts.methods.allSatisfy { $0.startedCount == 0 && $0.receivedCount == 0 })
            #expect(counts.methods.allSatisfy { $0.endedCountsByStatus.allSatisfy { $0 == 0 } })
            #expect(counts.receivedByteCount == 0)
        }
    }

    @Test func callsThatTheirClientsEnd() throws {
        var settings = GRPCServerSettings()
        settings.cancellationWatchDelayNanoseconds = 0
        try withServer(settings: settings) { server, client in
            let cancelled = client.startUnary(TestMethod.hold.path, message: [1])
            #expect(server.wait { $0.held.count == 1 })
            client.cancel(cancelled)
            #expect(server.wait { $0.ended.count == 1 })
            _ = client.call(TestMethod.hold.path, message: [2], timeoutNanoseconds: second / 10)
            #expect(server.wait { $0.ended.count == 2 })
            let hold = method(.hold, counts(server))
            #expect(hold.startedCount == 2 && hold.sentCount == 0)
            #expect(hold.endedCountsByStatus[1] + hold.endedCountsByStatus[4] == 2)
            #expect(hold.endedCountsByStatus[1] >= 1)
        }
    }

    @Test func streamsAndTheirMessages() throws {
        try withServer { server, client in
            let call = client.openStream(TestMethod.stream.path)
            for number in 0..<3 as Range<UInt8> {
                client.send(call, message: [number])
                let events = (0..<2).map { _ in client.nextEvent(of: call, timeoutNanoseconds: 10 * second) }
                #expect(events.contains(.message([number])))
            }
            var stream = method(.stream, counts(server))
            #expect(stream.startedCount == 1 && stream.receivedCount == 3 && stream.sentCount == 3)
            #expect(stream.endedCountsByStatus.allSatisfy { $0 == 0 })
            client.cancel(call)
            #expect(server.wait { $0.ended.count == 1 })
            stream = method(.stream, counts(server))
            #expect(stream.endedCountsByStatus[1] == 1)
        }
    }

    @Test func timesAreTakenOnlyWhenAskedFor() throws {
        for isMeasured in [false, true] {
            var settings = GRPCServerSettings()
            settings.measuresHandling = isMeasured
            try withServer(settings: settings) { server, client in
                _ = client.call(TestMethod.echo.path, message: [1])
                #expect(method(.echo, counts(server)).handlingTime.count == (isMeasured ? 1 : 0))
            }
        }
    }
}
