internal import Logging
internal import Membership
internal import Node
internal import Primitives

/// How a member without data comes to its cluster: what it looks at, whom it asks, and what it refuses, in etcd's order (etcd
/// v3.6 `server/embed/config.go`, `PeerURLsMapAndToken`; `server/config/config.go`; `server/etcdserver/bootstrap.go`).
struct Bootstrap {
    var settings: BootstrapSettings
    var running: any RunningCluster
    /// Opens the place where members register.
    var openRegistry: (RegistrySettings) throws -> any RegistryStore
    var services = ServiceDiscovery()
    var urls = URLComparison()
    var log = Logger(label: "martlet")

    /// How long a member that may be part of the cluster already is asked, in nanoseconds.
    private static let probeTimeout: UInt64 = 1_000_000_000
    /// How long members of a cluster that is to be joined are asked, in nanoseconds.
    private static let joinTimeout: UInt64 = 10_000_000_000

    /// Fills in how the member starts.
    func prepare(_ node: inout NodeSettings) throws {
        var cluster = try initialCluster(node)
        guard let own = cluster.urls(of: node.name) else {
            throw BootstrapError(
                "couldn't find local name \(GoText.quoted(node.name)) in the initial cluster configuration")
        }
        if case .registry(let registry) = settings.source { node.clusterToken = registry.token }
        if settings.isExisting {
            try checkDuplicates(cluster)
            try join(cluster, &node)
            return
        }
        try checkAdvertised(own, node.name)
        try checkDuplicates(cluster)
        try checkIsNew(cluster, node)
        if case .registry(let registry) = settings.source { cluster = try discover(cluster, registry, node) }
        node.clusterStart = .newCluster(cluster.initialMembers)
    }

    private func initialCluster(_ node: NodeSettings) throws(BootstrapError) -> InitialCluster {
        switch settings.source {
        case .members(let text): try InitialCluster(parsing: text)
        // Until the others are known.
        case .registry: InitialCluster(name: node.name, urls: settings.peerURLs)
        case .services(let domain, let suffix):
            try services.members(domain: domain, suffix: suffix, name: node.name, peerURLs: settings.peerURLs)
        }
    }

    // MARK: A new cluster

    /// Whether the cluster knows this member by the URLs at which it says it can be reached.
    private func checkAdvertised(_ own: [ServerURL], _ name: String) throws(BootstrapError) {
        guard let difference = urls.difference(settings.peerURLs, own) else { return }
        let (advertised, initial) = (Set(settings.peerURLs.map(\.text)), Set(own.map(\.text)))
        let all = settings.peerURLs.map(\.text).sorted().joined(separator: ",")
        let missing = initial.subtracting(advertised).sorted()
        if !missing.isEmpty {
            throw BootstrapError(
                "--initial-cluster has \(missing.map { "\(name)=\($0)" }.joined(separator: ",")) but missing from "
                    + "--initial-advertise-peer-urls=\(all) (\(difference))")
        }
        let unknown = advertised.subtracting(initial).sorted()
        if !unknown.isEmpty {
            throw BootstrapError(
                "--initial-advertise-peer-urls has \(unknown.joined(separator: ",")) but missing from "
                    + "--initial-cluster=\(InitialCluster(name: name, urls: settings.peerURLs))")
        }
        throw BootstrapError(
            "failed to resolve \(all) to match --initial-cluster=\(InitialCluster(name: name, urls: settings.peerURLs)) "
                + "(\(difference))")
    }

    private func checkDuplicates(_ cluster: InitialCluster) throws(BootstrapError) {
        if cluster.hasDuplicateURL { throw BootstrapError("initial cluster \(cluster) has duplicate url") }
    }

    /// Refuses to begin a cluster anew in which this member has served before: its data must have been lost.
    private func checkIsNew(_ cluster: InitialCluster, _ node: NodeSettings) throws(BootstrapError) {
        let others = cluster.urls(except: node.name)
        guard !others.isEmpty, let own = cluster.initialMembers.first(where: { $0.name == node.name }),
            let found = running.members(at: others, timeoutNanoseconds: Self.probeTimeout, isExpected: false)
        else { return }
        let id = memberID(own, node)
        if found.members.contains(where: { $0.id == id && !$0.clientURLs.isEmpty }) {
            throw BootstrapError("member \(id) has already been bootstrapped")
        }
    }

    private func memberID(_ member: InitialMember, _ node: NodeSettings) -> MemberID {
        MemberID(
            peerURLs: member.peerURLs.map { Bytes(text: $0) }, clusterToken: Bytes(text: node.clusterToken),
            unixSeconds: nil)
    }

    private func discover(
        _ alone: InitialCluster, _ registry: RegistrySettings, _ node: NodeSettings
    ) throws -> InitialCluster {
        guard let own = alone.initialMembers.first else { unreachable("a cluster of this member has it") }
        let store = try openRegistry(registry)
        defer { store.close() }
        let cluster = try ClusterRegistry(store: store, token: registry.token, log: log)
            .join(memberID(own, node), alone.description)
        if cluster.hasDuplicateURL { throw BootstrapError("discovery cluster \(cluster) has duplicate url") }
        guard cluster.urls(of: node.name) != nil else {
            throw BootstrapError("discovery cluster \(cluster) has no member \(GoText.quoted(node.name))")
        }
        return cluster
    }

    // MARK: A cluster that runs

    /// Takes the ids of cluster and members from the cluster itself, which must have been told of this member.
    private func join(_ cluster: InitialCluster, _ node: inout NodeSettings) throws(BootstrapError) {
        let others = cluster.urls(except: node.name)
        guard let found = running.members(at: others, timeoutNanoseconds: Self.joinTimeout, isExpected: true) else {
            throw BootstrapError(
                "cannot fetch cluster info from peer urls: could not retrieve cluster information from the given URLs")
        }
        guard !found.members.isEmpty else {
            throw BootstrapError(
                "cannot fetch cluster info from peer urls: failed to get raft cluster member(s) from the given URLs")
        }
        let members: [ClusterMember]
        do throws(BootstrapError) {
            members = try matched(found.members, with: cluster)
        } catch {
            throw BootstrapError("error validating peerURLs \(Self.description(of: found)): \(error)")
        }
        guard let own = members.first(where: { $0.name == Bytes(text: node.name) }) else {
            unreachable("each member of the list was matched")
        }
        // etcd would start, and end when the leader speaks of entries that it must have and has lost.
        if found.members.contains(where: { $0.id == own.id && $0.isStarted }) {
            throw BootstrapError(
                "member \(own.id) has already been started in this cluster, and its data is not here; remove it from the "
                    + "cluster and add it anew")
        }
        node.clusterVersion = try checkVersions(members.filter { $0.id != own.id }, node.etcdVersion)
        node.clusterStart = .join(found.id, members)
    }

    /// The members with their ids and, as the list of the flag has them, their names.
    private func matched(
        _ members: [ClusterMember], with cluster: InitialCluster
    ) throws(BootstrapError) -> [ClusterMember] {
        guard members.count == cluster.members.count else { throw BootstrapError("member count is unequal") }
        var matched: [ClusterMember] = []
        var rest = cluster.members
        for member in members {
            var last: String?
            let place = rest.firstIndex { entry in
                let theirs = member.peerURLs.compactMap { try? ServerURL($0.text) }
                last = theirs.count == member.peerURLs.count ? urls.difference(theirs, entry.urls) : "a malformed URL"
                return last == nil
            }
            guard let place else {
                let texts = member.peerURLs.map(\.text).joined(separator: " ")
                throw BootstrapError(
                    "PeerURLs: no match found for existing member (\(member.id), [\(texts)]), last resolver error "
                        + "(\(last ?? "<nil>"))")
            }
            var known = member
            known.name = Bytes(text: rest.remove(at: place).name)
            matched.append(known)
        }
        return matched.sorted { $0.id < $1.id }
    }

    /// Refuses a cluster whose version this server does not know, or of whose members none tells it. Answers the newest that
    /// one tells (etcd v3.6 `isCompatibleWithCluster`).
    private func checkVersions(
        _ others: [ClusterMember], _ own: EtcdVersion?
    ) throws(BootstrapError) -> EtcdVersion {
        let addresses = others.map { $0.peerURLs.map(\.text) }
        let isDowngrade = addresses.lazy.compactMap { running.isDowngrading(at: $0) }.first ?? false
        let newest = addresses.compactMap { running.clusterVersion(at: $0) }.max()
        guard let newest else { throw BootstrapError("incompatible with current running cluster") }
        // On the way to an older version a cluster takes only members of that one.
        let isFit =
            isDowngrade
            ? newest.downgradeTarget == (own ?? .presented).release : newest.release <= own?.release ?? .newestReadable
        guard isFit else {
            throw BootstrapError(
                "incompatible with current running cluster of version \(newest)"
                    + (isDowngrade ? ", which is being taken to an older one" : ""))
        }
        return newest
    }

    /// A cluster as Go prints it in etcd's messages.
    private static func description(of cluster: (id: ClusterID, members: [ClusterMember])) -> String {
        let members = cluster.members.map { member in
            "&{ID:\(member.id) RaftAttributes:{PeerURLs:[\(member.peerURLs.map(\.text).joined(separator: " "))] "
                + "IsLearner:\(member.isLearner)} Attributes:{Name:\(member.name.text) "
                + "ClientURLs:[\(member.clientURLs.map(\.text).joined(separator: " "))]}}"
        }
        return "{ClusterID:\(cluster.id) Members:[\(members.joined(separator: " "))] RemovedMemberIDs:[]}"
    }
}
