internal import GRPCCore
internal import Node
internal import Primitives
internal import Raft

/// Sends the core's answers, each with the header that etcd puts in front.
final class Responder {
    private let node: Node
    let server: GRPCServer
    private var header: ResponseHeaderWriter
    /// Streams that end when the member has no leader.
    var leaders: LeaderMonitor

    init(node: Node, server: GRPCServer) {
        self.node = node
        self.server = server
        leaders = LeaderMonitor(interval: node.settings.electionTimeoutNanoseconds)
        header = ResponseHeaderWriter(clusterID: node.clusterID, memberID: node.memberID)
    }

    /// Answers a unary call.
    func reply(_ call: CallID, _ reply: Reply) {
        header.write(revision: reply.revision, term: node.raft.term)
        let prefix = reply.hasHeader ? header.bytes : []
        unsafe server.reply(call, prefix: prefix.span.bytes, body: reply.body)
    }

    /// Sends a message on a stream.
    func send(_ call: CallID, revision: Int64, body: Bytes) {
        header.write(revision: revision, term: node.raft.term)
        let prefix = header.bytes
        unsafe server.send(call, prefix: prefix.span.bytes, body: body)
    }

    /// Ends a stream well, once its last message has gone.
    func finish(_ call: CallID) {
        leaders.remove(call)
        server.finish(call)
    }

    /// The header of an answer, as the bytes that begin it.
    func headerBytes(revision: Int64) -> Bytes {
        header.write(revision: revision, term: node.raft.term)
        return header.bytes
    }

    /// Whether the client wants to be refused rather than served by a member that knows no leader (etcd v3.6
    /// `server/etcdserver/api/v3rpc/interceptor.go`).
    func requiresLeader(_ call: CallID) -> Bool {
        server.hasMetadata(call, "hasleader", value: "true")
    }
}
