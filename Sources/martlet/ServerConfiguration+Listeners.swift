internal import GRPCCore
internal import HTTPAPI
internal import Node
internal import Platform

extension ServerConfiguration {
    mutating func readListeners(_ flags: FlagSet) throws(ConfigurationError) {
        peerListeners = flags.urls("listen-peer-urls")
        clientListeners = flags.urls("listen-client-urls")
        httpListeners = flags.urls("listen-client-http-urls")
        metricsListeners = flags.urls("listen-metrics-urls")
        for url in peerListeners + clientListeners + httpListeners { try url.checkIsBindable() }
        if httpListeners.isEmpty {
            notes.append(
                Note("Running http and grpc server on single port. This is not recommended for production."))
        }
        for url in metricsListeners { try url.checkIsBindable() }
        for url in peerListeners + clientListeners + httpListeners + metricsListeners { _ = try url.listenAddress() }
        acceptor.sharesPorts = flags.boolean("socket-reuse-port")
        access.origins = Self.names(flags, "cors")
        access.hosts = Self.names(flags, "host-whitelist")
    }

    /// The names in a list; nil if it stands for all.
    private static func names(_ flags: FlagSet, _ flag: String) -> Set<String>? {
        let names = flags.words(flag)
        return names.isEmpty || names.contains("*") ? nil : Set(names)
    }

    /// URLs that are told to others.
    mutating func readCluster(_ flags: FlagSet) throws(ConfigurationError) {
        var peers = flags.urls("initial-advertise-peer-urls")
        var clients = flags.urls("advertise-client-urls")
        try Self.checkHosts(peers) {
            "--initial-advertise-peer-urls \(GoText.quoted($0)) must be \"host:port\" (\($1))"
        }
        try Self.checkHosts(clients) {
            "--advertise-client-urls \(GoText.quoted($0)) must be \"host:port\" (\($1))"
        }
        // Whoever listens everywhere and says nothing else is reached at the machine's own address (etcd v3.6
        // `UpdateDefaultClusterFromName`).
        peers = advertised(peers, isSet: flags.isSet("initial-advertise-peer-urls"), flags.urls("listen-peer-urls"))
        clients = advertised(clients, isSet: flags.isSet("advertise-client-urls"), clientListeners)
        node.peerURLs = peers.map(\.text)
        node.clientURLs = clients.map(\.text)
        node.clusterToken = flags.text("initial-cluster-token")
        bootstrap.peerURLs = peers
        bootstrap.isExisting = flags.text("initial-cluster-state") == "existing"
        bootstrap.source = source(flags, alone: InitialCluster(name: node.name, urls: peers))
    }

    /// Where the other members are learned from; of several that are given `check` refuses all.
    private func source(_ flags: FlagSet, alone: InitialCluster) -> BootstrapSettings.Source {
        if !flags.words("discovery-endpoints").isEmpty {
            var registry = RegistrySettings()
            registry.endpoints = flags.words("discovery-endpoints")
            registry.token = flags.text("discovery-token")
            registry.user = flags.text("discovery-user")
            registry.password = flags.text("discovery-password")
            let times = ["discovery-dial-timeout", "discovery-request-timeout"].map { max(0, flags.nanoseconds($0)) }
            registry.requestTimeoutNanoseconds = times.reduce(0) { $0 &+ UInt64($1) }
            return .registry(registry)
        }
        if !flags.text("discovery-srv").isEmpty {
            return .services(domain: flags.text("discovery-srv"), suffix: flags.text("discovery-srv-name"))
        }
        return .members(flags.isSet("initial-cluster") ? flags.text("initial-cluster") : alone.description)
    }

    private mutating func advertised(_ urls: [ServerURL], isSet: Bool, _ listeners: [ServerURL]) -> [ServerURL] {
        guard !isSet, let listener = listeners.first, listener.host == "0.0.0.0", let host = HostAddress.default,
            let url = try? ServerURL("\(listener.scheme.rawValue)://\(host):\(listener.port)")
        else { return urls }
        notes.append(Note("detected default host for advertise", ["host": host]))
        return [url]
    }

    private static func checkHosts(
        _ urls: [ServerURL], _ describe: (_ all: String, _ why: String) -> String
    ) throws(ConfigurationError) {
        for url in urls where !url.isSocketPath && url.host.isEmpty {
            let all = urls.map(\.text).joined(separator: ",")
            throw ConfigurationError(describe(all, "unexpected empty host (\(url.text))"))
        }
    }
}
