/// How a member without data is to find its cluster.
struct BootstrapSettings: Equatable {
    /// Where the other members are learned from.
    enum Source: Equatable {
        /// `--initial-cluster`, or this member alone.
        case members(String)
        /// `--discovery-srv` and `--discovery-srv-name`.
        case services(domain: String, suffix: String)
        /// `--discovery-endpoints`.
        case registry(RegistrySettings)
    }

    var source = Source.members("")
    /// Whether the cluster runs already, and is to be joined (`--initial-cluster-state`).
    var isExisting = false
    /// `--initial-advertise-peer-urls`.
    var peerURLs: [ServerURL] = []
}

/// How to reach another etcd where the members of a new cluster find each other, by etcd's v3 discovery.
struct RegistrySettings: Equatable {
    /// `--discovery-endpoints`: each `host:port`, or a URL.
    var endpoints: [String] = []
    /// `--discovery-token`: names the cluster.
    var token = ""
    /// `--discovery-dial-timeout` and `--discovery-request-timeout` together: how long a request may take that may have to
    /// connect first, in nanoseconds.
    var requestTimeoutNanoseconds: UInt64 = 7_000_000_000
    /// `--discovery-user`; empty for none.
    var user = ""
    /// `--discovery-password`.
    var password = ""
}
