import BoltStore
import Environment
import EtcdMessages
import Node
import Primitives
import Recipes
import SimulatedPlatform
import Testing
import WriteAheadLog

/// The recipes over a whole core on a simulated disk.
final class RecipeMember {
    let node: Node
    let recipes: Recipes
    private let writer: WALWriter
    private let disk = SimulatedDisk()
    private var batches: [LogBatch] = []
    private var now: UInt64 = 0
    private var nextToken: UInt64 = 1
    private(set) var replies: [(caller: RequestToken, result: Result<Reply, EtcdError>)] = []
    /// What came on the streams of those who observe, pulled at once.
    private(set) var leaders: [RequestToken: [(revision: Int64, kv: KeyValue)]] = [:]
    /// Streams that are not pulled, as if their client did not read.
    var slow: Set<RequestToken> = []

    init(quotaByteCount: Int64 = 0) throws {
        var settings = NodeSettings(dataDirectory: "/data")
        settings.quotaByteCount = quotaByteCount
        settings.logSettings.segmentByteCount = 64_000
        let opened = try Node.open(
            disk: disk, settings: settings, monotonicNanoseconds: 0, unixNanoseconds: 1_700_000_000_000_000_000)
        node = opened.node
        writer = opened.writer
        recipes = Recipes(node: node)
        node.start()
        settle()
    }

    // MARK: Effects

    /// Hands out effects; what the log is to write waits.
    func pump() {
        while case let effects = node.takeEffects(), !effects.isEmpty {
            for effect in effects { perform(effect) }
        }
        takeRecipeEffects()
    }

    private func perform(_ effect: NodeEffect) {
        switch effect {
        case .writeLog(let batch): batches.append(batch)
        case .commitStore(var committer):
            if let outcome = try? committer.run() { node.storeCommitted(outcome) }
        case .saveSnapshot(let job):
            try? job.run(disk: disk, writer: writer)
            node.snapshotSaved()
        case .reply(let token, let result):
            if token.asker == .recipe { recipes.answered(token, result) } else { replies.append((token, result)) }
        case .streamReady(let token): recipes.streamReady(token)
        case .ready: break
        default: Issue.record("an effect that no recipe asks for: \(effect)")
        }
        takeRecipeEffects()
    }

    private func takeRecipeEffects() {
        while case let effects = recipes.takeEffects(), !effects.isEmpty {
            for effect in effects {
                switch effect {
                case .reply(let caller, let result): replies.append((caller, result))
                case .streamReady(let caller): if !slow.contains(caller) { pull(caller) }
                }
            }
        }
    }

    func pull(_ caller: RequestToken) {
        while let message = recipes.nextLeader(caller) {
            guard let kv = try? LeaderResponse(decoding: message.body).kv else {
                Issue.record("a leader without a key")
                return
            }
            leaders[caller, default: []].append((message.revision, kv))
        }
    }

    /// Lets the log write one batch.
    func runLog() {
        guard !batches.isEmpty else { return }
        let batch = batches.removeFirst()
        try? batch.write(to: writer)
        node.logSynced(batch.lastIndex)
        pump()
    }

    /// Goes on until nothing is left to do.
    func settle() {
        pump()
        for _ in 0..<10_000 {
            if batches.isEmpty {
                // Watches of the past have a pace of their own.
                now += 100_000_000
                node.tick(now: now)
                pump()
                if batches.isEmpty { return }
            }
            runLog()
        }
        Issue.record("the member does not come to rest")
    }

    // MARK: Calls

    func token() -> RequestToken {
        defer { nextToken += 1 }
        return RequestToken(rawValue: nextToken)
    }

    func start(_ body: (Recipes, RequestToken) -> Void) -> RequestToken {
        let caller = token()
        body(recipes, caller)
        pump()
        return caller
    }

    func lock(_ name: String, lease: Int64) -> RequestToken {
        var request = LockRequest()
        request.name = Bytes(text: name)
        request.lease = lease
        return start { $0.lock(request, $1) }
    }

    func expectNothingLeft(_ name: String = "l") throws {
        #expect(try keys(name).isEmpty)
        #expect(recipes.count == 0)
    }

    func proclaim(_ leader: LeaderKey?, _ value: String) -> RequestToken {
        var request = ProclaimRequest()
        request.leader = leader
        request.value = Bytes(text: value)
        let caller = start { $0.proclaim(request, $1) }
        settle()
        return caller
    }

    func resign(_ leader: LeaderKey?) -> RequestToken {
        var request = ResignRequest()
        request.leader = leader
        let caller = start { $0.resign(request, $1) }
        settle()
        return caller
    }

    func leader(_ name: String) -> RequestToken {
        var request = LeaderRequest()
        request.name = Bytes(text: name)
        return start { $0.leader(request, $1) }
    }

    func campaign(_ name: String, lease: Int64, _ value: String) -> RequestToken {
        var request = CampaignRequest()
        request.name = Bytes(text: name)
        request.lease = lease
        request.value = Bytes(text: value)
        return start { $0.campaign(request, $1) }
    }

    func unlock(_ key: String) {
        var request = UnlockRequest()
        request.key = Bytes(text: key)
        _ = start { $0.unlock(request, $1) }
        settle()
    }

    func abandon(_ caller: RequestToken) {
        recipes.abandon(caller)
        pump()
    }

    /// The answer to a call; nil if there is none yet.
    func result(_ caller: RequestToken) -> Result<Reply, EtcdError>? {
        let found = replies.filter { $0.caller == caller }
        #expect(found.count <= 1, "a call is answered once")
        return found.first?.result
    }

    func error(_ caller: RequestToken) -> String? {
        guard case .failure(let error)? = result(caller) else { return nil }
        #expect(error.code == .unknown || error == .stopped)
        return error.message
    }

    func lockKey(_ caller: RequestToken) throws -> String {
        try LockResponse(decoding: #require(try result(caller)?.get()).body).key.text
    }

    func leaderKey(_ caller: RequestToken) throws -> LeaderKey {
        let reply = try #require(try result(caller)?.get())
        return try #require(try CampaignResponse(decoding: reply.body).leader)
    }

    // MARK: The store

    func grant(_ id: Int64, ttl: Int64 = 1000) {
        var request = LeaseGrantRequest()
        request.id = id
        request.ttl = ttl
        node.propose(Proposal(.leaseGrant, request), token())
        settle()
    }

    func revoke(_ id: Int64) {
        var request = LeaseRevokeRequest()
        request.id = id
        node.propose(Proposal(.leaseRevoke, request), token())
        settle()
    }

    /// The keys that begin with a name and a slash.
    func keys(_ name: String) throws -> [KeyValue] {
        var request = RangeRequest()
        request.key = Bytes(text: name + "/")
        request.rangeEnd = Bytes(text: name + "0")
        request.serializable = true
        let token = token()
        node.range(request, token)
        pump()
        return try RangeResponse(decoding: #require(try result(token)?.get()).body).kvs
    }
}
