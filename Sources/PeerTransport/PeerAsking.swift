internal import EtcdMessages
internal import NIOCore
internal import NIOHTTP1
internal import Node
internal import PeerProtocol
internal import Primitives

/// Asks a member what the core wants to know, at each of its URLs until one answers (etcd v3.6
/// `server/lease/leasehttp/http.go`, `server/etcdserver/{cluster_util,corrupt}.go`).
enum PeerAsking {
    static func ask(_ question: PeerQuestion, _ hub: PeerHub) {
        guard let identity = hub.identity else { return }
        let exchange = exchange(question.kind, identity, hub.settings)
        tryNext(question, exchange, PeerEndpoints(question.peerURLs).all[...], hub, lastError: "no URL to ask at")
    }

    private static func tryNext(
        _ question: PeerQuestion, _ exchange: PeerExchange, _ endpoints: ArraySlice<PeerEndpoint>, _ hub: PeerHub,
        lastError: String
    ) {
        guard let endpoint = endpoints.first else {
            hub.sink(.answered(question.number, .failure(.unreachable(lastError))))
            return
        }
        hub.client.perform(exchange, with: endpoint).assumeIsolated().whenComplete { result in
            switch result {
            case .failure(let error):
                tryNext(question, exchange, endpoints.dropFirst(), hub, lastError: Dialler.describe(error))
            case .success(let answer):
                if answer.status == 200, let read = read(answer.body, to: question.kind) {
                    hub.sink(.answered(question.number, .success(read)))
                } else if answer.status == 200 {
                    tryNext(
                        question, exchange, endpoints.dropFirst(), hub, lastError: "an answer that cannot be read")
                } else {
                    hub.sink(
                        .answered(question.number, .failure(.refused(status: answer.status, text: answer.text))))
                }
            }
        }
    }

    // MARK: Questions

    private static func exchange(
        _ kind: PeerQuestion.Kind, _ identity: PeerIdentity, _ settings: PeerTransportSettings
    ) -> PeerExchange {
        let cluster = PeerField(PeerField.clusterID, "\(identity.clusterID)")
        var exchange = PeerExchange(
            method: .GET, path: "/version", fields: [], body: nil,
            timeoutMilliseconds: settings.answerTimeoutMilliseconds)
        switch kind {
        case .version: break
        case .hashKV(let revision):
            exchange.path = "/members/hashkv"
            exchange.fields = [PeerField("Content-Type", "application/json"), cluster]
            exchange.body = PeerReports.hashQuestion(revision: revision)
        case .renewLease(let id):
            var request = LeaseKeepAliveRequest()
            request.id = id.rawValue
            post("/leases", [PeerResponse.protobuf], request.encoded())
        case .leaseTimeToLive(let inner):
            var request = LeaseInternalRequest()
            request.leaseTimeToLiveRequest = inner
            post("/leases/internal", [PeerResponse.protobuf], request.encoded())
        case .promote(let id):
            post("/members/promote/\(id.rawValue)", [], [])
            exchange.isRepeatable = false
        }
        func post(_ path: String, _ fields: [PeerField], _ body: Bytes) {
            exchange.method = .POST
            exchange.path = path
            exchange.fields = fields
            exchange.body = body
        }
        return exchange
    }

    private static func read(_ body: Bytes, to kind: PeerQuestion.Kind) -> PeerAnswer? {
        switch kind {
        case .version:
            guard let versions = PeerReports.readVersion(body) else { return nil }
            return .version(server: "\(versions.server)", cluster: versions.cluster?.description ?? "not_decided")
        case .hashKV:
            guard let hash = PeerReports.readHash(body) else { return nil }
            return .hashKV(
                PeerHashKV(
                    hash: hash.hash, compactRevision: hash.compactRevision, hashRevision: hash.hashRevision,
                    headerRevision: hash.revision))
        case .renewLease(let id):
            guard let response = try? LeaseKeepAliveResponse(decoding: body), response.id == id.rawValue else {
                return nil
            }
            return .leaseRenewed(ttlSeconds: response.ttl)
        case .leaseTimeToLive(let request):
            guard let response = try? LeaseInternalResponse(decoding: body),
                let inner = response.leaseTimeToLiveResponse, inner.id == request.id
            else { return nil }
            return .leaseTimeToLive(inner)
        case .promote: return PeerReports.readMembers(body).map { .promoted($0) }
        }
    }
}
