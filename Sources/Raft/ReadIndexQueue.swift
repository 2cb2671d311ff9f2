internal import EtcdMessages
internal import Primitives

/// Reads that wait at a leader until a quorum confirms that it still led when they came (thesis, section 6.4).
///
/// All that wait go together in one round of heartbeats, told by its number. An answer to a later round serves an earlier
/// one too, so a round that is lost is made good by the next heartbeat.
struct ReadIndexQueue {
    enum Asker {
        case local(context: UInt64)
        /// A peer, and what it gave to recognise the answer.
        case peer(MemberID, [RaftEntry])
    }

    struct Read {
        let asker: Asker
        /// What was committed when its round began.
        var index = LogIndex.zero
        var round: UInt64 = 0
    }

    /// Those not yet in a round.
    private var arrived: [Read] = []
    /// Invariant: `round` never falls along it.
    private var asked: [Read] = []
    /// The last round begun. Invariant: never falls, in no term, so that no late answer can be taken for another.
    private(set) var round: UInt64 = 0
    private(set) var peerReadCount = 0

    var hasArrived: Bool { !arrived.isEmpty }
    var hasAsked: Bool { !asked.isEmpty }

    mutating func add(_ asker: Asker) {
        if case .peer = asker { peerReadCount += 1 }
        arrived.append(Read(asker: asker))
    }

    /// Puts all that have arrived into a new round.
    mutating func startRound(at index: LogIndex) {
        round += 1
        for var read in arrived {
            (read.index, read.round) = (index, round)
            asked.append(read)
        }
        arrived.removeAll(keepingCapacity: true)
    }

    /// Numbers a round of heartbeats that is for no read.
    mutating func skipRound() { round += 1 }

    /// Those of rounds up to `round`, which are confirmed.
    mutating func takeConfirmed(through round: UInt64) -> [Read] {
        let count = asked.prefix { $0.round <= round }.count
        let confirmed = Array(asked[..<count])
        asked.removeFirst(count)
        peerReadCount -= confirmed.count { if case .peer = $0.asker { true } else { false } }
        return confirmed
    }

    /// Forgets all: whoever asked asks the next leader.
    mutating func removeAll() {
        arrived.removeAll()
        asked.removeAll()
        peerReadCount = 0
    }
}
