/// Martlet's own version, beside the etcd version it presents (`Node.etcdVersion`).
enum MartletVersion {
    static let current = "0.1.0"

    /// The language version it was compiled for.
    static var swift: String {
        #if swift(>=6.3)
        "6.3"
        #else
        "6.2"
        #endif
    }
}
