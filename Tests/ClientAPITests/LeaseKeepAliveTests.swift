import ClientAPI
import EtcdMessages
import GRPCCore
import Node
import Primitives
import Testing

@Suite struct LeaseKeepAliveTests {
    private static let path = "/etcdserverpb.Lease/LeaseKeepAlive"

    private func request(_ id: Int64) -> Bytes {
        var request = LeaseKeepAliveRequest()
        request.id = id
        return request.encoded()
    }

    private func next(_ service: TestService, _ call: CallID) throws -> LeaseKeepAliveResponse {
        try LeaseKeepAliveResponse(decoding: service.nextMessage(of: call))
    }

    private func grant(_ service: TestService, _ id: Int64, seconds: Int64) throws {
        var grant = LeaseGrantRequest()
        grant.id = id
        grant.ttl = seconds
        _ = try service.answer("Lease/LeaseGrant", grant, as: LeaseGrantResponse.self)
    }

    /// Many requests at once are answered one by one, in their order, and the stream ends after the last.
    @Test func requestsAreAnsweredInOrder() throws {
        try TestService.with { service in
            for id in Int64(1)...5 { try grant(service, id, seconds: id * 100) }
            let call = service.client.openStream(Self.path)
            for id in Int64(1)...6 { service.client.send(call, message: request(id)) }
            service.client.halfClose(call)
            for id in Int64(1)...6 {
                let response = try next(service, call)
                #expect(response.id == id && response.ttl == (id == 6 ? 0 : id * 100))
                #expect(response.header?.memberID == service.node.memberID.rawValue)
            }
            #expect(try service.end(of: call).isSuccess)
        }
    }

    /// A lease lives as long as it is renewed.
    @Test func aRenewedLeaseDoesNotEnd() throws {
        try TestService.with { service in
            try grant(service, 7, seconds: 10)
            let call = service.client.openStream(Self.path)
            for _ in 0..<5 {
                service.advance(seconds: 6)
                service.client.send(call, message: request(7))
                #expect(try next(service, call).ttl == 10)
            }
            service.advance(seconds: 20)
            service.client.send(call, message: request(7))
            #expect(try next(service, call).ttl == 0)
        }
    }

    @Test func whatIsNoMessageEndsTheStream() throws {
        try TestService.with { service in
            let call = service.client.openStream(Self.path)
            service.client.send(call, message: [0xff])
            let text = "grpc: failed to unmarshal the received message: unexpected EOF"
            let status = try service.end(of: call)
            #expect(status.error == EtcdError(.internal, text))
            #expect(service.services.failedRenewalStreamCount == 1 && service.services.failedWatchStreamCount == 0)
        }
    }

    @Test func aStreamWithoutRequestsEndsWell() throws {
        try TestService.with { service in
            let call = service.client.openStream(Self.path)
            service.client.halfClose(call)
            let status = try service.end(of: call)
            #expect(status.isSuccess)
        }
    }
}
