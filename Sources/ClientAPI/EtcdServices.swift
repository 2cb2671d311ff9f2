internal import EtcdMessages
package import GRPCCore
package import Node
package import Primitives
internal import Raft
internal import Recipes
package import Store

/// etcd's gRPC services over one node: requests are decoded, checked and given to the core; its answers go back.
///
/// It belongs to the loop's thread, as the server and the node do.
package final class EtcdServices: GRPCHandler {
    let node: Node
    let server: GRPCServer
    let settings: EtcdServicesSettings
    let decoder = MessageDecoder()
    private let responder: Responder
    private let rangeStreams: RangeStreamService
    private let watches: WatchService
    private let renewals: LeaseKeepAliveService
    private let snapshots: SnapshotService
    let recipes: Recipes
    private let observations: ObserveService
    private var journal = RequestJournal()
    /// How many calls came from which clients.
    package private(set) var clientVersions = ClientVersionCounts()
    /// How many streams of watches and of renewals ended because a client sent what is no request.
    package private(set) var failedWatchStreamCount: UInt64 = 0
    package private(set) var failedRenewalStreamCount: UInt64 = 0

    package init(node: Node, server: GRPCServer, settings: EtcdServicesSettings) {
        self.node = node
        self.server = server
        self.settings = settings
        responder = Responder(node: node, server: server)
        rangeStreams = RangeStreamService(node: node, responder: responder)
        watches = WatchService(node: node, responder: responder)
        renewals = LeaseKeepAliveService(node: node, responder: responder)
        snapshots = SnapshotService(node: node, responder: responder)
        recipes = Recipes(node: node)
        observations = ObserveService(recipes: recipes, responder: responder)
    }

    // MARK: Calls

    package func unaryCall(_ call: CallID, method: MethodIndex, message: RawSpan) {
        guard let method = EtcdMethod(rawValue: method.rawValue) else {
            unreachable("a method that was not registered")
        }
        guard isServed(method, message) else {
            server.fail(call, .notSupportedForLearner)
            return
        }
        guard countClient(of: call, isStream: false) else { return }
        journal.begin(call, method, message, now: server.pollNanoseconds)
        guard node.hasLeader || !responder.requiresLeader(call) else {
            server.fail(call, .noLeader)
            return
        }
        do throws(EtcdError) {
            try dispatch(method, message, RequestToken(call))
            carryOutRecipes()
        } catch {
            server.fail(call, error)
        }
    }

    /// Whether this member may serve a call: one without a vote serves what needs nobody else (etcd v3.6
    /// `server/etcdserver/api/v3rpc/interceptor.go`).
    private func isServed(_ method: EtcdMethod, _ message: RawSpan) -> Bool {
        guard node.isLearner else { return true }
        switch method {
        case .status, .snapshot: return true
        // What is no request is refused for that.
        case .range: return (try? decoder.decode(RangeRequest.self, message))?.serializable ?? true
        default: return false
        }
    }

    /// Counts a call under its client's version. One whose version is no text is refused, and false answered.
    func countClient(of call: CallID, isStream: Bool) -> Bool {
        let isText = server.withMetadata(call, "client-api-version") { version in
            clientVersions.count(version, isStream: isStream)
        }
        switch isText {
        case nil: clientVersions.countUnknown(isStream: isStream)
        case false?: server.fail(call, .invalidClientAPIVersion)
        case true?: break
        }
        return isText != false
    }

    private func dispatch(_ method: EtcdMethod, _ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        switch method {
        case .range: try range(message, token)
        case .put: try put(message, token)
        case .deleteRange: try deleteRange(message, token)
        case .txn: try txn(message, token)
        case .compact: try compact(message, token)
        case .leaseGrant: try leaseGrant(message, token)
        case .leaseRevoke: try leaseRevoke(message, token)
        case .leaseTimeToLive: try leaseTimeToLive(message, token)
        case .leaseLeases: try leaseLeases(message, token)
        case .memberAdd: try memberAdd(message, token)
        case .memberRemove: try memberRemove(message, token)
        case .memberUpdate: try memberUpdate(message, token)
        case .memberList: try memberList(message, token)
        case .memberPromote: try memberPromote(message, token)
        case .alarm: try alarm(message, token)
        case .status: try status(message, token)
        case .hash: try hash(message, token)
        case .hashKV: try hashKV(message, token)
        case .rangeStream, .watch, .leaseKeepAlive, .snapshot, .observe: unreachable("a stream is no unary call")
        case .moveLeader: try moveLeader(message, token)
        case .downgrade: try downgrade(message, token)
        case .authStatus: try authStatus(message, token)
        case .lock: try lock(message, token)
        case .unlock: try unlock(message, token)
        case .campaign: try campaign(message, token)
        case .proclaim: try proclaim(message, token)
        case .leader: try leader(message, token)
        case .resign: try resign(message, token)
        case .defragment: try defragment(message, token)
        }
    }

    /// The core's answer to a request, or one made here. An answer to a stream goes to the stream's service.
    package func answer(_ token: RequestToken, _ result: Result<Reply, EtcdError>) {
        if token.asker == .recipe {
            recipes.answered(token, result)
            carryOutRecipes()
            return
        }
        let call = CallID(token)
        if let stream = stream(call) {
            do throws(EtcdError) {
                try stream.answered(call, result)
            } catch {
                end(call, error)
            }
            return
        }
        reportIfSlow(call, result)
        switch result {
        case .success(let reply): responder.reply(call, reply)
        case .failure(let error): server.fail(call, error)
        }
    }

    /// Before the answer goes out: then the call, and who made it, are gone.
    private func reportIfSlow(_ call: CallID, _ result: Result<Reply, EtcdError>) {
        guard let start = journal.start(call), case let now = server.clockNanoseconds,
            now > start, now - start > settings.slowRequestNanoseconds
        else { return }
        let request = journal.summary(call)
        var responseByteCount = 0
        if case .success(let reply) = result { responseByteCount = reply.body.count }
        settings.reportSlowRequest(
            SlowRequest(
                method: request.method.path, remote: server.peer(call) ?? "", nanoseconds: now - start,
                requestByteCount: request.byteCount, responseByteCount: responseByteCount, content: request.content))
    }

    /// Decodes a request, with grpc-go's text if it is none.
    func decode<Request: EtcdMessage>(_ type: Request.Type, _ message: RawSpan) throws(EtcdError) -> Request {
        do throws(MessageError) {
            return try decoder.decode(type, message)
        } catch {
            throw Self.malformed(error)
        }
    }

    /// Decodes a request that changes something, and makes it a proposal: of the client's own bytes where they are
    /// canonical.
    func decodeProposal<Request: EtcdMessage>(
        _ field: Proposal.Field, _ type: Request.Type, _ message: RawSpan
    ) throws(EtcdError) -> (request: Request, proposal: Proposal) {
        do throws(MessageError) {
            let (request, isCanonical) = try decoder.decodeCanonical(type, message)
            let payload = isCanonical ? Bytes(copying: message) : request.encoded()
            return (request, Proposal(field, payload: payload))
        } catch {
            throw Self.malformed(error)
        }
    }

    private static func malformed(_ error: MessageError) -> EtcdError {
        EtcdError(.internal, "grpc: error unmarshalling request: \(error)")
    }

    /// A client went away before its answer. What it asked for goes on: the log decides, not who listens (rule 4).
    package func callEnded(_ call: CallID) {
        responder.leaders.remove(call)
        stream(call)?.ended(call)
        recipes.abandon(RequestToken(call))
    }

    // MARK: Streams

    /// Time has passed: streams that want a leader are ended when there has been none for long.
    package func tick(now: UInt64) {
        for call in responder.leaders.tick(now: now, hasLeader: node.hasLeader) { end(call, .noLeader) }
    }

    /// The member is about to end: so are the streams, which would go on for ever, and those who wait for a lock. Their
    /// clients turn to another member.
    package func endStreams() {
        for call in server.openCalls where stream(call) != nil { end(call, .stopped) }
        recipes.endAll(.stopped)
        carryOutRecipes()
    }

    /// The core has something for a stream that can take it.
    package func streamReady(_ token: RequestToken) {
        if token.asker == .recipe {
            recipes.streamReady(token)
            carryOutRecipes()
            return
        }
        let call = CallID(token)
        stream(call)?.ready(call)
    }

    /// A snapshot is there for the client that asked for it, which may have gone.
    package func snapshotOpened(_ token: RequestToken, _ snapshot: StoreSnapshot) {
        let call = CallID(token)
        if stream(call) != nil { snapshots.opened(call, snapshot) }
    }

    /// What is to be read of snapshots, on any thread but the loop's. Answer: `snapshotRead`.
    package func takeSnapshotReads() -> [SnapshotRead] {
        snapshots.takeReads()
    }

    /// A piece of a snapshot has been read.
    package func snapshotRead(_ read: SnapshotRead, _ result: Result<SnapshotRead.Piece, EtcdError>) {
        do throws(EtcdError) {
            try snapshots.finished(read, result)
        } catch {
            end(CallID(read.token), error)
        }
    }

    package func serverStreamCall(_ call: CallID, method: MethodIndex, message: RawSpan) {
        guard let stream = stream(call), admit(call, method, message) else { return }
        stream.opened(call)
        deliver(message, call, stream)
    }

    package func streamOpened(_ call: CallID, method: MethodIndex) {
        guard let stream = stream(call), admit(call, method, RawSpan()) else { return }
        stream.opened(call)
    }

    package func streamMessage(_ call: CallID, message: RawSpan) {
        if let stream = stream(call) { deliver(message, call, stream) }
    }

    package func streamHalfClosed(_ call: CallID) {
        stream(call)?.halfClosed(call)
    }

    package func sendCompleted(_ call: CallID) {
        stream(call)?.ready(call)
        carryOutRecipes()
    }

    private func deliver(_ message: RawSpan, _ call: CallID, _ stream: any StreamService) {
        do throws(EtcdError) {
            try stream.received(message, call)
        } catch {
            if stream === watches { failedWatchStreamCount &+= 1 }
            if stream === renewals { failedRenewalStreamCount &+= 1 }
            end(call, error)
        }
    }

    /// Whether a stream may be opened. One that wants a leader is watched from now on.
    private func admit(_ call: CallID, _ method: MethodIndex, _ message: RawSpan) -> Bool {
        if let method = EtcdMethod(rawValue: method.rawValue), !isServed(method, message) {
            server.fail(call, .notSupportedForLearner)
            return false
        }
        guard countClient(of: call, isStream: true) else { return false }
        guard responder.requiresLeader(call) else { return true }
        guard node.hasLeader else {
            server.fail(call, .noLeader)
            return false
        }
        responder.leaders.add(call)
        return true
    }

    /// Ends a stream from our side.
    private func end(_ call: CallID, _ error: EtcdError) {
        stream(call)?.ended(call)
        responder.leaders.remove(call)
        server.fail(call, error)
    }

    /// What serves a stream; nil if the call is none, or has ended.
    private func stream(_ call: CallID) -> (any StreamService)? {
        guard let index = server.method(of: call), let method = EtcdMethod(rawValue: index.rawValue) else { return nil }
        switch method {
        case .rangeStream: return rangeStreams
        case .watch: return watches
        case .leaseKeepAlive: return renewals
        case .snapshot: return snapshots
        case .observe: return observations
        default: return nil
        }
    }
}

extension RequestToken {
    init(_ call: CallID) {
        self.init(rawValue: UInt64(call.index) << 32 | UInt64(call.generation))
    }
}

extension CallID {
    init(_ token: RequestToken) {
        self.init(
            index: UInt32(truncatingIfNeeded: token.rawValue >> 32),
            generation: UInt32(truncatingIfNeeded: token.rawValue))
    }
}
