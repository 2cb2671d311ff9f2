internal import Environment
internal import EtcdMessages
internal import GRPCCore
internal import Platform
internal import Primitives
internal import Synchronization

/// What the writer and the watching connections of a run tell each other.
final class WatchMeeting: Sendable {
    /// Watchers whose creation the server has confirmed.
    let created = Atomic<Int>(0)
    /// Set when the writer is done.
    let isWriterDone = Atomic<Bool>(false)
    /// Puts that were acknowledged.
    let puts = Atomic<Int>(0)
    /// Events that have come, on all connections.
    let events = Atomic<Int>(0)
    /// Connections that can watch no more.
    let failures = Atomic<Int>(0)
    /// When all watchers were there, in nanoseconds since the run began.
    let readyNanoseconds = Atomic<UInt64>(0)
}

/// The watchers of one connection. The value of each put begins with the time at which it was sent, from which an event's
/// latency is known.
struct WatchLoad {
    let channel: GRPCClientChannel
    /// Keys to watch, by stream.
    let streams: [[Bytes]]
    let wantsPrevious: Bool
    let expectedEvents: @Sendable () -> Int?
    let meeting: WatchMeeting
    let began: UInt64
    let progress: LoadProgress
    private let clock = RealClock()
    private var tally = LoadTally()

    /// How long in nanoseconds events may stay away before the rest counts as lost.
    private static let patience: UInt64 = 10_000_000_000

    init(
        channel: GRPCClientChannel, streams: [[Bytes]], wantsPrevious: Bool, meeting: WatchMeeting, began: UInt64,
        progress: LoadProgress, expectedEvents: @escaping @Sendable () -> Int?
    ) {
        self.channel = channel
        self.streams = streams
        self.wantsPrevious = wantsPrevious
        self.meeting = meeting
        self.began = began
        self.progress = progress
        self.expectedEvents = expectedEvents
    }

    mutating func run() -> LoadTally {
        for keys in streams { open(keys) }
        var lastEvent = elapsed()
        while true {
            if let expected = expectedEvents() {
                if meeting.events.load(ordering: .relaxed) >= expected { return tally }
                if elapsed() - lastEvent > Self.patience {
                    tally.record(kind: "event", nanoseconds: 0, atNanoseconds: elapsed(), error: "events are missing")
                    return tally
                }
            }
            var messages: [Bytes] = []
            var failure: GRPCStatus?
            channel.poll(timeoutNanoseconds: 20_000_000) { _, event in
                switch event {
                case .message(let message): messages.append(message)
                case .ended(let status): failure = status
                case .sent: break
                }
            }
            let now = elapsed()
            for message in messages where take(message, now) { lastEvent = now }
            if let failure {
                tally.record(kind: "event", nanoseconds: 0, atNanoseconds: now, error: "\(failure.error)")
                meeting.failures.add(1, ordering: .relaxed)
                return tally
            }
        }
    }

    private func elapsed() -> UInt64 { clock.monotonicNanoseconds() - began }

    private func open(_ keys: [Bytes]) {
        let stream = channel.openStream(EtcdPath.watch)
        for key in keys {
            var create = WatchCreateRequest()
            create.key = key
            create.prevKv = wantsPrevious
            var request = WatchRequest()
            request.requestUnion = .create(create)
            channel.send(stream, message: request.encoded())
        }
    }

    /// Answers whether the message had events.
    private mutating func take(_ message: Bytes, _ now: UInt64) -> Bool {
        guard let response = try? WatchResponse(decoding: message) else { return false }
        if response.created { meeting.created.add(1, ordering: .relaxed) }
        for event in response.events {
            let sent = (event.kv?.value ?? []).prefix(8).reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
            tally.record(kind: "event", nanoseconds: now - min(now, sent), atNanoseconds: now)
        }
        meeting.events.add(response.events.count, ordering: .relaxed)
        progress.add(response.events.count)
        return !response.events.isEmpty
    }
}

/// The puts that watchers are to hear of.
struct WatchedPuts: LoadScript {
    let keys: [Bytes]
    let valueByteCount: Int
    let began: UInt64
    let meeting: WatchMeeting
    private var number = 0

    init(keys: [Bytes], valueByteCount: Int, began: UInt64, meeting: WatchMeeting) {
        self.keys = keys
        self.valueByteCount = valueByteCount
        self.began = began
        self.meeting = meeting
    }

    mutating func next(client: Int) -> LoadCall {
        var request = PutRequest()
        request.key = keys[number % keys.count]
        number += 1
        let now = RealClock().monotonicNanoseconds() - began
        request.value = (0..<8).map { UInt8(truncatingIfNeeded: now >> UInt64(56 - 8 * $0)) }
        request.value += Bytes(repeating: UInt8(ascii: "v"), count: max(0, valueByteCount - 8))
        return LoadCall(kind: "put", path: EtcdPath.put, message: request)
    }

    mutating func answered(client: Int, message: Bytes) {
        meeting.puts.add(1, ordering: .relaxed)
    }
}

extension LoadRun {
    /// Watches from all connections but the first, which writes as the plan says once all watchers are there. The outcome
    /// counts events, from then on.
    ///
    /// - Parameter whenReady: called once all watchers are there, to measure from then on.
    package func runWatch(
        _ watches: WatchPlan, keys: KeySpace, whenReady: @escaping @Sendable () -> Void
    ) -> Outcome {
        let meeting = WatchMeeting()
        let allKeys = watches.sharesKey ? [keys.key(0)] : (0..<watches.watcherCount).map(keys.key)
        var threads = self
        threads.plan.connectionCount = plan.connectionCount + 1
        let watching = plan.connectionCount
        let outcome = threads.run { connection, channel, _, began in
            guard connection > 0 else {
                return write(allKeys, keys, watches, meeting, channel, began, whenReady: whenReady)
            }
            let streams = Self.deal(allKeys, watches, connection: connection - 1, of: watching)
            var load = WatchLoad(
                channel: channel, streams: streams, wantsPrevious: watches.wantsPrevious, meeting: meeting,
                began: began, progress: progress
            ) {
                guard meeting.isWriterDone.load(ordering: .acquiring) else { return nil }
                return Int(watches.eventCount(puts: UInt64(meeting.puts.load(ordering: .relaxed))))
            }
            return load.run()
        }
        return Outcome(
            tally: outcome.tally,
            nanoseconds: outcome.nanoseconds - meeting.readyNanoseconds.load(ordering: .relaxed))
    }

    /// Answers the errors of the puts; how long they took is not what is measured.
    private func write(
        _ allKeys: [Bytes], _ keys: KeySpace, _ watches: WatchPlan, _ meeting: WatchMeeting,
        _ channel: GRPCClientChannel, _ began: UInt64, whenReady: () -> Void
    ) -> LoadTally {
        defer { meeting.isWriterDone.store(true, ordering: .releasing) }
        while meeting.created.load(ordering: .relaxed) < watches.watcherCount {
            if meeting.failures.load(ordering: .relaxed) > 0 { return LoadTally() }
            channel.poll(timeoutNanoseconds: 5_000_000) { _, _ in }
        }
        whenReady()
        var share = plan
        share.connectionCount = 1
        let readyAt = RealClock().monotonicNanoseconds()
        meeting.readyNanoseconds.store(readyAt - began, ordering: .relaxed)
        let script = WatchedPuts(
            keys: allKeys, valueByteCount: keys.valueByteCount, began: began, meeting: meeting)
        var load = ConnectionLoad(
            channel: channel, plan: share, script: script, began: readyAt, progress: LoadProgress())
        return load.run().errorsOnly
    }

    /// The keys that each stream of a connection watches: streams are dealt out over connections, watchers over streams.
    private static func deal(
        _ keys: [Bytes], _ watches: WatchPlan, connection: Int, of connectionCount: Int
    ) -> [[Bytes]] {
        stride(from: connection, to: watches.streamCount, by: connectionCount).map { stream in
            stride(from: stream, to: watches.watcherCount, by: watches.streamCount).map { keys[$0 % keys.count] }
        }
    }
}
