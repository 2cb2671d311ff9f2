internal import EtcdMessages

/// Entries in a row, to be added and taken away cheaply at both ends.
///
/// ```
///   0         head                          places.count
///   |  blank   |  entries                        |
/// ```
/// Taking entries away at the front leaves their places blank, and gives those up once they are half of all: so each
/// entry is moved once on average, however often a few are taken away.
struct EntryBuffer {
    /// Invariant: those before `head` are blank.
    private var places: [RaftEntry]
    /// Invariant: `2 * head < places.count`, or both are 0.
    private var head = 0
    /// The encoded lengths of the entries, in bytes.
    private(set) var byteCount: Int

    init(_ entries: [RaftEntry]) {
        places = entries
        byteCount = entries.reduce(0) { $0 + $1.encodedByteCount }
    }

    var count: Int { places.count - head }

    /// The term of an entry, without a copy of it.
    func term(at offset: Int) -> UInt64 { places[head + offset].term }

    func type(at offset: Int) -> RaftEntryType { places[head + offset].type }

    func slice(_ range: Range<Int>) -> ArraySlice<RaftEntry> {
        places[(head + range.lowerBound)..<(head + range.upperBound)]
    }

    mutating func append(_ entry: RaftEntry) {
        byteCount += entry.encodedByteCount
        places.append(entry)
    }

    mutating func append(contentsOf entries: ArraySlice<RaftEntry>) {
        byteCount += entries.reduce(0) { $0 + $1.encodedByteCount }
        places.append(contentsOf: entries)
    }

    mutating func removeLast(_ number: Int) {
        byteCount -= places.suffix(number).reduce(0) { $0 + $1.encodedByteCount }
        places.removeLast(number)
        giveUpBlanks()
    }

    mutating func removeFirst(_ number: Int) {
        if number == count {
            places.removeAll(keepingCapacity: true)
            (head, byteCount) = (0, 0)
            return
        }
        for place in head..<(head + number) {
            byteCount -= places[place].encodedByteCount
            places[place] = RaftEntry()
        }
        head += number
        giveUpBlanks()
    }

    private mutating func giveUpBlanks() {
        guard 2 * head >= places.count else { return }
        places.removeFirst(head)
        head = 0
    }
}
