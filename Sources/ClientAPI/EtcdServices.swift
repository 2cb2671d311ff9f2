internal import EtcdMessages
package import GRPCCore
package import Node
package import Primitives
internal import Raft

/// etcd's gRPC services over one node: requests are decoded, checked and given to the core; its answers go back.
///
/// It belongs to the loop's thread, as the server and the node do.
package final class EtcdServices: GRPCHandler {
    let node: Node
    let server: GRPCServer
    let settings: EtcdServicesSettings
    let decoder = MessageDecoder()
    private var header: ResponseHeaderWriter

    package init(node: Node, server: GRPCServer, settings: EtcdServicesSettings) {
        self.node = node
        self.server = server
        self.settings = settings
        header = ResponseHeaderWriter(clusterID: node.clusterID, memberID: node.memberID)
    }

    // MARK: Calls

    package func unaryCall(_ call: CallID, method: MethodIndex, message: RawSpan) {
        guard let method = EtcdMethod(rawValue: method.rawValue) else {
            unreachable("a method that was not registered")
        }
        guard node.hasLeader || !server.hasMetadata(call, "hasleader", value: "true") else {
            server.fail(call, .noLeader)
            return
        }
        do throws(EtcdError) {
            try dispatch(method, message, RequestToken(call))
        } catch {
            server.fail(call, error)
        }
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
        case .leaseLeases: try leaseLeases(message, token)
        case .memberList: try memberList(message, token)
        case .alarm: try alarm(message, token)
        case .status: try status(message, token)
        case .hash: try hash(message, token)
        case .hashKV: try hashKV(message, token)
        }
    }

    /// The core's answer to a request, or one made here.
    package func answer(_ token: RequestToken, _ result: Result<Reply, EtcdError>) {
        let call = CallID(token)
        switch result {
        case .success(let reply):
            header.write(revision: reply.revision, term: node.raft.term)
            let prefix = reply.hasHeader ? header.bytes : []
            unsafe server.reply(call, prefix: prefix.span.bytes, body: reply.body)
        case .failure(let error):
            server.fail(call, error)
        }
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

    // MARK: Streams: no streaming method is registered yet

    package func serverStreamCall(_ call: CallID, method: MethodIndex, message: RawSpan) {
        unreachable("no server-streaming method is registered")
    }

    package func streamOpened(_ call: CallID, method: MethodIndex) {
        unreachable("no bidirectional method is registered")
    }

    package func streamMessage(_ call: CallID, message: RawSpan) {
        unreachable("no bidirectional method is registered")
    }

    package func streamHalfClosed(_ call: CallID) {
        unreachable("no bidirectional method is registered")
    }

    package func sendCompleted(_ call: CallID) {
        unreachable("no streaming method is registered")
    }

    /// A client went away before its answer. What it asked for goes on: the log decides, not who listens (rule 4).
    package func callEnded(_ call: CallID) {}
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
