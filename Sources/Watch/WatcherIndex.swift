internal import Primitives

/// From a key to the watchers that cover it: those of the key alone by hashing, those of ranges by a tree.
///
/// To find them costs what there is to find: 10,000 watchers of other keys are not looked at.
struct WatcherIndex {
    private var singles: [Bytes: WatcherList] = [:]
    private var ranges = WatcherRangeTree()
    private(set) var count = 0

    mutating func insert(_ watcher: Watcher) {
        count += 1
        if watcher.isSingleKey {
            singles[watcher.lower, default: WatcherList(.index)].append(watcher)
        } else {
            ranges.insert(watcher)
        }
    }

    mutating func remove(_ watcher: Watcher) {
        count -= 1
        guard watcher.isSingleKey else {
            ranges.remove(watcher)
            return
        }
        singles[watcher.lower]?.remove(watcher)
        if singles[watcher.lower]?.isEmpty == true { singles[watcher.lower] = nil }
    }

    /// Adds those that cover a key to `found`.
    func collect(_ key: Bytes, into found: inout [Watcher]) {
        if let list = singles[key] { found += list.watchers }
        ranges.collect(key, into: &found)
    }
}
