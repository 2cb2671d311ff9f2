package import Primitives

/// What there is to do about a request of a peer.
package enum PeerRoute: Equatable, Sendable {
    case answer(PeerResponse)
    /// One message of Raft, in the body (`POST /raft`).
    case pipeline
    /// Messages from this member on, for as long as the connection lasts.
    case stream(PeerStreamKind, to: MemberID)
    /// A message and the store's file, in the body (`POST /raft/snapshot`).
    case snapshot
    /// `GET /raft/probing`.
    case probing
    /// What only the core knows, asked for without a body.
    case ask(PeerCallKind)
    /// What only the core knows, asked for in the body.
    case askInBody(PeerCallBody)
}

/// The two streams between every two members, each way (etcd v3.6 `server/etcdserver/api/rafthttp/stream.go`).
package enum PeerStreamKind: String, CaseIterable, Sendable {
    /// Entries, which are most of what is sent: in a form of their own, and not held up by other messages.
    case append = "msgapp"
    case message = "message"

    /// Where it is asked for; the id of the member that wants it follows.
    package var prefix: String { "/raft/stream/\(rawValue)/" }

    /// What etcd's log calls it.
    package var logName: String {
        switch self {
        case .append: "stream MsgApp v2"
        case .message: "stream Message"
        }
    }
}

/// What a peer asks of the core.
package enum PeerCallKind: Equatable, Sendable {
    case version
    case members
    case promote(MemberID)
    case hashKV(revision: Int64)
    case renewLease(LeaseID)
    case leaseTimeToLive(LeaseID, wantsKeys: Bool)
    case downgradeEnabled
}

/// Who is in the cluster, as far as this member knows.
package struct PeerDirectory: Equatable, Sendable {
    /// The other members.
    package var members: Set<MemberID> = []
    /// Those that were removed. Their ids never come back.
    package var removed: Set<MemberID> = []

    package init(members: Set<MemberID> = [], removed: Set<MemberID> = []) {
        self.members = members
        self.removed = removed
    }
}

/// Which answer or question a request on the peer port leads to (etcd v3.6
/// `server/etcdserver/api/etcdhttp/peer.go`, `server/etcdserver/api/rafthttp/http.go`).
package enum PeerRouter {
    /// What an operator should know of a request that was refused.
    package enum Notice: Equatable, Sendable {
        case mismatch(PeerCompatibility.Mismatch)
        case removed(MemberID)
        case unknownSender(MemberID)
        case otherReceiver(String)
    }

    /// What is decided about a request.
    package struct Decision: Equatable, Sendable {
        package var route: PeerRoute
        /// Who sent it and where that is reached, told by a sender that may not be known yet.
        package var sender: Sender?
        package var notice: Notice?

        init(_ route: PeerRoute, sender: Sender? = nil, notice: Notice? = nil) {
            self.route = route
            self.sender = sender
            self.notice = notice
        }
    }

    /// A member by its own account.
    package struct Sender: Equatable, Sendable {
        package var id: MemberID
        package var peerURLs: [Bytes]
    }

    package static func route(
        _ request: PeerRequest, _ local: PeerIdentity, _ directory: PeerDirectory
    ) -> Decision {
        switch request.path {
        case "/raft": return raft(request, local, .pipeline)
        case "/raft/snapshot": return raft(request, local, .snapshot)
        case "/raft/probing": return Decision(.probing)
        case "/version": return get(request, .ask(.version))
        case "/members": return get(request, .ask(.members))
        case "/members/hashkv": return hashKV(request, local)
        case "/downgrade/enabled": return get(request, .ask(.downgradeEnabled))
        case "/leases": return lease(request, .renewLease)
        case "/leases/internal": return lease(request, .leaseTimeToLive)
        case "/raft/stream", "/members/promote":
            return Decision(.answer(.moved(to: request.path + "/", method: request.method)))
        default: break
        }
        if request.path.hasPrefix("/raft/stream/") { return stream(request, local, directory) }
        if request.path.hasPrefix("/members/promote/") { return promote(request, local) }
        return Decision(.answer(.notFound))
    }

    // MARK: Raft

    private static func raft(_ request: PeerRequest, _ local: PeerIdentity, _ route: PeerRoute) -> Decision {
        guard request.method == "POST" else { return Decision(.answer(.methodNotAllowed(allowed: "POST"))) }
        if let refusal = refusal(request, local, []) { return refusal }
        let from = memberID(request.value(PeerField.from))
        return Decision(route, sender: from.flatMap { sender($0, request) })
    }

    private static func stream(
        _ request: PeerRequest, _ local: PeerIdentity, _ directory: PeerDirectory
    ) -> Decision {
        guard request.method == "GET" else { return Decision(.answer(.methodNotAllowed(allowed: "GET"))) }
        let version = PeerField(PeerField.version, "\(local.version)")
        if let refusal = refusal(request, local, [version]) { return refusal }
        let fields = [version, clusterField(local)]
        func refuse(_ status: Int, _ text: String, _ notice: Notice? = nil, sender: Sender? = nil) -> Decision {
            Decision(.answer(.error(status, text, fields: fields)), sender: sender, notice: notice)
        }
        guard let kind = PeerStreamKind.allCases.first(where: { request.path.hasPrefix($0.prefix) }) else {
            return refuse(404, "invalid path")
        }
        let name = request.path.dropFirst(kind.prefix.count)
        guard !name.contains("/") else { return refuse(404, "invalid path") }
        guard let from = memberID(String(name)) else { return refuse(404, "invalid from") }
        if directory.removed.contains(from) { return refuse(410, "removed member", .removed(from)) }
        guard directory.members.contains(from) else {
            return refuse(404, "error sender not found", .unknownSender(from), sender: sender(from, request))
        }
        let to = request.value(PeerField.to)
        guard to == "\(local.memberID)" else { return refuse(412, "to field mismatch", .otherReceiver(to)) }
        return Decision(.stream(kind, to: from))
    }

    private static func refusal(
        _ request: PeerRequest, _ local: PeerIdentity, _ fields: [PeerField]
    ) -> Decision? {
        guard let mismatch = PeerCompatibility.check(request, local) else { return nil }
        return Decision(
            .answer(.error(412, mismatch.text, fields: fields + [clusterField(local)])), notice: .mismatch(mismatch))
    }

    private static func sender(_ id: MemberID, _ request: PeerRequest) -> Sender? {
        let urls = request.value(PeerField.peerURLs)
        if urls.isEmpty { return nil }
        let list = urls.split(separator: ",", omittingEmptySubsequences: false).map { Bytes(text: String($0)) }
        return Sender(id: id, peerURLs: list)
    }

    // MARK: Questions

    private static func get(_ request: PeerRequest, _ route: PeerRoute) -> Decision {
        Decision(request.method == "GET" ? route : .answer(.methodNotAllowed(allowed: "GET")))
    }

    private static func hashKV(_ request: PeerRequest, _ local: PeerIdentity) -> Decision {
        guard request.method == "GET" else { return Decision(.answer(.methodNotAllowed(allowed: "GET"))) }
        let cluster = request.value(PeerField.clusterID)
        guard cluster.isEmpty || cluster == "\(local.clusterID)" else {
            let mismatch = PeerCompatibility.Mismatch.cluster(cluster)
            return Decision(.answer(.error(412, mismatch.text)), notice: .mismatch(mismatch))
        }
        return Decision(.askInBody(.hashKV))
    }

    private static func lease(_ request: PeerRequest, _ body: PeerCallBody) -> Decision {
        Decision(request.method == "POST" ? .askInBody(body) : .answer(.methodNotAllowed(allowed: nil)))
    }

    private static func promote(_ request: PeerRequest, _ local: PeerIdentity) -> Decision {
        guard request.method == "POST" else { return Decision(.answer(.methodNotAllowed(allowed: "POST"))) }
        let name = request.path.dropFirst("/members/promote/".count)
        guard name.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let id = UInt64(name) else {
            return Decision(.answer(.error(404, "member \(name) not found in cluster", fields: [clusterField(local)])))
        }
        return Decision(.ask(.promote(MemberID(id))))
    }

    // MARK: Parts

    package static func clusterField(_ local: PeerIdentity) -> PeerField {
        PeerField(PeerField.clusterID, "\(local.clusterID)")
    }

    /// Reads a member's id as Go's `ParseUint` does with base 16.
    static func memberID(_ text: String) -> MemberID? {
        let isHexadecimal = text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
        }
        return isHexadecimal ? UInt64(text, radix: 16).map { MemberID($0) } : nil
    }
}
