internal import EtcdMessages
package import Primitives

/// Leases that come and go: a grant, a key attached, a look at its time to live, a revocation that deletes the key. Or leases
/// that are only granted, and stay.
package struct LeaseScript: LoadScript {
    private enum Step {
        case grant
        case put(Int64)
        case timeToLive(Int64)
        case revoke(Int64)
    }

    private let keys: KeySpace
    private let grantsOnly: Bool
    /// Makes keys of clients differ between connections.
    private let connection: Int
    private var steps: [Step]

    package init(keys: KeySpace, grantsOnly: Bool, connection: Int, clientCount: Int) {
        self.keys = keys
        self.grantsOnly = grantsOnly
        self.connection = connection
        steps = Array(repeating: .grant, count: clientCount)
    }

    package mutating func next(client: Int) -> LoadCall {
        switch steps[client] {
        case .grant:
            var request = LeaseGrantRequest()
            request.ttl = grantsOnly ? 86_400 : 60
            return LoadCall(kind: "lease grant", path: EtcdPath.leaseGrant, message: request)
        case .put(let lease):
            var request = PutRequest()
            request.key = keys.key(connection * steps.count + client)
            request.lease = lease
            steps[client] = .timeToLive(lease)
            return LoadCall(kind: "put", path: EtcdPath.put, message: request)
        case .timeToLive(let lease):
            var request = LeaseTimeToLiveRequest()
            request.id = lease
            request.keys = true
            steps[client] = .revoke(lease)
            return LoadCall(kind: "lease time to live", path: EtcdPath.leaseTimeToLive, message: request)
        case .revoke(let lease):
            var request = LeaseRevokeRequest()
            request.id = lease
            steps[client] = .grant
            return LoadCall(kind: "lease revoke", path: EtcdPath.leaseRevoke, message: request)
        }
    }

    package mutating func answered(client: Int, message: Bytes) {
        guard !grantsOnly, case .grant = steps[client], let response = try? LeaseGrantResponse(decoding: message),
            response.id != 0
        else { return }
        steps[client] = .put(response.id)
    }
}
