internal import ArgumentParser
internal import Benchmark

struct Put: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Puts of keys by chance.")

    @OptionGroup var options: LoadOptions

    @Flag(help: "Put the keys one after another instead.")
    var sequential = false

    func run() throws {
        let options = options
        let isSequential = sequential
        try LoadSession("put", options).measure { run, _ in
            run.run { connection, _ in
                PutScript(
                    keys: options.keySpace, isSequential: isSequential, entropy: options.entropy(of: connection))
            }
        }
    }
}

struct Range: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Reads of single keys by chance.")

    @OptionGroup var options: LoadOptions

    @Flag(help: "Read what the member has, without asking whether it is the newest.")
    var serializable = false

    func run() throws {
        let options = options
        let isSerializable = serializable
        let session = try LoadSession(isSerializable ? "serializable range" : "linearizable range", options)
        try session.preload()
        try session.measure { run, _ in
            run.run { connection, _ in
                RangeScript(
                    keys: options.keySpace, isSerializable: isSerializable, entropy: options.entropy(of: connection))
            }
        }
    }
}

struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Lists of all keys, page by page at one revision.")

    @OptionGroup var options: LoadOptions

    @Option(help: "Keys of a page; 0 is all at once.")
    var limit: Int64 = 500

    @Flag(help: "Read what the member has, without asking whether it is the newest.")
    var serializable = false

    func run() throws {
        let options = options
        let (limit, isSerializable) = (limit, serializable)
        let session = try LoadSession("list", options)
        try session.preload()
        try session.measure { run, _ in
            run.run { _, clientCount in
                ListScript(
                    keys: options.keySpace, limit: limit, isSerializable: isSerializable, clientCount: clientCount)
            }
        }
    }
}

struct Txn: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Transactions: put a key if it is there, else read it.")

    @OptionGroup var options: LoadOptions

    func run() throws {
        let options = options
        let session = try LoadSession("txn", options)
        try session.preload()
        try session.measure { run, _ in
            run.run { connection, _ in
                TxnScript(keys: options.keySpace, entropy: options.entropy(of: connection))
            }
        }
    }
}

struct Lease: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Leases that come and go: granted, given a key, asked for, revoked.")

    @OptionGroup var options: LoadOptions

    @Flag(help: "Only grant leases, of a day each, and leave them.")
    var grantOnly = false

    func run() throws {
        let options = options
        let grantsOnly = grantOnly
        try LoadSession("lease", options).measure { run, _ in
            run.run { connection, clientCount in
                LeaseScript(
                    keys: options.keySpace, grantsOnly: grantsOnly, connection: connection, clientCount: clientCount)
            }
        }
    }
}

struct KeepAlive: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Leases kept alive, one for each client on a stream of its own.")

    @OptionGroup var options: LoadOptions

    func run() throws {
        try LoadSession("keep alive", options).measure { run, _ in run.runKeepAlive() }
    }
}

struct Watch: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Watchers, and puts that they hear of; what is counted is events.")

    @OptionGroup var options: LoadOptions

    @Option(help: "Watchers in all.")
    var watchers = 1000

    @Option(help: "Streams that they share.")
    var streams = 1

    @Flag(help: "Each watcher has a key of its own; without, all watch the same.")
    var ownKeys = false

    @Flag(help: "Events come with the pair that was replaced.")
    var prevKV = false

    func validate() throws {
        guard watchers > 0, streams > 0, streams <= watchers else {
            throw ValidationError("there must be at least one watcher, and one for each stream.")
        }
    }

    func run() throws {
        let options = options
        var plan = WatchPlan()
        plan.watcherCount = watchers
        plan.streamCount = streams
        plan.sharesKey = !ownKeys
        plan.wantsPrevious = prevKV
        try LoadSession("watch", options).measure { [plan] run, begin in
            run.runWatch(plan, keys: options.keySpace, whenReady: begin)
        }
    }
}

struct Kubernetes: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "What an API server asks: gets, lists, counts, and objects changed by revision.")

    @OptionGroup var options: LoadOptions

    func run() throws {
        let options = options
        let session = try LoadSession("kubernetes", options)
        try session.measure { run, _ in
            run.run { connection, clientCount in
                KubernetesScript(
                    keys: options.keySpace, clientCount: clientCount, entropy: options.entropy(of: connection))
            }
        }
    }
}
