internal import EtcdMessages
package import MVCC
internal import Primitives

/// Messages are made when a stream can send one, of what its watchers have by then.
extension WatchHub {
    /// The next message of a stream, a `WatchResponse`; nil if there is none now. Then the stream is announced again when
    /// there is one.
    ///
    /// - Throws: `.store` if a record cannot be read.
    package func nextMessage(_ id: WatchStreamID) throws(MVCCError) -> MVCCAnswer? {
        guard let stream = streams[id] else { return nil }
        if let fragment = stream.fragments.popFirst() { return fragment }
        while let item = stream.takeFirst() {
            if let message = try message(item, on: stream) { return message }
        }
        stream.isAnnounced = false
        return nil
    }

    /// What an item makes; nil if it is void by now.
    private func message(_ item: WatchStream.Item, on stream: WatchStream) throws(MVCCError) -> MVCCAnswer? {
        var response = WatchResponse()
        var headerRevision: Int64 = 0
        switch item {
        case .created(let id, let revision):
            response.watchID = id
            response.created = true
            headerRevision = revision
        case .refused(let reason, let revision):
            response.watchID = -1
            response.created = true
            response.canceled = true
            response.cancelReason = reason
            headerRevision = revision
        case .canceled(let id, let revision):
            response.watchID = id
            response.canceled = true
            headerRevision = revision
        case .compacted(let id, let compactRevision):
            response.watchID = id
            response.canceled = true
            response.compactRevision = compactRevision
        case .progress(let revision, let promise):
            guard promise == stream.promise else {
                reached(.watchProgressVoid)
                return nil
            }
            response.watchID = -1
            headerRevision = revision
        case .notice(let watcher, let revision, let promise):
            watcher.isNoticeQueued = false
            guard watcher.state != .closed, promise == stream.promise else { return nil }
            response.watchID = watcher.id
            headerRevision = revision
        case .events(let watcher, let goal):
            return try eventsMessage(of: watcher, through: goal)
        }
        return MVCCAnswer(revision: headerRevision, body: response.encoded())
    }

    /// The next events of a watcher, as many revisions as fit.
    ///
    /// - Parameter goal: up to where it keeps its turn; nil if this is its first message in this turn. What comes later
    ///   waits behind the others, and notices of progress that are waiting find all before them sent.
    private func eventsMessage(of watcher: Watcher, through goal: Int64?) throws(MVCCError) -> MVCCAnswer? {
        guard watcher.state != .closed else { return nil }
        watcher.isQueued = false
        if let message = onlyEventMessage(of: watcher) { return message }
        let goal = goal ?? watcher.lastEventRevision
        let isHistory = !watcher.held.isEmpty
        let events = isHistory ? try takeHeld(watcher) : takeFromLog(watcher)
        guard let last = events.last else { return nil }
        if watcher.hasEvents {
            watcher.isQueued = true
            if last.revision < goal {
                reached(.watchTurnKept)
                watcher.stream.putBack(.events(watcher, through: goal))
            } else {
                watcher.stream.append(.events(watcher, through: nil))
            }
        }
        watcher.isNoticeDue = false
        sentEventCount += UInt64(events.count)
        // As etcd: the present for what was read from history.
        return encode(events, for: watcher, revision: isHistory ? mvcc.currentRevision : last.revision)
    }

    /// The message of a watcher that has just one event of the log to take: what a quick client gets of each change. Those
    /// who watch the same under the same number get the same bytes, which are made once.
    private func onlyEventMessage(of watcher: Watcher) -> MVCCAnswer? {
        guard watcher.held.isEmpty, watcher.noted.count == 1, watcher.unnoted == nil,
            watcher.noted[0] >= log.firstSequence
        else { return nil }
        let body = SharedBody.Key(
            sequence: watcher.noted[0], watchID: watcher.id, withPrevious: watcher.wantsPrevious)
        let revision = watcher.lastLogRevision
        if sharedBody?.key != body {
            let event = log[body.sequence]
            sharedBody = SharedBody(key: body, bytes: self.body([event], for: watcher, isFragment: false))
        }
        guard let bytes = sharedBody?.bytes else { return nil }
        watcher.noted.removeAll(keepingCapacity: true)
        watcher.nextRevision = revision + 1
        watcher.isNoticeDue = false
        sentEventCount += 1
        endTaking()
        return MVCCAnswer(revision: revision, body: bytes)
    }

    /// A watcher has taken all that it has of the log; when that is so of all, the log is of no use.
    func endTaking() {
        waitingCount -= 1
        if waitingCount > 0 { return }
        log.removeAll()
        sharedBody = nil
    }

    // MARK: Taking

    private func takeHeld(_ watcher: Watcher) throws(MVCCError) -> [WatchEvent] {
        let greatest = watcher.wantsFragments ? settings.fragmentByteCount : settings.messageByteCount
        var batch = Batch(byteLimit: greatest, revisionLimit: settings.messageRevisionCount)
        for place in watcher.held.indices {
            guard batch.admits(watcher.held[place].revision) else { break }
            var event = watcher.held[place]
            if watcher.wantsPrevious { event.previous = try mvcc.previousRecord(of: event.event) }
            batch.append(event, byteCount: event.byteCount(withPrevious: watcher.wantsPrevious))
        }
        release(watcher.held[..<batch.events.count], of: watcher)
        watcher.held.removeFirst(batch.events.count)
        return batch.events
    }

    /// None if some have left the log: the watcher then reads history.
    private func takeFromLog(_ watcher: Watcher) -> [WatchEvent] {
        guard let first = watcher.noted.first ?? watcher.unnoted?.lowerBound else { return [] }
        guard first >= log.firstSequence else {
            fallBehind(watcher)
            return []
        }
        var batch = Batch(byteLimit: settings.messageByteCount, revisionLimit: settings.messageRevisionCount)
        var notedCount = 0
        for sequence in watcher.noted {
            let event = log[sequence]
            guard batch.admits(event.revision) else { break }
            batch.append(event, byteCount: event.byteCount(withPrevious: watcher.wantsPrevious))
            notedCount += 1
        }
        watcher.noted.removeFirst(notedCount)
        if watcher.noted.isEmpty, let unnoted = watcher.unnoted {
            takeUnnoted(unnoted, of: watcher, into: &batch)
        }
        if let next = watcher.noted.first {
            watcher.nextRevision = log[next].revision
        } else if let last = batch.events.last {
            watcher.nextRevision = last.revision + 1
        }
        if !watcher.hasLogEvents { endTaking() }
        return batch.events
    }

    /// Looks through the log for a watcher's events beyond those that it has noted.
    private func takeUnnoted(_ range: ClosedRange<Int>, of watcher: Watcher, into batch: inout Batch) {
        reached(.watchLogSearched)
        watcher.unnoted = nil
        for sequence in range {
            let event = log[sequence]
            guard watcher.covers(event.event.key),
                watcher.wants(isDeletion: event.event.isDeletion, revision: event.revision)
            else { continue }
            guard batch.admits(event.revision) else {
                watcher.unnoted = sequence...range.upperBound
                return
            }
            batch.append(event, byteCount: event.byteCount(withPrevious: watcher.wantsPrevious))
        }
    }

    // MARK: Encoding

    /// About as long as a header is, in bytes.
    private static let headerByteCount = 28

    private func encode(_ events: [WatchEvent], for watcher: Watcher, revision: Int64) -> MVCCAnswer {
        let head = ProtoSize.field(2, varint: UInt64(bitPattern: watcher.id)) + Self.headerByteCount
        var parts: [ArraySlice<WatchEvent>] = []
        if watcher.wantsFragments, events.count > 1 {
            var first = 0
            var byteCount = head
            for (place, event) in events.enumerated() {
                let eventByteCount = event.byteCount(withPrevious: watcher.wantsPrevious)
                if place > first, byteCount + eventByteCount >= settings.fragmentByteCount {
                    parts.append(events[first..<place])
                    first = place
                    byteCount = head
                }
                byteCount += eventByteCount
            }
            parts.append(events[first...])
        }
        guard parts.count > 1 else {
            return MVCCAnswer(revision: revision, body: body(events[...], for: watcher, isFragment: false))
        }
        let messages = parts.enumerated().map { place, part in
            MVCCAnswer(revision: revision, body: body(part, for: watcher, isFragment: place + 1 < parts.count))
        }
        watcher.stream.fragments = messages[1...]
        return messages[0]
    }

    private func body(_ events: ArraySlice<WatchEvent>, for watcher: Watcher, isFragment: Bool) -> Bytes {
        let byteCount = events.reduce(16) { $0 + $1.byteCount(withPrevious: watcher.wantsPrevious) }
        var writer = ProtoWriter(byteCount: byteCount)
        if watcher.id != 0 { writer.field(2, varint: UInt64(bitPattern: watcher.id)) }
        if isFragment { writer.field(7, varint: 1) }
        for event in events { event.write(to: &writer, withPrevious: watcher.wantsPrevious) }
        return writer.bytes
    }
}

/// The body of a message that was made last, for others who are owed the same.
struct SharedBody {
    struct Key: Equatable {
        let sequence: Int
        let watchID: Int64
        let withPrevious: Bool
    }

    let key: Key
    let bytes: Bytes
}

/// The events of one message under construction.
private struct Batch {
    private let byteLimit: Int
    private let revisionLimit: Int
    private(set) var events: [WatchEvent] = []
    private var byteCount = 0
    private var revisionCount = 0

    init(byteLimit: Int, revisionLimit: Int) {
        self.byteLimit = byteLimit
        self.revisionLimit = revisionLimit
    }

    /// Whether an event of a revision may join: a revision is never split.
    func admits(_ revision: Int64) -> Bool {
        guard let last = events.last, last.revision != revision else { return true }
        return byteCount < byteLimit && revisionCount < revisionLimit
    }

    mutating func append(_ event: WatchEvent, byteCount eventByteCount: Int) {
        if events.last?.revision != event.revision { revisionCount += 1 }
        events.append(event)
        byteCount += eventByteCount
    }
}
