package import EtcdMessages
package import MVCC
package import Primitives

/// All watches of a member.
///
/// Each change that is applied is put into one log, once, and noted with those who want it (`publish`). Streams **pull**:
/// when one can send, `nextMessage` makes its next message of what its watchers have noted. So a stream that is slow
/// costs no memory but the log's, which is bounded: a watcher whose events have left the log falls back to history
/// (`WatchHub+CatchUp`), by revision, and is never skipped.
///
/// ```
///  publish ──> log ──noted by──> watcher ──queued in──> stream ──nextMessage──> transport
///                                   ^ held
///  history ──walks, in slices───────┘
/// ```
///
/// Semantics are etcd's (v3.6 `server/storage/mvcc/watchable_store.go`, `server/etcdserver/api/v3rpc/watch.go`).
/// One owner, the loop.
package final class WatchHub {
    var mvcc: MVCCStore
    let settings: WatchSettings

    var streams: [WatchStreamID: WatchStream] = [:]
    /// The same, in an order that follows from what was opened and closed alone.
    var streamList: [WatchStream] = []
    /// Streams to be told that they have a message.
    private var announced: [WatchStreamID] = []

    var log = WatchLog()
    /// The message made last of a single event.
    var sharedBody: SharedBody?
    /// Watchers that take from the log.
    var live = WatcherIndex()
    /// How many of them have something to take.
    var waitingCount = 0

    /// Watchers that catch up with history, by key and in turn.
    var late = WatcherIndex()
    var lateList = WatcherList(.catchUp)
    var lateTurn = 0
    /// Whether a walk may find something: false while all late watchers have as much as their streams may hold.
    var mayWalk = false
    var walkCount: UInt64 = 0
    /// The compacted revision that late watchers were last held against.
    var checkedCompaction: Int64 = -1
    var heldByteCount = 0
    var heldEventCount = 0

    /// No notice of progress is due before.
    var nextNotice = UInt64.max
    var watcherCount = 0
    var sentEventCount: UInt64 = 0
    /// Room for the watchers that an event concerns, kept so that it is not made anew for each.
    var matches: [Watcher] = []

    package init(mvcc: MVCCStore, settings: WatchSettings = WatchSettings()) {
        self.mvcc = mvcc
        self.settings = settings
    }

    /// For metrics.
    package var counters: WatchCounters {
        WatchCounters(
            streamCount: streamList.count, watcherCount: watcherCount, slowWatcherCount: lateList.count,
            pendingEventCount: log.count + heldEventCount, sentEventCount: sentEventCount)
    }

    // MARK: Streams

    /// - Parameter now: nanoseconds of the monotonic clock.
    package func open(_ id: WatchStreamID, now: UInt64) {
        assertAlways(streams[id] == nil, "a stream is opened once")
        let stream = WatchStream(id: id, nextNotice: .max)
        stream.place = streamList.count
        streams[id] = stream
        streamList.append(stream)
        scheduleNotice(stream, now: now)
    }

    /// Ends a stream and all its watches; an unknown one is ignored.
    package func close(_ id: WatchStreamID) {
        guard let stream = streams.removeValue(forKey: id) else { return }
        for watcher in stream.watchers.watchers { retire(watcher) }
        stream.removeAll()
        if let last = streamList.popLast(), last !== stream {
            streamList[stream.place] = last
            last.place = stream.place
        }
    }

    /// Whether the next request of a stream should be read; see `WatchSettings.waitingAnswerCount`.
    package func takesRequests(_ id: WatchStreamID) -> Bool {
        (streams[id]?.answerCount ?? 0) < settings.waitingAnswerCount
    }

    package var hasAnnounced: Bool { !announced.isEmpty }

    /// The streams that have a message and were not told yet.
    package func takeAnnounced() -> [WatchStreamID] {
        guard !announced.isEmpty else { return [] }
        defer { announced.removeAll(keepingCapacity: true) }
        return announced.filter { streams[$0] != nil }
    }

    func enqueue(_ item: WatchStream.Item, on stream: WatchStream) {
        stream.append(item)
        announce(stream)
    }

    func announce(_ stream: WatchStream) {
        guard !stream.isAnnounced else { return }
        stream.isAnnounced = true
        announced.append(stream.id)
    }

    // MARK: Watches

    /// Creates a watch. It is answered in the stream, refusals too.
    ///
    /// - Parameter denial: why the client may not read the keys, by the range as it was sent; nil if it may.
    package func create(_ request: WatchCreateRequest, on id: WatchStreamID, denial: EtcdError?) {
        guard let stream = streams[id] else { return }
        let details = WatchRequestDetails(request)
        if let reason = refusal(of: details, denial) {
            enqueue(.refused(reason: Bytes(text: reason), revision: mvcc.currentRevision), on: stream)
            return
        }
        if request.watchID != 0, stream.watcher(request.watchID) != nil {
            let reason = Bytes(text: "mvcc: duplicate watch ID provided on the WatchStream")
            enqueue(.refused(reason: reason, revision: mvcc.currentRevision), on: stream)
            return
        }
        let current = mvcc.currentRevision
        let watcher = Watcher(
            details, id: request.watchID == 0 ? stream.takeNextID() : request.watchID, stream: stream,
            nextRevision: details.startRevision == 0 ? current + 1 : details.startRevision)
        #if Simulation
        if Canary.futureWatchToldEarly.isChosen { watcher.nextRevision = min(watcher.nextRevision, current + 1) }
        #endif
        stream.insert(watcher)
        watcherCount += 1
        enqueue(.created(id: watcher.id, revision: current), on: stream)
        if watcher.nextRevision > current { live.insert(watcher) } else { beginCatchUp(watcher) }
    }

    /// What is wrong with a request, in etcd's order.
    private func refusal(of details: WatchRequestDetails, _ denial: EtcdError?) -> String? {
        guard details.startRevision >= 0 else { return EtcdError.compacted.message }
        if let denial {
            // It is the text of a Go status.
            let code = "\(denial.code)"
            return "rpc error: code = \(code.prefix(1).uppercased())\(code.dropFirst()) desc = \(denial.message)"
        }
        return details.isEmpty ? "mvcc: watcher range is empty" : nil
    }

    /// Ends a watch, which is answered; an unknown one is not.
    package func cancel(_ watchID: Int64, on id: WatchStreamID) {
        guard let stream = streams[id], let watcher = stream.watcher(watchID) else { return }
        retire(watcher)
        stream.remove(watcher)
        enqueue(.canceled(id: watchID, revision: mvcc.currentRevision), on: stream)
    }

    /// Takes a watcher out of everything but its stream's list.
    private func retire(_ watcher: Watcher) {
        watcherCount -= 1
        leave(watcher)
        if watcher.state == .compacted { watcher.stream.lateCount -= 1 }
        dropHeld(watcher)
        watcher.state = .closed
    }

    /// Takes a watcher out of the log or out of history.
    func leave(_ watcher: Watcher) {
        switch watcher.state {
        case .live:
            live.remove(watcher)
            forgetLogEvents(watcher)
        case .catchingUp:
            late.remove(watcher)
            lateList.remove(watcher)
            watcher.stream.lateCount -= 1
            mayWalk = true
        case .compacted, .closed: break
        }
    }

    /// A watcher has nothing more to take from the log; when that is so of all, the log is of no use.
    func forgetLogEvents(_ watcher: Watcher) {
        guard watcher.hasLogEvents else { return }
        watcher.forgetLogEvents()
        endTaking()
    }

    func dropHeld(_ watcher: Watcher) {
        release(watcher.held[...], of: watcher)
        watcher.held = []
    }

    func release(_ events: ArraySlice<WatchEvent>, of watcher: Watcher) {
        guard !events.isEmpty else { return }
        let byteCount = events.reduce(0) { $0 + $1.heldByteCount }
        watcher.stream.heldByteCount -= byteCount
        watcher.stream.heldEventCount -= events.count
        heldByteCount -= byteCount
        heldEventCount -= events.count
        mayWalk = true
    }

    // MARK: Changes

    /// Takes in what an entry of the log changed, in order. To be called after each, before the next.
    package func publish(_ changes: [RecordChange]) throws(MVCCError) {
        guard live.count > 0 else { return }
        for change in changes {
            let event = try KeyEvent(change)
            matches.removeAll(keepingCapacity: true)
            live.collect(event.key, into: &matches)
            if !matches.isEmpty { try publish(event) }
        }
        matches.removeAll(keepingCapacity: true)
        log.trim(byteCount: settings.logByteCount, eventCount: settings.logEventCount)
    }

    /// Notes an event with those of `matches` that want it.
    private func publish(_ event: KeyEvent) throws(MVCCError) {
        var isWanted = false
        var wantsPrevious = false
        for watcher in matches where watcher.wants(isDeletion: event.isDeletion, revision: event.revision.main) {
            isWanted = true
            wantsPrevious = wantsPrevious || watcher.wantsPrevious
        }
        guard isWanted else { return }
        let previous = wantsPrevious ? try mvcc.previousRecord(of: event) : nil
        let sequence = log.append(WatchEvent(event: event, previous: previous))
        for watcher in matches where watcher.wants(isDeletion: event.isDeletion, revision: event.revision.main) {
            if !watcher.hasLogEvents { waitingCount += 1 }
            watcher.note(sequence, revision: event.revision.main, limit: settings.notedEventCount)
            enqueueEvents(of: watcher)
        }
    }

    func enqueueEvents(of watcher: Watcher) {
        guard !watcher.isQueued else { return }
        watcher.isQueued = true
        enqueue(.events(watcher, through: nil), on: watcher.stream)
    }
}
