internal import EtcdMessages
internal import Primitives

/// Which requests may have made which revisions, for those that ask for the same: each makes one at most, and none that was there
/// before it was called.
struct PossibleMakers {
    let request: HistoryOperation.Request
    /// When each was called, of those that may have made a revision and are not known to have made a certain one. In order.
    private var calls: [UInt64] = []
    /// The revisions that such requests made and nobody has claimed, and when. In order.
    private var made: [(revision: Int64, time: UInt64)] = []

    init(_ request: HistoryOperation.Request) {
        self.request = request
    }

    var isEmpty: Bool { calls.isEmpty && made.isEmpty }

    /// One more is called; the times given grow.
    mutating func called(at time: UInt64) {
        calls.append(time)
    }

    /// A revision was made by such a request.
    mutating func makes(_ revision: Int64, at time: UInt64) throws(Mismatch) {
        made.append((revision, time))
        try check()
    }

    /// The one called then is known to have made a revision; false if none like it did, or another is known to.
    mutating func claim(_ revision: Int64, calledAt time: UInt64) throws(Mismatch) -> Bool {
        guard let position = made.lastIndex(where: { $0.revision == revision }), made[position].time > time else {
            return false
        }
        made.remove(at: position)
        try makesNone(calledAt: time)
        return true
    }

    /// The one called then makes no revision.
    mutating func makesNone(calledAt time: UInt64) throws(Mismatch) {
        if let position = calls.lastIndex(of: time) { calls.remove(at: position) }
        try check()
    }

    /// Each revision has a request of its own that was called before (Hall's condition, of intervals without end).
    private func check() throws(Mismatch) {
        var callCount = 0
        for (number, (revision, time)) in made.enumerated() {
            while callCount < calls.count, calls[callCount] < time { callCount += 1 }
            guard callCount > number else {
                throw Mismatch("revision \(revision) was made by none of the known writes")
            }
        }
    }
}

extension HistoryOperation.Request {
    /// Equal for equal requests.
    var likeness: UInt64 {
        var hash = SearchHash()
        switch self {
        case .put(let request):
            hash.mix(request.key)
            hash.mix(request.value)
        case .deleteRange(let request):
            hash.mix(request.key)
            hash.mix(request.rangeEnd)
        case .range(let request): hash.mix(request.key)
        case .txn(let request):
            hash.mix(UInt64(request.success.count))
            for operation in request.success + request.failure {
                if case .put(let put) = operation.request { hash.mix(put.value) }
            }
            for compare in request.compare { hash.mix(compare.key) }
        case .leaseRevoke(let request): hash.mix(UInt64(bitPattern: request.id))
        case .compact(let request): hash.mix(UInt64(bitPattern: request.revision))
        }
        return hash.value
    }
}
