internal import ArgumentParser
internal import Benchmark
internal import Environment
internal import EtcdMessages
internal import GRPCCore
internal import Primitives

/// What all workloads are told alike.
struct LoadOptions: ParsableArguments {
    @Option(help: "Where the servers listen, host:port, with commas between.")
    var endpoints = "127.0.0.1:2379"

    @Option(help: "Connections, each with a thread of its own.")
    var connections = 1

    @Option(help: "Clients of all connections together: calls under way at once.")
    var clients = 1

    @Option(help: "Calls to make in all; with --duration as well, whichever is reached first.")
    var total: UInt64?

    @Option(help: "Seconds during which to begin calls (10 if there is no --total).")
    var duration: Double?

    @Option(help: "Calls to begin each second; without, as fast as answers come.")
    var rate: Double?

    @Option(help: "How many keys there are.")
    var keys = 1000

    @Option(help: "Bytes of a key.")
    var keySize = 32

    @Option(help: "Bytes of a value.")
    var valueSize = 256

    @Flag(inversion: .prefixedNo, help: "Put every key once before measuring, for workloads that read.")
    var preload = true

    @Option(help: "Seed of all that is random.")
    var seed: UInt64 = 1

    @Option(
        help:
            "A server's process, if it runs here, to say what it used; given for each member, what they used together.")
    var serverPid: [Int32] = []

    @Flag(help: "Print the result as JSON.")
    var json = false

    @Flag(inversion: .prefixedNo, help: "Show progress on standard error.")
    var progress = true

    func validate() throws {
        guard connections > 0, clients >= connections else {
            throw ValidationError("there must be at least one connection, and a client for each.")
        }
        guard keys > 0, keySize >= 0, valueSize >= 0, duration ?? 1 > 0, rate ?? 1 > 0 else {
            throw ValidationError("sizes, times and rates must not be negative, nor nothing.")
        }
    }

    var plan: LoadPlan {
        var plan = LoadPlan()
        plan.connectionCount = connections
        plan.clientCount = clients
        plan.callCount = total
        if let seconds = duration ?? (total == nil ? 10 : nil) {
            plan.durationNanoseconds = UInt64(min(seconds, 1e9) * 1e9)
        }
        plan.callsPerSecond = rate
        return plan
    }

    var keySpace: KeySpace {
        KeySpace(keyCount: keys, keyByteCount: keySize, valueByteCount: valueSize, seed: seed)
    }

    func addresses() throws -> [ListenAddress] {
        let addresses = try endpoints.split(separator: ",").map { try ListenAddress(parsing: String($0)) }
        guard !addresses.isEmpty else { throw ValidationError("--endpoints names no server.") }
        return addresses
    }

    /// Chance of its own for each connection.
    func entropy(of connection: Int) -> SeededEntropy {
        SeededEntropy(seed: seed &+ UInt64(connection) &* 0x1_0000_0001)
    }
}
