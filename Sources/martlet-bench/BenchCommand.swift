internal import ArgumentParser

/// A load generator for anything that speaks etcd's API.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet-bench",
        abstract: "Puts load on a server that speaks etcd's API, and says what it did.",
        discussion: """
            A client has one call under way at a time; connections have a thread each, and share the clients. Latencies \
            are to within 1.6 %. With --rate a call counts from when it was due, so that what a stall holds up is seen.
            """,
        subcommands: [
            Put.self, Range.self, List.self, Txn.self, Lease.self, KeepAlive.self, Watch.self, Kubernetes.self,
        ])
}
