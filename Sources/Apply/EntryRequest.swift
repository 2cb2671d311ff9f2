internal import EtcdMessages
internal import Membership
internal import Primitives

/// The request in an entry's data, in either dialect.
enum EntryRequest {
    case current(InternalRaftRequest)
    /// A request of the v2 API.
    case old(V2Request)
    case malformed

    /// Reads an entry's data. Field 2 is tested first: it was a v2 request inside the current form, and in a bare v2 request
    /// it is the method, in which no message can be read (etcd v3.6 `server/etcdserver/server.go`, `applyEntryNormal`).
    init(_ data: Bytes) {
        if let request = try? InternalRaftRequest(decoding: data) {
            if request.v2.isEmpty {
                self = .current(request)
                return
            }
            if let old = try? V2Request(decoding: request.v2) {
                self = .old(old)
                return
            }
        }
        self = (try? V2Request(decoding: data)).map { .old($0) } ?? .malformed
    }
}

/// What a v2 request that a member makes asks for.
enum OldRequest {
    case attributes(of: MemberID, name: Bytes, clientURLs: [Bytes])
    case version(Bytes)

    init?(_ request: V2Request) {
        guard request.method == Bytes(text: "PUT") else { return nil }
        if request.path == Bytes(text: "/0/version") {
            self = .version(request.val)
            return
        }
        let parts = request.path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { Bytes($0) }
        guard parts.count == 5, parts[0].isEmpty, parts[1] == Bytes(text: "0"), parts[2] == Bytes(text: "members"),
            let id = MemberID(hexadecimal: parts[3]), parts[4] == Bytes(text: "attributes"),
            let json = try? JSONValue.parse(request.val), let attributes = ClusterMember(json: json)
        else { return nil }
        self = .attributes(of: id, name: attributes.name, clientURLs: attributes.clientURLs)
    }
}
