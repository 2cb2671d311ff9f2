internal import EtcdMessages
internal import Node
internal import Primitives

/// Ranges that clients take in pieces, with time for others to write and compact between two of them. A client that gives up closes
/// its stream in the middle.
extension ClusterSimulation {
    /// When a client takes the next piece of what it reads.
    struct Pull {
        var time: UInt64
        var token: RequestToken
        var host: Int
    }

    private static let pullNanoseconds: UInt64 = 3_000_000

    /// Asks for a range in pieces, now and then, if it is one that can be had so.
    ///
    /// - Returns: whether it is.
    func openStream(_ range: RangeRequest, _ token: RequestToken, on member: SimulatedMember) -> Bool {
        let isPlain = range.sortTarget == .key && range.sortOrder == .none && !range.countOnly
        let isFiltered =
            max(range.minModRevision, range.maxModRevision, range.minCreateRevision, range.maxCreateRevision) > 0
        guard settings.member.mix.transaction > 0, isPlain, !isFiltered, token.rawValue % 4 == 0 else { return false }
        streams[token] = []
        member.act { $0.openRangeStream(range, token) }
        return true
    }

    /// Streams of this member have something.
    func noteReady(_ tokens: [RequestToken], at place: Int) {
        for token in tokens where streams[token] != nil {
            pulls.append(Pull(time: now + Self.pullNanoseconds, token: token, host: place))
        }
    }

    /// Lets clients take the pieces that are due.
    func takePieces() throws(SimulationFailure) {
        while let pull = pulls.first, pull.time <= now {
            pulls.removeFirst()
            guard var body = streams[pull.token], let member = hosts[pull.host].member,
                !hosts[pull.host].isPaused(at: now)
            else { continue }
            hosts[pull.host].wake(now: now)
            var piece: RangeChunk?
            member.act { piece = $0.nextRangeChunk(pull.token) }
            if let piece {
                body += piece.body
                streams[pull.token] = piece.isLast ? nil : body
                trace.add(
                    "piece", [now, pull.token.rawValue, UInt64(body.count)], "\(pull.token.rawValue) \(body.count)")
                if piece.isLast {
                    try answer(
                        pull.token, .success(Reply(revision: piece.revision, body: body)), hosts[pull.host])
                }
            }
            try drain(pull.host)
        }
    }

    /// Its client has gone.
    func closeStream(of asked: ClusterHistory.Pending) {
        guard streams.removeValue(forKey: asked.token) != nil else { return }
        hosts[asked.host].member?.act { $0.closeRangeStream(asked.token) }
    }
}
