internal import Primitives

/// What was done to a file since it was last synced, in order.
struct UnsyncedChanges: Sendable {
    enum Change: Sendable {
        /// Bytes written at an offset; they stand at `range` of the log.
        case write(offset: Int, range: Range<Int>)
        /// The length set, by `truncate` or `allocate`.
        case byteCount(Int)
    }

    private(set) var changes: [Change] = []
    /// The bytes of all writes, one after another: one growing array instead of one for each write.
    private var log: Bytes = []

    /// A log that has grown beyond this is not kept for the next round.
    private static let keptCapacityByteCount = 1 << 20

    var isEmpty: Bool { changes.isEmpty }

    mutating func append(_ bytes: RawSpan, at offset: Int) {
        let start = log.count
        unsafe bytes.withUnsafeBytes { unsafe log.append(contentsOf: $0) }
        changes.append(.write(offset: offset, range: start..<log.count))
    }

    mutating func append(byteCount: Int) {
        changes.append(.byteCount(byteCount))
    }

    func withBytes(_ range: Range<Int>, _ body: (RawSpan) -> Void) {
        body(unsafe log.span.bytes.extracting(range))
    }

    mutating func removeAll() {
        changes.removeAll(keepingCapacity: changes.count < 1024)
        log.removeAll(keepingCapacity: log.count <= UnsyncedChanges.keptCapacityByteCount)
    }
}
