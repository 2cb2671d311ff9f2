internal import Primitives

/// The appends that a peer has not answered yet, oldest first: what bounds how far a leader runs ahead of a peer.
struct InflightWindow {
    private struct Append {
        var lastIndex: LogIndex
        var byteCount: Int
    }

    /// Invariant: `lastIndex` grows along it; those before `head` are answered.
    private var appends: [Append] = []
    private var head = 0
    private var byteCount = 0

    var count: Int { appends.count - head }

    func isFull(_ settings: RaftSettings) -> Bool {
        count >= settings.maxInflightMessageCount || byteCount >= settings.maxInflightByteCount
    }

    mutating func add(lastIndex: LogIndex, byteCount: Int) {
        appends.append(Append(lastIndex: lastIndex, byteCount: byteCount))
        self.byteCount += byteCount
    }

    /// The peer has all entries up to `index`.
    mutating func free(through index: LogIndex) {
        while head < appends.count, appends[head].lastIndex <= index {
            byteCount -= appends[head].byteCount
            head += 1
        }
        if 2 * head >= appends.count {
            appends.removeFirst(head)
            head = 0
        }
    }

    mutating func removeAll() {
        appends.removeAll(keepingCapacity: true)
        (head, byteCount) = (0, 0)
    }
}
