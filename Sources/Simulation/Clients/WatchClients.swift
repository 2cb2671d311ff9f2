internal import Environment
internal import EtcdMessages
internal import MVCC
internal import Node
internal import Primitives
internal import SimulatedPlatform
internal import Watch

/// Clients that watch, quick and slow ones, and what they were told, held against the history by `WatchChecker`.
///
/// A response may tell of a write before the member has answered it, so each waits until the history is known so far.
/// After a crash every client comes back for what it has not seen, and nothing that it has seen may be gone.
struct WatchClients {
    private struct Told {
        var response: WatchResponse
        var revision: Int64

        /// Up to where the history must be known to judge it.
        var greatestRevision: Int64 { max(revision, response.events.last?.kv?.modRevision ?? 0) }
    }

    private struct Watched {
        var checker: WatchChecker
        var told: [Told] = []
    }

    private struct Client {
        let stream: RequestToken
        /// In how many of a hundred of its chances it reads.
        let readPercent: Int
        var isReady = false
        /// Watches that are not answered yet, in order.
        var asked: [WatchCreateRequest] = []
        var watches: [Int64: Watched] = [:]
        /// Watches that were cancelled, until that is answered.
        var ending: [Int64] = []

        var ids: [Int64] { watches.keys.sorted() }

        /// What to ask for to go on where this client is.
        var requests: [WatchCreateRequest] {
            asked
                + ids.compactMap { id in
                    guard let checker = watches[id]?.checker, checker.isOpen else { return nil }
                    var request = checker.request
                    request.startRevision = checker.nextRevision
                    return request
                }
        }
    }

    private let settings: SimulationSettings
    private var entropy: SeededEntropy
    private var clients: [Client] = []
    private var history = KeyHistory()
    private(set) var eventCount = 0

    /// Whether nobody reads in words what is done.
    private let isQuiet: Bool

    init(settings: SimulationSettings, entropy: SeededEntropy, isQuiet: Bool = false) {
        self.settings = settings
        self.isQuiet = isQuiet
        self.entropy = entropy
    }

    // MARK: Asking

    /// Lets one client do one thing. Answers what, in words.
    mutating func act(on member: SimulatedMember, takeToken: () -> RequestToken) throws(SimulationFailure) -> String {
        hear(member)
        if clients.isEmpty || (clients.count < settings.watchClientCount && entropy.below(20) == 0) {
            return open(member, takeToken(), [request()])
        }
        let place = entropy.below(clients.count)
        let stream = clients[place].stream
        switch entropy.below(40) {
        case 0: return leave(place, member, takeToken())
        case 1..<4:
            guard member.node.takesWatchRequests(stream) else { return "watch wait" }
            let request = request()
            clients[place].asked.append(request)
            member.node.createWatch(request, on: stream)
            return words("watch create \(stream.rawValue) \(request)")
        case 4: return cancel(place, member)
        case 5..<8:
            if member.node.takesWatchRequests(stream) { member.node.requestWatchProgress(on: stream) }
            return words("watch progress \(stream.rawValue)")
        default:
            guard clients[place].isReady, entropy.below(100) < clients[place].readPercent else { return Self.idle }
            // What came since it last looked; the slow ones never catch up.
            var deed = try read(place, member)
            for _ in 0..<clients[place].readPercent / 10 where clients[place].isReady {
                deed += try read(place, member)
            }
            return deed
        }
    }

    /// What a client is said to have done that did nothing at all.
    static let idle = "watch idle"

    private func words(_ text: @autoclosure () -> String) -> String { isQuiet ? "" : text() }

    private mutating func request() -> WatchCreateRequest {
        var request = WatchCreateRequest()
        request.key = Workload.key(entropy.below(settings.keyCount))
        switch entropy.below(3) {
        case 0: request.rangeEnd = [0]
        case 1: request.rangeEnd = Workload.key(entropy.below(settings.keyCount))
        default: break
        }
        if entropy.below(4) == 0 { (request.key, request.rangeEnd) = ([], [0]) }
        // From the past, the present and the future.
        if entropy.below(2) == 0 {
            request.startRevision = max(0, history.revision + 10 - Int64(entropy.below(60)))
        }
        request.prevKv = entropy.below(2) == 0
        request.fragment = entropy.below(3) == 0
        request.progressNotify = entropy.below(3) == 0
        if entropy.below(5) == 0 { request.filters = [entropy.below(2) == 0 ? .noPut : .noDelete] }
        return request
    }

    private mutating func open(
        _ member: SimulatedMember, _ stream: RequestToken, _ requests: [WatchCreateRequest]
    ) -> String {
        let percents = [3, 20, 60, 100]
        clients.append(Client(stream: stream, readPercent: percents[entropy.below(percents.count)], asked: requests))
        member.node.openWatchStream(stream)
        for request in requests { member.node.createWatch(request, on: stream) }
        return words("watch open \(stream.rawValue) \(requests)")
    }

    /// A client's connection breaks, and it comes back for what it has not seen.
    private mutating func leave(_ place: Int, _ member: SimulatedMember, _ token: RequestToken) -> String {
        let client = clients[place]
        // It can only say where it is once all that it was told is understood.
        guard client.watches.values.allSatisfy(\.told.isEmpty) else { return "watch stay" }
        clients.remove(at: place)
        member.node.closeWatchStream(client.stream)
        let deed = open(member, token, client.requests)
        return words("watch close \(client.stream.rawValue); \(deed)")
    }

    private mutating func cancel(_ place: Int, _ member: SimulatedMember) -> String {
        let ids = clients[place].ids
        guard !ids.isEmpty, member.node.takesWatchRequests(clients[place].stream) else { return "watch keep" }
        let id = ids[entropy.below(ids.count)]
        clients[place].watches[id] = nil
        clients[place].ending.append(id)
        member.node.cancelWatch(id, on: clients[place].stream)
        return words("watch cancel \(clients[place].stream.rawValue) \(id)")
    }

    // MARK: Reading

    private mutating func hear(_ member: SimulatedMember) {
        hear(of: member.takeReadyStreams())
    }

    /// These streams have a message; some are others'.
    mutating func hear(of streams: [RequestToken]) {
        for stream in streams {
            if let place = clients.firstIndex(where: { $0.stream == stream }) { clients[place].isReady = true }
        }
    }

    private mutating func read(_ place: Int, _ member: SimulatedMember) throws(SimulationFailure) -> String {
        guard let message = member.node.nextWatchMessage(clients[place].stream) else {
            clients[place].isReady = false
            return words("watch dry \(clients[place].stream.rawValue)")
        }
        guard let response = try? WatchResponse(decoding: message.body) else {
            throw SimulationFailure("a message of a watch cannot be read: \(message)")
        }
        history.compactedRevision = max(history.compactedRevision, member.node.mvcc.compactedRevision)
        eventCount += response.events.count
        try take(Told(response: response, revision: message.revision), place)
        return words("watch read \(clients[place].stream.rawValue) \(message.revision) \(response)")
    }

    private mutating func take(_ told: Told, _ place: Int) throws(SimulationFailure) {
        let id = told.response.watchID
        if told.response.created {
            guard !clients[place].asked.isEmpty else { throw SimulationFailure("a watch that nobody asked for") }
            let request = clients[place].asked.removeFirst()
            guard told.response.canceled == request.isRefused else {
                throw SimulationFailure("\(request) was answered with \(told)")
            }
            // A refusal has the number of no watch.
            if request.isRefused { return }
            clients[place].watches[id] = Watched(checker: WatchChecker(request), told: [told])
            try judge(place, id)
        } else if id == -1 {
            for id in clients[place].ids {
                clients[place].watches[id]?.told.append(told)
                try judge(place, id)
            }
        } else if let ending = clients[place].ending.firstIndex(of: id) {
            if told.response.canceled, told.response.compactRevision == 0 { clients[place].ending.remove(at: ending) }
        } else {
            guard clients[place].watches[id] != nil else { throw SimulationFailure("a response to no watch: \(told)") }
            clients[place].watches[id]?.told.append(told)
            try judge(place, id)
        }
    }

    /// Judges what a watch was told, as far as the history is known.
    private mutating func judge(_ place: Int, _ id: Int64) throws(SimulationFailure) {
        guard var watched = clients[place].watches[id] else { return }
        while let first = watched.told.first, first.greatestRevision <= history.revision {
            try watched.checker.take(first.response, revision: first.revision, history: history)
            watched.told.removeFirst()
        }
        clients[place].watches[id] = watched
    }

    /// Takes in what is known to have happened by now.
    mutating func learn(_ model: KeyValueModel) throws(SimulationFailure) {
        note(model)
        try judge()
    }

    /// As `learn`, but nothing is judged by it yet.
    mutating func note(_ model: KeyValueModel) {
        while history.revision < model.revision {
            let next = history.revision + 1
            history.append(revision: next, model.changes(at: next))
        }
    }

    /// Judges what waits to be judged, as far as the history is known now.
    mutating func judge() throws(SimulationFailure) {
        for place in clients.indices where clients[place].watches.values.contains(where: { !$0.told.isEmpty }) {
            for id in clients[place].ids { try judge(place, id) }
        }
    }

    // MARK: Crashes

    /// The member crashed, and came back with what `model` tells. Throws if someone was told of what is gone.
    mutating func crashed(_ model: KeyValueModel) throws(SimulationFailure) {
        history.compactedRevision = max(history.compactedRevision, model.compactedRevision)
        try learn(model)
        for client in clients {
            for watched in client.watches.values {
                guard let told = watched.told.first else { continue }
                throw SimulationFailure("a watch was told of \(told), but the recovered revision is \(model.revision)")
            }
        }
    }

    /// The connections of all clients end, and the member notices.
    func disconnect(_ member: SimulatedMember) {
        for client in clients { member.node.closeWatchStream(client.stream) }
    }

    /// Has all clients come back to a member that started again.
    mutating func reconnect(_ member: SimulatedMember, takeToken: () -> RequestToken) {
        let before = clients
        clients = []
        for client in before { _ = open(member, takeToken(), client.requests) }
    }

    /// Whether every client has read what there is.
    var isDry: Bool { clients.allSatisfy { !$0.isReady } }

    /// Reads all that there is now.
    mutating func drain(_ member: SimulatedMember) throws(SimulationFailure) {
        for place in clients.indices {
            while clients[place].isReady { _ = try read(place, member) }
        }
    }

    /// Says that nothing is on its way any more.
    func conclude() throws(SimulationFailure) {
        for client in clients {
            guard client.asked.isEmpty else { throw SimulationFailure("a watch was not answered: \(client.asked)") }
            for id in client.ids { try client.watches[id]?.checker.finish(history) }
        }
    }

    /// Reads all that there is to read, after the last write, and says that this was all.
    mutating func finish(_ member: SimulatedMember, _ model: KeyValueModel) throws(SimulationFailure) {
        try learn(model)
        repeat {
            member.advance(nanoseconds: 1_000_000)
            hear(member)
            try drain(member)
        } while member.stopError == nil && member.node.watches.hasWork
        try conclude()
    }
}

extension WatchCreateRequest {
    /// Whether no key can be in its range, which is refused.
    fileprivate var isRefused: Bool {
        !rangeEnd.isEmpty && rangeEnd != [0] && !key.precedes(rangeEnd)
    }
}
