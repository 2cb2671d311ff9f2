/// Why a member without data does not come to a cluster, in etcd's words (etcd v3.6 `server/etcdserver/bootstrap.go`).
struct BootstrapError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
