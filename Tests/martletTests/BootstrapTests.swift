import Membership
import Node
import Platform
import Primitives
import Testing

@testable import martlet

/// How a member without data comes to its cluster, and what keeps it from it, in etcd's words.
@Suite struct BootstrapTests {
    /// A cluster that answers what a test says, at the URLs that it says.
    private struct Answers: RunningCluster {
        var members: (id: ClusterID, members: [ClusterMember])?
        /// By the first URL of a member.
        var versions: [String: String] = [:]
        var isDowngradeEnabled = false

        func members(
            at urls: [String], timeoutNanoseconds: UInt64, isExpected: Bool
        ) -> (id: ClusterID, members: [ClusterMember])? {
            urls.isEmpty ? nil : members
        }
        func clusterVersion(at urls: [String]) -> EtcdVersion? {
            urls.first.flatMap { versions[$0] }.flatMap { EtcdVersion($0) }
        }
        func isDowngrading(at urls: [String]) -> Bool? { isDowngradeEnabled }
    }

    private func prepared(
        _ arguments: [String], _ running: Answers = Answers(), registry: (any RegistryStore)? = nil,
        services: [String: [ServiceRecord]] = [:], addresses: [String: String] = [:]
    ) throws -> NodeSettings {
        var flags = FlagSet()
        try flags.parse(arguments)
        let configuration = try Command.configuration(flags, [:])
        var bootstrap = Bootstrap(settings: configuration.bootstrap, running: running) { _ in
            guard let registry else { throw BootstrapError("there is no registry") }
            return registry
        }
        let resolve: (String) throws(NameResolver.Failure) -> String = { host throws(NameResolver.Failure) in
            guard let address = addresses[host] else { throw NameResolver.Failure("lookup \(host): no such host") }
            return address
        }
        bootstrap.urls.resolve = resolve
        bootstrap.services.resolve = resolve
        bootstrap.services.lookUp = { name throws(NameResolver.Failure) in
            guard let records = services[name] else { throw NameResolver.Failure("lookup \(name): no such host") }
            return records
        }
        var node = configuration.node
        try bootstrap.prepare(&node)
        return node
    }

    private func refusal(
        _ arguments: [String], _ running: Answers = Answers(), registry: (any RegistryStore)? = nil,
        services: [String: [ServiceRecord]] = [:], addresses: [String: String] = [:]
    ) -> String? {
        do {
            _ = try prepared(arguments, running, registry: registry, services: services, addresses: addresses)
            return nil
        } catch {
            return "\(error)"
        }
    }

    private func flags(
        _ cluster: String, name: String = "a", urls: String = "http://10.0.0.1:2380", state: String = "new"
    ) -> [String] {
        [
            "--name", name, "--initial-advertise-peer-urls", urls, "--initial-cluster", cluster,
            "--initial-cluster-token=tok", "--initial-cluster-state", state,
        ]
    }

    private static let three = "a=http://10.0.0.1:2380,b=http://10.0.0.2:2380,c=http://10.0.0.3:2380"

    // MARK: A new cluster

    @Test func aClusterOfThreeIsTheSameFromEachOfThem() throws {
        for (name, host) in [("a", 1), ("b", 2), ("c", 3)] {
            let node = try prepared(flags(Self.three, name: name, urls: "http://10.0.0.\(host):2380"))
            #expect(
                node.clusterStart
                    == .newCluster([
                        InitialMember(name: "a", peerURLs: ["http://10.0.0.1:2380"]),
                        InitialMember(name: "b", peerURLs: ["http://10.0.0.2:2380"]),
                        InitialMember(name: "c", peerURLs: ["http://10.0.0.3:2380"]),
                    ]))
            #expect(node.clusterToken == "tok" && node.clusterVersion == nil)
        }
    }

    @Test func namesMayStandSeveralTimesAndPlacesMayBeEmpty() throws {
        let cluster = try InitialCluster(parsing: ",b=http://b:1,,a=http://a:2, a=http://a:1,a=HTTP://a:3,")
        #expect(cluster.members.map(\.name) == [" a", "a", "b"])
        #expect(cluster.urls(of: "a")?.map(\.text) == ["HTTP://a:3", "http://a:2"])
        #expect(cluster.initialMembers[1].peerURLs == ["http://a:3", "http://a:2"], "as etcd writes them")
        #expect(cluster.urls(except: "a") == ["http://a:1", "http://b:1"])
        #expect(cluster.description == " a=http://a:1,a=HTTP://a:3,a=http://a:2,b=http://b:1")
        #expect(!cluster.hasDuplicateURL)
        #expect(try InitialCluster(parsing: "a=http://a:1,b=http://a:1").hasDuplicateURL)
    }

    @Test(arguments: [
        ("a", "error setting up initial cluster: URL scheme must be http, https, unix, or unixs: "),
        ("a=ftp://x:1", "error setting up initial cluster: URL scheme must be http, https, unix, or unixs: ftp://x:1"),
        ("", "couldn't find local name \"a\" in the initial cluster configuration"),
        ("b=http://10.0.0.2:2380", "couldn't find local name \"a\" in the initial cluster configuration"),
        (
            "a=http://10.0.0.9:2380",
            "--initial-cluster has a=http://10.0.0.9:2380 but missing from --initial-advertise-peer-urls="
                + "http://10.0.0.1:2380 (resolved urls: [\"http://10.0.0.1:2380\"] != [\"http://10.0.0.9:2380\"])"
        ),
        (
            "a=http://10.0.0.1:2380,a=http://10.0.0.9:2380",
            "--initial-cluster has a=http://10.0.0.9:2380 but missing from --initial-advertise-peer-urls="
                + "http://10.0.0.1:2380 "
                + "(len([\"http://10.0.0.1:2380\"]) != len([\"http://10.0.0.1:2380\" \"http://10.0.0.9:2380\"]))"
        ),
        (
            "a=http://nest.test:2380",
            "--initial-cluster has a=http://nest.test:2380 but missing from --initial-advertise-peer-urls="
                + "http://10.0.0.1:2380 (lookup nest.test: no such host)"
        ),
        (
            "a=http://10.0.0.1:2380,b=http://10.0.0.1:2380",
            "initial cluster a=http://10.0.0.1:2380,b=http://10.0.0.1:2380 has duplicate url"
        ),
    ])
    func listsThatDoNotFit(cluster: String, text: String) {
        #expect(refusal(flags(cluster)) == text)
    }

    @Test func whatIsAdvertisedMustBeInTheList() {
        #expect(
            refusal(flags("a=http://10.0.0.1:2380", urls: "http://10.0.0.1:2380,http://10.0.0.9:2380"))
                == "--initial-advertise-peer-urls has http://10.0.0.9:2380 but missing from "
                + "--initial-cluster=a=http://10.0.0.1:2380,a=http://10.0.0.9:2380")
    }

    @Test func namesOfHostsMayStandForTheirAddresses() throws {
        let node = try prepared(flags("a=http://nest.test:2380"), addresses: ["nest.test": "10.0.0.1"])
        // The ids are made of what the list says, which all members share.
        #expect(node.clusterStart == .newCluster([InitialMember(name: "a", peerURLs: ["http://nest.test:2380"])]))
    }

    @Test func aMemberThatServedBeforeDoesNotBeginAnew() throws {
        let id = MemberID(0x9852_1e8c_6c48_c6da)
        func cluster(_ clientURLs: [String]) -> Answers {
            let own = ClusterMember(
                id: id, peerURLs: [Bytes(text: "http://10.0.0.1:2380")], clientURLs: clientURLs.map { Bytes(text: $0) })
            return Answers(members: (ClusterID(7), [own]))
        }
        #expect(
            refusal(flags(Self.three), cluster(["http://x:1"]))
                == "member 98521e8c6c48c6da has already been bootstrapped")
        #expect(refusal(flags(Self.three), cluster([])) == nil)
    }

    // MARK: A cluster that runs

    /// A cluster of three of which this one is `a`, as yet without a name.
    private func running(
        names: [String] = ["", "b", "c"], version: String = "3.6.0", count: Int = 3, isDowngradeEnabled: Bool = false
    ) -> Answers {
        var members: [ClusterMember] = []
        for number in 1...count {
            let url = Bytes(text: "http://10.0.0.\(number):2380")
            let name = Bytes(text: number <= 3 ? names[number - 1] : "x")
            members.append(
                ClusterMember(id: MemberID(UInt64(number)), name: name, peerURLs: [url], isLearner: number == 1))
        }
        return Answers(
            members: (ClusterID(0xc1), members),
            versions: ["http://10.0.0.2:2380": version, "http://10.0.0.3:2380": version],
            isDowngradeEnabled: isDowngradeEnabled)
    }

    @Test func idsAreThoseOfTheClusterThatIsJoined() throws {
        let node = try prepared(flags(Self.three, state: "existing"), running())
        guard case .join(let id, let members) = node.clusterStart else {
            Issue.record("not joined: \(node.clusterStart)")
            return
        }
        #expect(id == ClusterID(0xc1))
        #expect(members.map(\.id) == [MemberID(1), MemberID(2), MemberID(3)])
        #expect(members.map(\.name.text) == ["a", "b", "c"] && members.map(\.isLearner) == [true, false, false])
        #expect(node.clusterVersion == EtcdVersion(major: 3, minor: 6))
    }

    @Test func clustersThatCannotBeJoined() {
        let existing = flags(Self.three, state: "existing")
        #expect(
            refusal(existing)
                == "cannot fetch cluster info from peer urls: could not retrieve cluster information from the given URLs"
        )
        #expect(
            refusal(existing, Answers(members: (ClusterID(7), [])))
                == "cannot fetch cluster info from peer urls: failed to get raft cluster member(s) from the given URLs")
        #expect(refusal(existing, running(count: 4))?.hasSuffix(": member count is unequal") == true)
        let strangers = "a=http://10.0.0.9:2380,b=http://10.0.0.2:2380,c=http://10.0.0.3:2380"
        let text = refusal(flags(strangers, state: "existing"), running())
        #expect(
            text?.hasPrefix(
                "error validating peerURLs {ClusterID:c1 Members:[&{ID:1 RaftAttributes:{PeerURLs:[http://10.0.0.1:2380] "
                    + "IsLearner:true} Attributes:{Name: ClientURLs:[]}} &{ID:2 ") == true)
        #expect(
            text?.contains(
                "PeerURLs: no match found for existing member (1, [http://10.0.0.1:2380]), last resolver error")
                == true)
        #expect(
            refusal(existing, running(names: ["a", "b", "c"]))?
                .hasPrefix("member 1 has already been started in this cluster") == true)
        #expect(
            refusal(flags("b=http://10.0.0.2:2380", state: "existing"), running())
                == "couldn't find local name \"a\" in the initial cluster configuration")
    }

    @Test(
        arguments: [
            ("3.5.0", [], nil), ("3.7.0", [], nil), ("3.8.0", [], "of version 3.8.0"),
            ("3.7.0", ["--etcd-version=3.6"], "of version 3.7.0"), ("3.7.0", ["--etcd-version=3.7"], nil),
            ("not_decided", [], ""), ("", [], ""),
        ] as [(String, [String], String?)])
    func versionsThatCanBeJoined(version: String, more: [String], text: String?) {
        let refusal = refusal(flags(Self.three, state: "existing") + more, running(version: version))
        guard let text else {
            #expect(refusal == nil)
            return
        }
        #expect(refusal?.hasPrefix("incompatible with current running cluster") == true)
        #expect(refusal?.contains(text) == true)
    }

    @Test func onTheWayBackOnlyMembersOfTheOlderVersionJoin() {
        let existing = flags(Self.three, state: "existing")
        #expect(refusal(existing, running(isDowngradeEnabled: true))?.contains("taken to an older one") == true)
        #expect(
            refusal(existing + ["--etcd-version=3.6"], running(version: "3.7.0", isDowngradeEnabled: true)) == nil)
    }

    // MARK: DNS

    private func records(_ hosts: [String], port: UInt16 = 2380) -> [ServiceRecord] {
        hosts.map { ServiceRecord(priority: 1, weight: 1, port: port, target: $0) }
    }

    private static let addresses = ["a.test": "10.0.0.1", "b.test": "10.0.0.2", "10.0.0.1": "10.0.0.1"]

    @Test func theRecordsOfADomainAreTheCluster() throws {
        let node = try prepared(
            ["--name=a", "--initial-advertise-peer-urls=http://10.0.0.1:2380", "--discovery-srv=x.test"],
            services: ["_etcd-server._tcp.x.test": records(["a.test", "b.test"])], addresses: Self.addresses)
        #expect(
            node.clusterStart
                == .newCluster([
                    InitialMember(name: "0", peerURLs: ["http://b.test:2380"]),
                    InitialMember(name: "a", peerURLs: ["http://a.test:2380"]),
                ]))
        let named = try prepared(
            [
                "--name=a", "--initial-advertise-peer-urls=http://a.test:2380", "--discovery-srv=x.test",
                "--discovery-srv-name=blue",
            ], services: ["_etcd-server-blue._tcp.x.test": records(["a.test"])], addresses: Self.addresses)
        #expect(named.clusterStart == .newCluster([InitialMember(name: "a", peerURLs: ["http://a.test:2380"])]))
    }

    @Test func domainsWithoutTheMember() {
        let flags = ["--name=a", "--initial-advertise-peer-urls=http://10.0.0.1:2380", "--discovery-srv=x.test"]
        #expect(
            refusal(flags, addresses: Self.addresses)
                == "error setting up initial cluster: error querying DNS SRV records for _etcd-server-ssl "
                + "lookup _etcd-server-ssl._tcp.x.test: no such host; error querying DNS SRV records for _etcd-server "
                + "lookup _etcd-server._tcp.x.test: no such host")
        #expect(
            refusal(
                flags, services: ["_etcd-server._tcp.x.test": records(["b.test", "gone.test"])],
                addresses: Self.addresses)
                == "error setting up initial cluster: cannot find local etcd member \"a\" in SRV records")
        #expect(
            refusal(
                flags, services: ["_etcd-server-ssl._tcp.x.test": records(["a.test"])], addresses: Self.addresses)?
                .contains("has scheme mismatch with expected peer http://10.0.0.1:2380") == true)
    }
}
