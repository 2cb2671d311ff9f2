import GRPCCore
import Primitives
import Testing

@Suite struct UnaryTests {
    @Test func echoes() throws {
        try withServer { _, client in
            #expect(client.call(TestMethod.echo.path, message: [1, 2, 3]) == .success([1, 2, 3]))
        }
    }

    @Test func anEmptyMessageIsAMessage() throws {
        try withServer { server, client in
            #expect(client.call(TestMethod.echo.path, message: []) == .success([]))
            #expect(server.seen.value.messages == 1)
        }
    }

    @Test func aCallWithoutAMessageIsNotHandedOver() throws {
        try withServer { server, client in
            let call = client.openStream(TestMethod.echo.path)
            client.halfClose(call)
            let status = GRPCStatus(code: StatusCode.unknown.rawValue, message: Bytes(text: "EOF"))
            #expect(client.nextEvent(of: call, timeoutNanoseconds: second) == .ended(status))
            #expect(server.seen.value.messages == 0)
        }
    }

    @Test func largeMessagesGoBothWays() throws {
        try withServer { _, client in
            for byteCount in [16 * 1024 - 1, 16 * 1024, 65_536, 1 << 20] {
                let message = Bytes((0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31) })
                #expect(client.call(TestMethod.echo.path, message: message) == .success(message))
            }
        }
    }

    @Test func aReplyMayComeLater() throws {
        try withServer { server, client in
            // Long enough for the reply to be lent to the core rather than copied.
            let message = Bytes(repeating: 5, count: 100_000)
            let call = client.startUnary(TestMethod.hold.path, message: message)
            #expect(server.wait { $0.held.count == 1 })
            server.release(server.seen.value.held[0])
            #expect(client.nextEvent(of: call, timeoutNanoseconds: 10 * second) == .message(message))
            let success = GRPCStatus(code: 0, message: [])
            #expect(client.nextEvent(of: call, timeoutNanoseconds: 10 * second) == .ended(success))
            #expect(server.seen.value.ended.isEmpty)
        }
    }

    @Test func repliesMayComeInAnyOrder() throws {
        try withServer { server, client in
            let calls = (0..<5).map { client.startUnary(TestMethod.hold.path, message: [UInt8($0)]) }
            #expect(server.wait { $0.held.count == 5 })
            let held = server.seen.value.held
            for index in [3, 0, 4, 1, 2] { server.release(held[index]) }
            for (index, call) in calls.enumerated() {
                #expect(client.nextEvent(of: call, timeoutNanoseconds: 10 * second) == .message([UInt8(index)]))
            }
        }
    }

    @Test func statusAndTextArriveAsGiven() throws {
        try withServer { _, client in
            let text = Bytes(text: "etcdserver: 100% \"of\" the way, grün\n")
            for code in [UInt8(1), 3, 5, 8, 9, 11, 14, 16] {
                let answer = client.call(TestMethod.fail.path, message: [code] + text)
                #expect(answer == .failure(GRPCStatus(code: Int32(code), message: text)))
            }
        }
    }

    @Test func metadataIsFoundByKey() throws {
        try withServer { _, client in
            let entries = [
                GRPCMetadataEntry("tokens", "no"), GRPCMetadataEntry("token", "yes"),
                GRPCMetadataEntry("token", "late"),
            ]
            let answer = client.call(TestMethod.metadata.path, message: [], metadata: entries)
            #expect(answer == .success(Bytes(text: "yes")))
            let without = client.call(TestMethod.metadata.path, message: [], metadata: [entries[0]])
            #expect(without == .failure(GRPCStatus(code: 5, message: Bytes(text: "no token"))))
        }
    }

    @Test func metadataIsComparedInPlace() throws {
        try withServer { server, client in
            let entries = [GRPCMetadataEntry("hasleader", "true")]
            let call = client.startUnary(TestMethod.hold.path, message: [], metadata: entries)
            #expect(server.wait { $0.held.count == 1 })
            let held = server.seen.value.held[0]
            let found = Mutexed<[Bool]>([])
            server.perform { server, _ in
                found.update {
                    $0 = [
                        server.hasMetadata(held, "hasleader", value: "true"),
                        server.hasMetadata(held, "hasleader", value: "false"),
                        server.hasMetadata(held, "hasleaders", value: "true"),
                    ]
                }
            }
            server.release(held)
            _ = client.nextEvent(of: call, timeoutNanoseconds: 10 * second)
            #expect(found.value == [true, false, false])
        }
    }

    @Test func theHandlerLearnsOfPeerAndDeadline() throws {
        try withServer { server, client in
            for timeout in [60 * second, .max] {
                let call = client.startUnary(TestMethod.hold.path, message: [], timeoutNanoseconds: timeout)
                #expect(server.wait { $0.held.count == 1 })
                #expect(server.seen.value.lastPeer?.hasPrefix("ipv4:127.0.0.1:") == true)
                #expect(server.seen.value.lastHasDeadline == (timeout != .max))
                server.release(server.seen.value.held[0])
                server.seen.update { $0.held = [] }
                _ = client.nextEvent(of: call, timeoutNanoseconds: 10 * second)
            }
        }
    }

    @Test func tenThousandCallsInARowAndTwoHundredAtOnce() throws {
        try withServer { server, client in
            for number in 0..<10_000 {
                let message = Bytes(text: String(number))
                #expect(client.call(TestMethod.echo.path, message: message) == .success(message))
            }
            var calls: [CallID: Bytes] = [:]
            for number in 0..<200 {
                let message = Bytes(text: String(number))
                calls[client.startUnary(TestMethod.echo.path, message: message)] = message
            }
            while !calls.isEmpty {
                client.poll(timeoutNanoseconds: second) { call, event in
                    switch event {
                    case .message(let message): #expect(message == calls[call])
                    case .ended(let status):
                        #expect(status.isSuccess)
                        calls[call] = nil
                    case .sent: break
                    }
                }
            }
            #expect(server.seen.value.messages == 10_200)
        }
    }
}

let second: UInt64 = 1_000_000_000
