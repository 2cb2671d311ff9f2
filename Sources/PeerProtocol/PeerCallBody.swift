internal import EtcdMessages
package import Primitives

/// The kinds of questions that stand in a body.
package enum PeerCallBody: Equatable, Sendable {
    case hashKV
    case renewLease
    case leaseTimeToLive

    /// The greatest length of a body in bytes. etcd's handler of leases takes any, a fault of its own until 3.5.33.
    package static let maxByteCount = 64 * 1024

    /// What is asked; nil if the body cannot be read.
    package func call(_ body: Bytes) -> PeerCallKind? {
        switch self {
        case .hashKV:
            // Go's `encoding/json` reads a null into a struct as nothing.
            guard let json = try? JSONValue.parse(body) else { return nil }
            if case .null = json { return .hashKV(revision: 0) }
            guard case .object = json else { return nil }
            switch json[field: "revision"] {
            case nil, .some(.null): return .hashKV(revision: 0)
            case .some(let value): return value.int64Value.map { .hashKV(revision: $0) }
            }
        case .renewLease:
            guard let request = try? LeaseKeepAliveRequest(decoding: body) else { return nil }
            return .renewLease(LeaseID(request.id))
        case .leaseTimeToLive:
            // etcd stops at a request without the message in it.
            guard let request = try? LeaseInternalRequest(decoding: body), let inner = request.leaseTimeToLiveRequest
            else { return nil }
            return .leaseTimeToLive(LeaseID(inner.id), wantsKeys: inner.keys)
        }
    }
}
