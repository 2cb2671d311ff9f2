package import Membership
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import PeerProtocol
package import Primitives

/// Asks members of a cluster about it before this one is part of it, or knows that it is (etcd v3.6
/// `server/etcdserver/cluster_util.go`). Its caller waits.
package struct ClusterQuery: Sendable {
    /// Who is in a cluster, as one of its members says.
    package struct Members: Sendable {
        package let clusterID: ClusterID
        package let members: [ClusterMember]
    }

    private let settings: PeerTransportSettings
    /// How long one member may take to answer, in milliseconds.
    private let timeoutMilliseconds: Int64

    package init(settings: PeerTransportSettings, timeoutMilliseconds: Int64 = 10_000) {
        self.settings = settings
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    /// What the first of the members that answers says; nil if none does.
    package func members(of urls: [Bytes]) -> Members? {
        first(urls, "/members") { answer in
            guard let text = answer.headers.first(name: PeerField.clusterID), let id = UInt64(text, radix: 16),
                let members = PeerReports.readMembers(answer.body)
            else { return nil }
            return Members(clusterID: ClusterID(id), members: members)
        }
    }

    /// The versions of the server and of the cluster that the first of the members that answers tells; nil if none does.
    package func version(of urls: [Bytes]) -> (server: EtcdVersion, cluster: EtcdVersion?)? {
        first(urls, "/version") { PeerReports.readVersion($0.body) }
    }

    /// Whether the cluster is on its way to an older version, as the first of the members that answers says; nil if none does.
    package func isDowngrading(of urls: [Bytes]) -> Bool? {
        first(urls, "/downgrade/enabled") { ["true": true, "false": false][$0.body.text] }
    }

    private func first<Value>(_ urls: [Bytes], _ path: String, _ read: (PeerExchange.Answer) -> Value?) -> Value? {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        let (loop, settings) = (group.next(), settings)
        let exchange = PeerExchange(
            method: .GET, path: path, fields: [], body: nil, timeoutMilliseconds: timeoutMilliseconds)
        for endpoint in PeerEndpoints(urls).all {
            do {
                let answer = try loop.flatSubmit {
                    PeerClient(Dialler(loop: loop, settings: settings), loop: loop).perform(exchange, with: endpoint)
                }.wait()
                if answer.status == 200, let value = read(answer) { return value }
                log(endpoint, path, "status \(answer.status)")
            } catch {
                log(endpoint, path, Dialler.describe(error))
            }
        }
        return nil
    }

    private func log(_ endpoint: PeerEndpoint, _ path: String, _ error: String) {
        settings.log(
            PeerLogLine(
                .warning, "failed to get cluster response", [("address", endpoint.authority + path), ("error", error)]))
    }
}
