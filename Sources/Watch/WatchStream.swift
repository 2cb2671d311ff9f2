internal import MVCC
internal import Primitives

/// A client's stream of watches, and what it is to be sent, in order.
///
/// Answers, notices of progress and watchers with events wait in one queue (ordering rule 9). A watcher waits in it once,
/// however many events it has: they are put into a message when it is its turn.
final class WatchStream {
    /// What waits for its turn.
    enum Item {
        case created(id: Int64, revision: Int64)
        case refused(reason: Bytes, revision: Int64)
        case canceled(id: Int64, revision: Int64)
        /// What the watch needs is compacted.
        case compacted(id: Int64, compactRevision: Int64)
        /// All watches have all events up to a revision, unless one has fallen behind since.
        case progress(revision: Int64, promise: Int)
        /// One watch has.
        case notice(Watcher, revision: Int64, promise: Int)
        /// A watcher has events; the next message, and those after it up to a revision, are its own.
        case events(Watcher, through: Int64?)
    }

    let id: WatchStreamID
    var watchers = WatcherList(.stream)
    private var watchersByID: [Int64: Watcher] = [:]
    private var nextID: Int64 = 0
    /// Place in the hub's list of streams.
    var place = 0

    private var queue: [Item?] = []
    private var queueStart = 0
    /// Whether the first item is a watcher that keeps its turn.
    private var hasOpenTurn = false
    /// How many items are answers to requests.
    private(set) var answerCount = 0
    /// The rest of a message that was split.
    var fragments: ArraySlice<MVCCAnswer> = []
    /// Whether the shell was told that there is a message, and has not yet found that there is none.
    var isAnnounced = false

    /// How many watchers do not have, or will not get, all that happened.
    var lateCount = 0
    /// No watcher has a start revision greater than this.
    var latestStart: Int64 = 0
    /// Grows when a watcher falls behind: promises of progress from before are not kept.
    var promise = 0
    /// Events of history that wait to be taken.
    var heldEventCount = 0
    var heldByteCount = 0
    var fragmentingCount = 0

    /// When notices of progress are next due, and how often they were.
    var nextNotice: UInt64
    var noticeCount: UInt64 = 0

    init(id: WatchStreamID, nextNotice: UInt64) {
        self.id = id
        self.nextNotice = nextNotice
    }

    // MARK: Watchers

    func watcher(_ id: Int64) -> Watcher? { watchersByID[id] }

    /// An id for a watcher whose client left the choice to the server.
    func takeNextID() -> Int64 {
        while watchersByID[nextID] != nil { nextID &+= 1 }
        defer { nextID &+= 1 }
        return nextID
    }

    func insert(_ watcher: Watcher) {
        watchers.append(watcher)
        watchersByID[watcher.id] = watcher
        latestStart = max(latestStart, watcher.startRevision)
        if watcher.wantsFragments { fragmentingCount += 1 }
    }

    func remove(_ watcher: Watcher) {
        watchers.remove(watcher)
        watchersByID[watcher.id] = nil
        if watcher.wantsFragments { fragmentingCount -= 1 }
    }

    /// Breaks the ring of references between stream and watchers.
    func removeAll() {
        watchers = WatcherList(.stream)
        watchersByID = [:]
        queue = []
        queueStart = 0
        hasOpenTurn = false
    }

    /// Whether every watcher's start has come.
    func hasBegun(at revision: Int64) -> Bool {
        if latestStart > revision { latestStart = watchers.watchers.reduce(0) { max($0, $1.startRevision) } }
        return latestStart <= revision
    }

    // MARK: Queue

    var hasItems: Bool { queueStart < queue.count || !fragments.isEmpty }

    func append(_ item: Item) {
        if item.isAnswer { answerCount += 1 }
        extendTurn()
        queue.append(item)
    }

    /// What the watcher whose turn it is has by now goes before an item that is added.
    private func extendTurn() {
        guard hasOpenTurn, case .events(let watcher, let goal?) = queue[queueStart] else { return }
        queue[queueStart] = .events(watcher, through: max(goal, watcher.lastEventRevision))
    }

    /// Puts back an item that was just taken.
    func putBack(_ item: Item) {
        if item.isAnswer { answerCount += 1 }
        assertAlways(queueStart > 0, "an item was taken")
        queueStart -= 1
        queue[queueStart] = item
        if case .events(_, through: .some) = item { hasOpenTurn = true }
    }

    func takeFirst() -> Item? {
        guard queueStart < queue.count, let item = queue[queueStart].take() else { return nil }
        hasOpenTurn = false
        queueStart += 1
        if queueStart > 64, queueStart > queue.count / 2 {
            // One free place stays, for `putBack`.
            queue.removeFirst(queueStart - 1)
            queueStart = 1
        }
        if item.isAnswer { answerCount -= 1 }
        return item
    }
}

extension WatchStream.Item {
    /// Whether a client's request makes it wait here, and not only a watcher.
    var isAnswer: Bool {
        switch self {
        case .created, .refused, .canceled, .progress: true
        case .compacted, .notice, .events: false
        }
    }
}

/// What the shell knows a stream by.
package struct WatchStreamID: RawRepresentable, Hashable, Sendable {
    package var rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }
}
