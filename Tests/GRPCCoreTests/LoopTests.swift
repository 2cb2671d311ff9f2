import GRPCCore
import Glibc
import Primitives
import Testing

/// The loop's wakes, and its end.
@Suite struct LoopTests {
    @Test func aWakeEndsASleepingPoll() throws {
        let server = try GRPCServer(methods: [], settings: .init())
        let handler = TestHandler(server: server, seen: Mutexed(Seen()))
        let waker = server.waker
        let start = clock()
        runOnThread {
            usleep(50_000)
            waker.wake()
        }
        server.poll(handler, timeoutNanoseconds: 60 * second)
        #expect(clock() - start < 10 * second)
        server.close()
        waker.wake()
    }

    @Test func aThousandWakesAreOne() throws {
        let server = try GRPCServer(methods: [], settings: .init())
        let handler = TestHandler(server: server, seen: Mutexed(Seen()))
        for _ in 0..<1000 { server.waker.wake() }
        #expect(server.poll(handler, timeoutNanoseconds: second) == 1)
        #expect(server.poll(handler, timeoutNanoseconds: 1_000_000) == 0)
        server.waker.wake()
        #expect(server.poll(handler, timeoutNanoseconds: second) == 1)
        server.close()
    }

    /// What streams do ends the loop's sleep, though it does not come through the completion queue: the loop of these tests
    /// sleeps for a second at a time.
    @Test func aStreamWakesASleepingPoll() throws {
        try withServer { server, client in
            let call = client.openStream(TestMethod.stream.path)
            let start = clock()
            for number in UInt8(0)..<50 {
                client.send(call, message: [number])
                #expect(nextMessage(client, call) == [number])
                usleep(2000)
            }
            client.cancel(call)
            #expect(server.wait { $0.ended.count == 1 })
            #expect(clock() - start < 10 * second)
        }
    }

    /// Silent streams are in nobody's way, and each still hears when its turn comes.
    @Test func thousandsOfSilentStreams() throws {
        try withServer { server, client in
            let calls = (0..<2000).map { _ in client.openStream(TestMethod.stream.path) }
            #expect(server.wait { $0.opened.count == 2000 })
            for number in 0..<100 {
                let answer = client.call(TestMethod.echo.path, message: [UInt8(number)])
                #expect(answer == .success([UInt8(number)]))
                let call = calls[number * 19]
                client.send(call, message: [7, UInt8(number)])
                #expect(nextMessage(client, call) == [7, UInt8(number)])
            }
            for call in calls { client.cancel(call) }
            #expect(server.wait { $0.ended.count == 2000 })
        }
    }

    @Test func aPollTakesNoMoreThanItsShare() throws {
        var settings = GRPCServerSettings()
        settings.maxCompletionsPerPoll = 1
        try withServer(settings: settings) { server, client in
            let calls = (0..<50).map { client.startUnary(TestMethod.echo.path, message: [UInt8($0)]) }
            for (number, call) in calls.enumerated() {
                #expect(client.nextEvent(of: call, timeoutNanoseconds: 10 * second) == .message([UInt8(number)]))
            }
            #expect(server.rounds.value >= 50)
        }
    }

    @Test func noJobIsLostAmongWakesOfManyThreads() throws {
        try withServer { server, _ in
            let count = Mutexed(0)
            for _ in 0..<8 {
                runOnThread {
                    for _ in 0..<1000 { server.run { _, _ in count.update { $0 += 1 } } }
                }
            }
            for _ in 0..<10_000 where count.value < 8000 { usleep(1000) }
            #expect(count.value == 8000)
        }
    }

    @Test func aPollWithoutEventsReturnsInTime() throws {
        let server = try GRPCServer(methods: [], settings: .init())
        let handler = TestHandler(server: server, seen: Mutexed(Seen()))
        let start = clock()
        #expect(server.poll(handler, timeoutNanoseconds: second / 10) == 0)
        #expect(clock() - start >= second / 10)
        #expect(server.poll(handler, timeoutNanoseconds: 0) == 0)
        server.close()
    }

    @Test func drainingLetsCallsEnd() throws {
        let server = try TestServer()
        let client = GRPCClientChannel(server.address)
        let call = client.startUnary(TestMethod.hold.path, message: [7])
        let stream = client.openStream(TestMethod.stream.path)
        #expect(server.wait { $0.held.count == 1 && $0.opened.count == 1 })
        server.beginStop(drainNanoseconds: 60 * second)
        usleep(200_000)
        let opened = server.seen.value.opened[0]
        server.perform { server, _ in server.finish(opened) }
        server.release(server.seen.value.held[0])
        #expect(client.nextEvent(of: call, timeoutNanoseconds: 10 * second) == .message([7]))
        #expect(client.nextEvent(of: stream, timeoutNanoseconds: 10 * second)?.isEnd == true)
        server.waitUntilStopped()
        #expect(server.seen.value.ended.isEmpty)
        client.close()
    }

    @Test func drainingCancelsWhatDoesNotEnd() throws {
        let server = try TestServer()
        let client = GRPCClientChannel(server.address)
        let call = client.startUnary(TestMethod.hold.path, message: [7])
        _ = client.openStream(TestMethod.stream.path)
        #expect(server.wait { $0.held.count == 1 && $0.opened.count == 1 })
        let start = clock()
        server.stop(drainNanoseconds: second / 5)
        #expect(clock() - start < 10 * second)
        #expect(client.nextEvent(of: call, timeoutNanoseconds: 10 * second)?.isEnd == true)
        #expect(server.seen.value.ended.count == 2)
        client.close()
    }

    @Test func closingWithoutDrainingFreesEverything() throws {
        for _ in 0..<20 {
            let server = try GRPCServer(methods: TestMethod.methods, settings: .init())
            let handler = TestHandler(server: server, seen: Mutexed(Seen()))
            let acceptor = try Acceptor(settings: .init(), port: server.connectionPort)
            let port = try acceptor.listen(on: ListenAddress(host: "127.0.0.1", port: 0))
            try acceptor.start()
            let client = GRPCClientChannel(ListenAddress(host: "127.0.0.1", port: port))
            let call = client.startUnary(TestMethod.hold.path, message: [])
            let stream = client.openStream(TestMethod.stream.path)
            while handler.seen.value.held.isEmpty || handler.seen.value.opened.isEmpty {
                client.poll(timeoutNanoseconds: 1_000_000) { _, _ in }
                server.poll(handler, timeoutNanoseconds: 1_000_000)
            }
            // With a message on its way and a status waiting behind it.
            let opened = handler.seen.value.opened[0]
            server.send(opened, message: [1])
            server.finish(opened)
            server.close()
            server.close()
            acceptor.close()
            #expect(client.nextEvent(of: call, timeoutNanoseconds: 10 * second)?.isEnd == true)
            client.cancel(stream)
            client.close()
        }
    }

    @Test func aConnectionThatComesAfterTheEndIsClosed() throws {
        let server = try GRPCServer(methods: [], settings: .init())
        let acceptor = try Acceptor(settings: .init(), port: server.connectionPort)
        let port = try acceptor.listen(on: ListenAddress(host: "127.0.0.1", port: 0))
        try acceptor.start()
        server.close()
        let connection = RawConnection(port: port)
        connection.write(HTTP2.preface)
        #expect(connection.readToEnd() == [])
        acceptor.close()
    }

    private func clock() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * second + UInt64(time.tv_nsec)
    }
}
