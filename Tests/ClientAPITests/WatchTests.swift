import ClientAPI
import EtcdMessages
import GRPCCore
import Node
import Primitives
import Testing
import Watch

/// Watches over the wire. What a watch is told is the matter of the core's tests; here it is how the stream behaves.
@Suite struct WatchTests {
    private static let path = "/etcdserverpb.Watch/Watch"

    private func create(_ key: String, _ change: (inout WatchCreateRequest) -> Void = { _ in }) -> Bytes {
        var create = WatchCreateRequest()
        create.key = Bytes(text: key)
        change(&create)
        var request = WatchRequest()
        request.requestUnion = .create(create)
        return request.encoded()
    }

    private func next(_ service: TestService, _ call: CallID) throws -> WatchResponse {
        try WatchResponse(decoding: service.nextMessage(of: call))
    }

    private func open(_ service: TestService, _ key: String) throws -> CallID {
        let call = service.client.openStream(Self.path)
        service.client.send(call, message: create(key))
        let created = try next(service, call)
        #expect(created.created && !created.canceled && created.events.isEmpty)
        #expect(created.header?.memberID == service.node.memberID.rawValue)
        return call
    }

    @Test func eventsFollowTheirCreation() throws {
        try TestService.with { service in
            let call = try open(service, "key")
            for number in 0..<20 {
                let revision = try service.put("key", "\(number)").header?.revision
                let response = try next(service, call)
                #expect(response.header?.revision == revision)
                #expect(response.events.map { $0.kv?.value } == [Bytes(text: "\(number)")])
            }
            try service.put("another")
            var request = WatchRequest()
            request.requestUnion = .cancel(WatchCancelRequest())
            service.client.send(call, message: request.encoded())
            #expect(try next(service, call).canceled)
        }
    }

    @Test func progressIsToldWhenAskedFor() throws {
        try TestService.with { service in
            let call = try open(service, "key")
            try service.put("another")
            var request = WatchRequest()
            request.requestUnion = .progress(WatchProgressRequest())
            service.client.send(call, message: request.encoded())
            let progress = try next(service, call)
            #expect(progress.watchID == -1 && progress.header?.revision == 2 && progress.events.isEmpty)
        }
    }

    @Test func aHalfClosedStreamGoesOn() throws {
        try TestService.with { service in
            let call = try open(service, "key")
            service.client.halfClose(call)
            for _ in 0..<10 { service.turn() }
            try service.put("key", "still there")
            #expect(try next(service, call).events.count == 1)
        }
    }

    @Test func whatIsNoMessageEndsTheStream() throws {
        try TestService.with { service in
            let call = try open(service, "key")
            service.client.send(call, message: [0x0a, 0x7f])
            let text = "grpc: failed to unmarshal the received message: unexpected EOF"
            #expect(try service.end(of: call).error == EtcdError(.internal, text))
            #expect(service.node.watchCounters.streamCount == 0)
            #expect(service.services.failedWatchStreamCount == 1 && service.services.failedRenewalStreamCount == 0)
        }
    }

    /// A request that asks for nothing we know may be one of a later version.
    @Test func anEmptyRequestIsPassedOver() throws {
        try TestService.with { service in
            let call = try open(service, "key")
            service.client.send(call, message: [])
            try service.put("key")
            #expect(try next(service, call).events.count == 1)
        }
    }

    @Test func aClientThatLeavesLeavesNothingBehind() throws {
        try TestService.with { service in
            let calls = try (0..<10).map { try open(service, "key/\($0)") }
            #expect(service.node.watchCounters.streamCount == 10)
            for call in calls { service.client.cancel(call) }
            for _ in 0..<50 where service.node.watchCounters.streamCount > 0 { service.turn() }
            #expect(service.node.watchCounters.streamCount == 0)
        }
    }

    @Test func theEndOfTheMemberEndsTheStream() throws {
        try TestService.with { service in
            let call = try open(service, "key")
            service.endStreams()
            #expect(try service.end(of: call).error == .stopped)
            #expect(service.node.watchCounters.streamCount == 0)
        }
    }

    /// A client that asks for watches and reads no answers is not read from any more, after a bounded number of requests.
    @Test func aFloodOfRequestsIsHeldBack() throws {
        try TestService.with { service in
            let call = service.client.openStream(Self.path, readsAutomatically: false)
            let request = create(String(repeating: "k", count: 10_000))
            for _ in 0..<2000 { service.client.send(call, message: request) }
            for _ in 0..<500 { service.turn() }
            let count = service.node.watchCounters.watcherCount
            #expect(count > 0 && count < 1900, "\(count) watches were created")
            // It is read from again once it reads.
            var answers = 0
            service.client.read(call)
            while answers < 2000 {
                _ = try service.nextMessage(of: call)
                answers += 1
                service.client.read(call)
            }
            #expect(service.node.watchCounters.watcherCount == 2000)
        }
    }

    @Test func manyStreamsHearOfOneEvent() throws {
        try TestService.with { service in
            let calls = try (0..<200).map { _ in try open(service, "key") }
            try service.put("key", "news")
            for call in calls {
                let value = try next(service, call).events.first?.kv?.value
                #expect(value == Bytes(text: "news"))
            }
        }
    }
}
