internal import EtcdMessages
internal import Logging
internal import Primitives

/// Where the members of a new cluster register, in a key each: another etcd, or a test's stand-in.
protocol RegistryStore {
    /// The keys that begin with `key`, or that one alone.
    func read(_ key: Bytes, isPrefix: Bool) throws(EtcdError) -> [KeyValue]
    func write(_ key: Bytes, _ value: Bytes) throws(EtcdError)
    /// Waits.
    ///
    /// - Throws: if the process is to end.
    func pause(nanoseconds: UInt64) throws(BootstrapError)
    /// Gives up the connection. Must be called.
    func close()
}

/// The members of a new cluster find each other in keys of another etcd (etcd v3.6
/// `server/etcdserver/api/v3discovery/discovery.go`):
///
/// ```
/// /_etcd/registry/TOKEN/_config/size     how many members there are to be; whoever wants the cluster writes it
/// /_etcd/registry/TOKEN/members/ID       name=URL,name=URL of a member
/// ```
///
/// Of more members than that, those that registered first are the cluster.
struct ClusterRegistry {
    var store: any RegistryStore
    var token: String
    var log = Logger(label: "martlet")

    /// Time between two looks at who has registered, in nanoseconds.
    private static let interval: UInt64 = 500_000_000
    /// The pauses before failed requests are made again are doubled so often, from a second on.
    private static let greatestDoublingCount = 8

    /// Registers a member and waits until there are as many as there are to be. Answers all of them, as `--initial-cluster`
    /// would list them.
    ///
    /// - Parameter description: the member, as `name=URL,name=URL`.
    func join(_ id: MemberID, _ description: String) throws(BootstrapError) -> InitialCluster {
        do throws(BootstrapError) {
            let ownKey = key("members/\(id)")
            _ = try look(ownKey)
            try untilDone("register member itself") { () throws(EtcdError) in
                try store.write(ownKey, Bytes(text: description))
            }
            log.info("register member itself successfully", metadata: fields(["memberInfo": "\(description)"]))
            while true {
                let (members, size) = try look(ownKey)
                if members.count >= size {
                    let list = members.prefix(size).map(\.description).joined(separator: ",")
                    log.info("found all needed peers from discovery service", metadata: fields(["cluster": "\(list)"]))
                    guard let cluster = try? InitialCluster(parsing: list) else {
                        throw BootstrapError("discovery: invalid peer URL")
                    }
                    return cluster
                }
                log.debug(
                    "waiting for peers from discovery service",
                    metadata: fields([
                        "clusterSize": .stringConvertible(size), "found-peers": .stringConvertible(members.count),
                    ]))
                try store.pause(nanoseconds: Self.interval)
            }
        } catch {
            throw BootstrapError("failed to join discovery cluster (\(error))")
        }
    }

    private struct Registration {
        var key: Bytes
        var description: String
        var revision: Int64
    }

    /// Who has registered, in the order in which they did, and how many there are to be.
    ///
    /// - Throws: if there are so many already that this member cannot be one of them any more.
    private func look(_ ownKey: Bytes) throws(BootstrapError) -> (members: [Registration], size: Int) {
        var size = 0
        var members: [Registration] = []
        var failure: BootstrapError?
        try untilDone("cluster status check") { () throws(EtcdError) in
            let sizes = try store.read(key("_config/size"), isPrefix: false)
            do throws(BootstrapError) {
                size = try Self.size(sizes)
            } catch {
                // Nothing that a repetition would change.
                failure = error
                return
            }
            members = Self.registrations(try store.read(key("members"), isPrefix: true))
        }
        if let failure { throw failure }
        let place = members.firstIndex { $0.key == ownKey } ?? members.count
        guard place < size else { throw BootstrapError("discovery: cluster is full") }
        return (members, size)
    }

    private static func size(_ records: [KeyValue]) throws(BootstrapError) -> Int {
        guard let record = records.first else { throw BootstrapError("discovery: size key not found") }
        guard let size = Int(record.value.text), size > 0 else { throw BootstrapError("discovery: size key is bad") }
        return size
    }

    private static func registrations(_ records: [KeyValue]) -> [Registration] {
        records.compactMap { record in
            let description = record.value.text.trimmingSpaces()
            guard description.contains("=") else { return nil }
            return Registration(key: record.key, description: description, revision: record.createRevision)
        }.sorted { $0.revision < $1.revision }
    }

    private func key(_ rest: String) -> Bytes {
        let parts = ["_etcd", "registry"] + token.split(separator: "/").map(String.init) + [rest]
        return Bytes(text: "/" + parts.joined(separator: "/"))
    }

    /// Makes requests until they succeed.
    private func untilDone(_ step: String, _ body: () throws(EtcdError) -> Void) throws(BootstrapError) {
        var count = 0
        while true {
            do throws(EtcdError) {
                return try body()
            } catch {
                count = min(count + 1, Self.greatestDoublingCount)
                let seconds = UInt64(1) << UInt64(count)
                log.warning(
                    "retry connecting to discovery service",
                    metadata: fields([
                        "reason": "\(step)", "backoff": "\(seconds)s", "error": "\(error.message)",
                    ]))
                try store.pause(nanoseconds: seconds * 1_000_000_000)
            }
        }
    }

    private func fields(_ fields: Logger.Metadata) -> Logger.Metadata {
        fields.merging(["discovery-token": "\(token)"]) { own, _ in own }
    }
}
