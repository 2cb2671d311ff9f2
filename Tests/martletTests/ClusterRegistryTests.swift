import EtcdMessages
import Membership
import Node
import Primitives
import Testing

@testable import martlet

/// Members that find each other in another etcd's keys, one after the other, at once, and too many of them.
@Suite struct ClusterRegistryTests {
    /// Keys in memory. What happens while a member waits, a test says.
    private final class Keys: RegistryStore {
        private(set) var records: [KeyValue] = []
        private var revision: Int64 = 1
        var failureCount = 0
        var pauses: [UInt64] = []
        var whileWaiting: (Keys) throws(BootstrapError) -> Void = { _ throws(BootstrapError) in
            throw BootstrapError("nobody comes")
        }
        private(set) var isClosed = false

        init(size: String?) {
            if let size { put("_config/size", size) }
        }

        func put(_ key: String, _ value: String) {
            try? write(Bytes(text: "/_etcd/registry/tok/\(key)"), Bytes(text: value))
        }

        func read(_ key: Bytes, isPrefix: Bool) throws(EtcdError) -> [KeyValue] {
            if failureCount > 0 {
                failureCount -= 1
                throw .timeout
            }
            return records.filter { isPrefix ? $0.key.starts(with: key) : $0.key == key }
        }

        func write(_ key: Bytes, _ value: Bytes) throws(EtcdError) {
            revision += 1
            var record = KeyValue()
            record.key = key
            record.value = value
            record.createRevision = records.first { $0.key == key }?.createRevision ?? revision
            records.removeAll { $0.key == key }
            records.append(record)
        }

        func pause(nanoseconds: UInt64) throws(BootstrapError) {
            pauses.append(nanoseconds)
            // Longer ones follow what failed.
            if nanoseconds < 1_000_000_000 { try whileWaiting(self) }
        }

        func close() { isClosed = true }
    }

    /// Nobody answers.
    private struct NoCluster: RunningCluster {
        func members(
            at urls: [String], timeoutNanoseconds: UInt64, isExpected: Bool
        ) -> (id: ClusterID, members: [ClusterMember])? { nil }
        func clusterVersion(at urls: [String]) -> EtcdVersion? { nil }
        func isDowngrading(at urls: [String]) -> Bool? { nil }
    }

    private func join(_ keys: Keys, _ id: UInt64 = 0xa, _ member: String = "a=http://a:1") -> Result<
        String, BootstrapError
    > {
        Result { () throws(BootstrapError) in
            try ClusterRegistry(store: keys, token: "tok").join(MemberID(id), member).description
        }
    }

    @Test func theLastOfThemGoesAtOnce() throws {
        let keys = Keys(size: "2")
        keys.put("members/b", "b=http://b:1,b=http://b:2")
        #expect(join(keys) == .success("a=http://a:1,b=http://b:1,b=http://b:2"))
        #expect(keys.pauses.isEmpty)
        #expect(keys.records.last?.key == Bytes(text: "/_etcd/registry/tok/members/a"))
    }

    @Test func theFirstWaitsForTheOthers() {
        let keys = Keys(size: "3")
        keys.whileWaiting = { keys throws(BootstrapError) in
            if keys.pauses.count == 2 { keys.put("members/b", "b=http://b:1") }
            if keys.pauses.count == 3 { keys.put("members/nonsense", "no URL") }
            if keys.pauses.count == 4 { keys.put("members/c", "c=http://c:1") }
        }
        #expect(join(keys) == .success("a=http://a:1,b=http://b:1,c=http://c:1"))
        #expect(keys.pauses.count == 4)
    }

    /// Both found room and registered; only the first has it.
    @Test func ofTwoWhoComeAtOnceTheFirstIsTheMember() {
        let keys = Keys(size: "1")
        keys.put("members/b", "b=http://b:1")
        #expect(
            join(keys) == .failure(BootstrapError("failed to join discovery cluster (discovery: cluster is full)")))
        #expect(keys.records.count == 2, "it did not register")
        #expect(join(keys, 0xb, "b=http://b:1") == .success("b=http://b:1"), "who is one of them may come again")
        keys.put("members/a", "a=http://a:1")
        #expect(
            join(keys) == .failure(BootstrapError("failed to join discovery cluster (discovery: cluster is full)")))
        #expect(join(keys, 0xb, "b=http://b:1") == .success("b=http://b:1"))
    }

    @Test(arguments: [
        (nil, "discovery: size key not found"), ("x", "discovery: size key is bad"),
        ("0", "discovery: size key is bad"), ("-1", "discovery: size key is bad"),
    ])
    func sizesThatAreNone(size: String?, text: String) {
        #expect(join(Keys(size: size)) == .failure(BootstrapError("failed to join discovery cluster (\(text))")))
    }

    @Test func urlsThatAreNone() {
        let keys = Keys(size: "2")
        keys.put("members/b", "b=nonsense")
        #expect(
            join(keys) == .failure(BootstrapError("failed to join discovery cluster (discovery: invalid peer URL)")))
    }

    @Test func failedRequestsAreMadeAgainAfterEverLongerPauses() {
        let keys = Keys(size: "1")
        keys.failureCount = 10
        #expect(join(keys) == .success("a=http://a:1"))
        #expect(keys.pauses.map { $0 / 1_000_000_000 } == [2, 4, 8, 16, 32, 64, 128, 256, 256, 256])
    }

    @Test func whoeverIsToldToEndDoesNotWait() {
        #expect(join(Keys(size: "2")) == .failure(BootstrapError("failed to join discovery cluster (nobody comes)")))
    }

    @Test func theTokenNamesTheClusterToo() throws {
        let keys = Keys(size: "2")
        keys.put("members/b", "b=http://b:1")
        var flags = FlagSet()
        try flags.parse([
            "--name=a", "--initial-advertise-peer-urls=http://a:1", "--discovery-endpoints=d:1",
            "--discovery-token=tok",
        ])
        let configuration = try Command.configuration(flags, [:])
        var node = configuration.node
        try Bootstrap(settings: configuration.bootstrap, running: NoCluster(), openRegistry: { _ in keys })
            .prepare(&node)
        #expect(node.clusterToken == "tok" && keys.isClosed)
        #expect(
            node.clusterStart
                == .newCluster([
                    InitialMember(name: "a", peerURLs: ["http://a:1"]),
                    InitialMember(name: "b", peerURLs: ["http://b:1"]),
                ]))
        // Under the id that the member will have.
        let id = MemberID(peerURLs: [Bytes(text: "http://a:1")], clusterToken: Bytes(text: "tok"), unixSeconds: nil)
        #expect(keys.records.contains { $0.key == Bytes(text: "/_etcd/registry/tok/members/\(id)") })
    }

    @Test(arguments: ["https://a:1", "unix:///x", "a", "a:b"])
    func endpointsThatCannotBeReached(endpoint: String) {
        var settings = RegistrySettings()
        settings.endpoints = [endpoint]
        #expect(throws: BootstrapError.self) { try EtcdRegistryStore(settings, isCancelled: { false }) }
    }
}
