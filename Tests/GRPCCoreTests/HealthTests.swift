import GRPCCore
import Primitives
import Testing

@Suite struct HealthTests {
    private static let check = "/grpc.health.v1.Health/Check"
    private static let watch = "/grpc.health.v1.Health/Watch"
    private static let serving: Bytes = [0x08, 1]
    private static let notServing: Bytes = [0x08, 2]
    private static let serviceUnknown: Bytes = [0x08, 3]

    @Test func check() throws {
        try withServer { server, client in
            #expect(client.call(Self.check, message: []) == .success(Self.serving))
            #expect(client.call(Self.check, message: [0x0a, 0]) == .success(Self.serving))
            // Fields that are not known are skipped.
            #expect(
                client.call(Self.check, message: [0x10, 0x80, 1, 0x1a, 1, 9, 0x25, 1, 2, 3, 4])
                    == .success(Self.serving))
            let unknown = GRPCStatus(code: StatusCode.notFound.rawValue, message: Bytes(text: "unknown service"))
            #expect(client.call(Self.check, message: [0x0a, 1, 65]) == .failure(unknown))
            server.perform { server, _ in server.setServing(false) }
            #expect(client.call(Self.check, message: []) == .success(Self.notServing))
        }
    }

    @Test func malformedRequests() throws {
        try withServer { _, client in
            for message: Bytes in [
                [0x0a], [0x0a, 5, 1], [0x80], [0x08], [0x0b], [0x00, 1], Bytes(repeating: 0xff, count: 20),
            ] {
                for path in [Self.check, Self.watch] {
                    guard case .failure(let status) = client.call(path, message: message) else {
                        Issue.record("\(message) must be refused")
                        continue
                    }
                    #expect(status.code == StatusCode.internal.rawValue)
                }
            }
        }
    }

    @Test func watchTellsOfChanges() throws {
        try withServer { server, client in
            let call = client.startServerStream(Self.watch, message: [])
            let other = client.startServerStream(Self.watch, message: [0x0a, 1, 65])
            #expect(nextMessage(client, call) == Self.serving)
            #expect(nextMessage(client, other) == Self.serviceUnknown)
            server.perform { server, _ in server.setServing(true) }
            server.perform { server, _ in server.setServing(false) }
            #expect(nextMessage(client, call) == Self.notServing)
            server.perform { server, _ in server.setServing(true) }
            #expect(nextMessage(client, call) == Self.serving)
            client.cancel(call)
            while client.nextEvent(of: call, timeoutNanoseconds: second)?.isEnd != true {}
            server.perform { server, _ in server.setServing(false) }
            #expect(client.call(Self.check, message: []) == .success(Self.notServing))
            #expect(server.seen.value.ended.isEmpty)
        }
    }
}
