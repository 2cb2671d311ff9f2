import Environment
import EtcdMessages
import MVCC
import Primitives
import Simulation
import Testing

@testable import Watch

/// Thousands of random writes, compactions, watches and slow clients, held against a plain history by the nine
/// guarantees. Every bound is so small that it is met all the time.
@Suite struct ModelTests {
    @Test(arguments: 1...16 as ClosedRange<UInt64>)
    func everyWatchSeesWhatItIsOwed(seed: UInt64) throws {
        let model = try WatchModel(seed: seed)
        for _ in 0..<1500 { try model.turn() }
        try model.finish()
        #expect(model.eventCount > 100)
    }

    /// The same with a member that is cut off from the others now and then, and goes on from a snapshot.
    @Test(arguments: 1...16 as ClosedRange<UInt64>)
    func everyWatchSeesWhatItIsOwedAcrossSnapshots(seed: UInt64) throws {
        let model = try WatchModel(seed: seed, cutOffPercent: 3)
        for _ in 0..<1500 { try model.turn() }
        try model.finish()
        #expect(model.eventCount > 100 && model.snapshotCount > 5)
    }
}

/// One run of the model test.
private final class WatchModel {
    private final class Client {
        let stream: UInt64
        /// In how many of a hundred turns it reads.
        let readPercent: Int
        var isReady = false
        /// Watches by id; those whose creation is not answered yet wait in order.
        var open: [Int64: WatchChecker] = [:]
        var asked: [WatchCreateRequest] = []
        /// Cancelled ones whose answers have not come.
        var ending: Set<Int64> = []
        /// Whose fragments are coming.
        var fragmented: Int64?

        init(stream: UInt64, readPercent: Int) {
            self.stream = stream
            self.readPercent = readPercent
        }
    }

    private let bench: WatchBench
    private var entropy: SeededEntropy
    private var history = KeyHistory()
    private var clients: [Client] = []
    private var nextStream: UInt64 = 1
    private(set) var eventCount = 0
    /// In how many of a hundred turns the member is cut off from the others, or goes on from a snapshot.
    private let cutOffPercent: Int
    private(set) var snapshotCount = 0

    init(seed: UInt64, cutOffPercent: Int = 0) throws {
        self.cutOffPercent = cutOffPercent
        entropy = SeededEntropy(seed: seed)
        var settings = WatchSettings()
        settings.progressIntervalNanoseconds = 1000
        settings.logByteCount = 3000
        settings.logEventCount = 1 + entropy.below(40)
        settings.notedEventCount = 1 + entropy.below(4)
        settings.messageByteCount = 200 + entropy.below(400)
        settings.messageRevisionCount = 1 + entropy.below(6)
        settings.sliceRecordCount = 1 + entropy.below(20)
        settings.sliceMatchCount = 1 + entropy.below(20)
        settings.heldByteCount = 100 + entropy.below(1000)
        settings.heldEventCount = 1 + entropy.below(8)
        settings.fragmentByteCount = 300
        bench = try WatchBench(settings: settings)
    }

    func turn() throws {
        if cutOffPercent > 0, entropy.below(100) < cutOffPercent { try cutOffOrInstall() }
        switch entropy.below(100) {
        case 0..<35: try write()
        case 35..<37: try compact()
        case 37..<45: try ask()
        case 45..<47: cancel()
        case 47..<52: if let client = pick() { bench.hub.requestProgress(on: WatchStreamID(rawValue: client.stream)) }
        case 52..<53: leave()
        case 53..<55: try bench.commit()
        case 55..<70:
            bench.now += UInt64(entropy.below(200))
            bench.hub.tick(now: bench.now)
        default: if bench.hub.hasWork { try bench.hub.step() }
        }
        hearAnnounced()
        for client in clients where entropy.below(100) < client.readPercent { try read(client) }
    }

    private func cutOffOrInstall() throws {
        guard bench.isCutOff else {
            try bench.cutOff()
            return
        }
        try bench.install()
        snapshotCount += 1
    }

    func finish() throws {
        try bench.install()
        repeat {
            try bench.settle()
            hearAnnounced()
            for client in clients { while client.isReady { try read(client) } }
        } while bench.hub.hasWork
        #expect(bench.hub.counters.slowWatcherCount == 0)
        #expect(bench.hub.counters.pendingEventCount == 0)
        for client in clients {
            for (_, checker) in client.open { try checker.finish(history) }
            bench.hub.close(WatchStreamID(rawValue: client.stream))
        }
        #expect(bench.hub.counters.watcherCount == 0)
        #expect(bench.hub.live.count == 0)
        #expect(bench.hub.late.count == 0)
    }

    // MARK: Writes

    private func key() -> String { "k\(entropy.below(12))" }

    private func write() throws {
        var operations: [RequestOp] = []
        var used: Set<String> = []
        for _ in 0..<(entropy.below(4) == 0 ? 1 + entropy.below(5) : 1) {
            let key = key()
            guard used.insert(key).inserted else { continue }
            if entropy.below(3) == 0 {
                operations.append(.delete(key))
            } else {
                operations.append(.put(key, String(repeating: "x", count: entropy.below(80))))
            }
        }
        if operations.count == 1, entropy.below(12) == 0 {
            operations = [.delete("k\(entropy.below(9))", to: "l")]
        }
        try bench.txn(operations)
        record(operations)
    }

    /// The same, by the plainest rules.
    private func record(_ operations: [RequestOp]) {
        let revision = history.revision + 1
        var records: [(key: Bytes, record: KeyValue?)] = []
        for operation in operations {
            switch operation.request {
            case .put(let put):
                let previous = history.record(put.key)
                var record = KeyValue()
                record.key = put.key
                record.value = put.value
                record.modRevision = revision
                record.createRevision = previous?.createRevision ?? revision
                record.version = (previous?.version ?? 0) + 1
                records.append((put.key, record))
            case .deleteRange(let delete):
                let keys =
                    delete.rangeEnd.isEmpty
                    ? [delete.key] : (0..<12).map { Bytes(text: "k\($0)") }.sorted { $0.precedes($1) }
                for key in keys where !key.precedes(delete.key) && history.record(key) != nil {
                    records.append((key, nil))
                }
            default: break
            }
        }
        if !records.isEmpty { history.append(revision: revision, records) }
    }

    private func compact() throws {
        let revision = history.revision - Int64(entropy.below(30))
        guard revision > history.compactedRevision, revision > 0 else { return }
        history.compactedRevision = revision
        try bench.compact(revision)
    }

    // MARK: Clients

    private func pick() -> Client? { clients.isEmpty ? nil : clients[entropy.below(clients.count)] }

    private func ask() throws {
        if clients.count < 6, entropy.below(clients.count + 1) == 0 {
            let client = Client(stream: nextStream, readPercent: [2, 10, 50, 100][entropy.below(4)])
            nextStream += 1
            bench.open(client.stream)
            clients.append(client)
        }
        guard let client = pick(), bench.hub.takesRequests(WatchStreamID(rawValue: client.stream)) else { return }
        var request = WatchCreateRequest(key())
        switch entropy.below(4) {
        case 0: request.rangeEnd = [0]
        case 1: request.rangeEnd = Bytes(text: key())
        default: break
        }
        if entropy.below(10) == 0 { (request.key, request.rangeEnd) = ([], [0]) }
        if entropy.below(2) == 0 { request.startRevision = max(0, history.revision + 10 - Int64(entropy.below(60))) }
        request.prevKv = entropy.below(2) == 0
        request.fragment = entropy.below(3) == 0
        request.progressNotify = entropy.below(2) == 0
        if entropy.below(4) == 0 { request.filters = [[.noPut, .noDelete][entropy.below(2)]] }
        if entropy.below(4) == 0 { request.watchID = Int64(entropy.below(6)) - 2 }
        bench.create(request, on: client.stream)
        client.asked.append(request)
    }

    private func cancel() {
        guard let client = pick(), bench.hub.takesRequests(WatchStreamID(rawValue: client.stream)) else { return }
        let ids = client.open.keys.sorted().filter { !client.ending.contains($0) }
        guard !ids.isEmpty else { return }
        let id = ids[entropy.below(ids.count)]
        bench.hub.cancel(id, on: WatchStreamID(rawValue: client.stream))
        client.open[id] = nil
        client.ending.insert(id)
    }

    /// A client goes, and comes back on a stream of its own for each watch from where it was.
    private func leave() {
        guard let client = pick() else { return }
        bench.hub.close(WatchStreamID(rawValue: client.stream))
        clients.removeAll { $0 === client }
        let successor = Client(stream: nextStream, readPercent: client.readPercent)
        nextStream += 1
        bench.open(successor.stream)
        clients.append(successor)
        for id in client.open.keys.sorted() {
            guard let checker = client.open[id], checker.isOpen else { continue }
            var request = checker.request
            request.watchID = 0
            request.startRevision = checker.nextRevision
            bench.create(request, on: successor.stream)
            successor.asked.append(request)
        }
    }

    private func hearAnnounced() {
        for id in bench.hub.takeAnnounced() {
            guard let client = clients.first(where: { $0.stream == id.rawValue }) else { continue }
            #expect(!client.isReady, "a stream is announced once")
            client.isReady = true
        }
    }

    private func read(_ client: Client) throws {
        guard let response = try bench.next(client.stream) else {
            client.isReady = false
            return
        }
        let revision = response.header?.revision ?? 0
        eventCount += response.events.count
        let id = response.watchID
        if id == -1, client.ending.contains(id), !response.created, !response.canceled, response.events.isEmpty {
            // Of the stream, or of the watch that happens to have this number.
        } else if client.ending.contains(id), !response.created {
            // Of one that was cancelled nothing comes but the answer, what a compaction said before, and the rest of a
            // message that had begun.
            #expect(response.canceled || client.fragmented == id, "\(response)")
            if response.canceled, response.compactRevision == 0 { client.ending.remove(id) }
        } else if response.created {
            var checker = WatchChecker(client.asked.removeFirst())
            try checker.take(response, revision: revision, history: history)
            if checker.isOpen { client.open[id] = checker }
        } else if id == -1, response.events.isEmpty, !response.canceled, client.open[-1] == nil {
            for id in client.open.keys { try client.open[id]?.take(response, revision: revision, history: history) }
        } else {
            try #require(client.open[id] != nil, "a response to a watch that is not there: \(response)")
            try client.open[id]?.take(response, revision: revision, history: history)
        }
        client.fragmented = response.fragment ? id : nil
    }
}

extension SeededEntropy {
    fileprivate mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
