internal import EtcdMessages
internal import NIOCore
internal import NIOHTTP1
internal import PeerProtocol
internal import Primitives

/// Sends messages one by one, each as a request of its own, for want of a stream (etcd v3.6
/// `server/etcdserver/api/rafthttp/pipeline.go`). Lives on the transport's event loop.
final class Pipeline {
    private let link: PeerLink
    private let hub: PeerHub
    private var queue = CircularBuffer<RaftMessage>()
    private var underWayCount = 0
    private var isStopped = false

    init(link: PeerLink, hub: PeerHub) {
        self.link = link
        self.hub = hub
    }

    /// Takes a message; false if too many wait.
    func take(_ message: RaftMessage) -> Bool {
        guard queue.count < hub.settings.maxPipelineQueueCount else { return false }
        queue.append(message)
        post()
        return true
    }

    func stop() {
        isStopped = true
        queue.removeAll()
    }

    private func post() {
        while !isStopped, underWayCount < hub.settings.maxPipelineCount, let message = queue.popFirst() {
            underWayCount += 1
            post(message)
        }
    }

    private func post(_ message: RaftMessage) {
        guard let identity = hub.identity, let endpoint = link.endpoints.current else {
            ended(nil, 0, .failure(PeerExchange.Failure.closed))
            return
        }
        let body = message.encoded()
        var exchange = PeerExchange(
            method: .POST, path: "/raft", fields: [PeerResponse.protobuf] + identity.fields(), body: body,
            timeoutMilliseconds: hub.settings.answerTimeoutMilliseconds, maxAnswerByteCount: 64 * 1024)
        // A proposal that is heard twice is applied twice, the second time after what came between.
        exchange.isRepeatable = message.type != .prop
        hub.client.perform(exchange, with: endpoint).assumeIsolated().whenComplete { [self] result in
            ended(endpoint, body.count, result)
        }
    }

    private func ended(_ endpoint: PeerEndpoint?, _ byteCount: Int, _ result: Result<PeerExchange.Answer, any Error>) {
        underWayCount -= 1
        guard !isStopped else { return }
        if let reason = refusal(result) {
            if let endpoint { link.endpoints.failed(endpoint) }
            link.failed("failed to write \(link.id) on pipeline (\(reason))")
            link.sendFailed()
        } else {
            hub.counts.count(link.id) { $0.sentByteCount &+= UInt64(byteCount) }
            link.succeeded()
        }
        post()
    }

    /// Why a message was not taken; nil if it was (etcd v3.6 `http.go`, `checkPostResponse`).
    private func refusal(_ result: Result<PeerExchange.Answer, any Error>) -> String? {
        switch result {
        case .failure(let error): return Dialler.describe(error)
        case .success(let answer):
            switch answer.status {
            case 204: return nil
            case 403:
                hub.saysRemoved(link.id)
                return "the member has been permanently removed from the cluster"
            case 412:
                link.refused(as: answer.text, [])
                return answer.text
            default: return "unexpected http status \(answer.status) while posting"
            }
        }
    }
}
