package import Primitives

/// What `/version` answers (etcd v3.6 `server/etcdserver/api/etcdhttp/version.go`).
package struct VersionReport: Hashable, Sendable {
    /// What the member presents itself as.
    package var server: EtcdVersion
    /// What the members agreed on; nil until they have.
    package var cluster: EtcdVersion?
    /// The schema of the store; nil if it tells none.
    package var storage: EtcdVersion?

    package init(server: EtcdVersion, cluster: EtcdVersion?, storage: EtcdVersion?) {
        self.server = server
        self.cluster = cluster
        self.storage = storage
    }

    var response: HTTPResponse {
        let cluster = cluster?.description ?? "not_decided"
        let storage = storage?.description ?? "unknown"
        return HTTPResponse(
            200, "OK", fields: [HTTPResponse.json],
            body: #"{"etcdserver":"\#(server)","etcdcluster":"\#(cluster)","storage":"\#(storage)"}"#)
    }
}
