internal import Primitives

/// Sorted keys one behind the other in one run of bytes: no heap object per key, and a search that stays in the cache.
///
/// ```
/// bytes:  a p p l e f i g p e a r
/// ends:             5     8       12
/// ```
struct PackedKeys: Sendable {
    private(set) var bytes: Bytes = []
    private var ends: [UInt32] = []

    var count: Int { ends.count }
    var byteCount: Int { bytes.count }

    @inline(__always)
    private func start(of index: Int) -> Int { index == 0 ? 0 : Int(ends[index - 1]) }

    /// A copy of the key at `index`.
    subscript(index: Int) -> Bytes {
        Bytes(bytes[start(of: index)..<Int(ends[index])])
    }

    /// Three-way comparison of the key at `index` with `key`.
    func compare(_ index: Int, with key: Bytes) -> Int {
        unsafe bytes.withUnsafeBytes { all in
            unsafe key.withUnsafeBytes { other in
                unsafe compareBytes(UnsafeRawBufferPointer(rebasing: all[start(of: index)..<Int(ends[index])]), other)
            }
        }
    }

    /// Where the first key is that does not sort before `key`, and whether it is that key.
    func search(_ key: Bytes) -> (index: Int, isFound: Bool) {
        unsafe bytes.withUnsafeBytes { all in
            unsafe key.withUnsafeBytes { wanted in
                var low = 0
                var high = ends.count
                while low < high {
                    let middle = (low + high) / 2
                    let here = unsafe UnsafeRawBufferPointer(rebasing: all[start(of: middle)..<Int(ends[middle])])
                    let order = unsafe compareBytes(here, wanted)
                    if order == 0 { return (middle, true) }
                    if order < 0 { low = middle + 1 } else { high = middle }
                }
                return (low, false)
            }
        }
    }

    /// Number of keys that sort before `key` or equal it.
    func countUpTo(_ key: Bytes) -> Int {
        let (index, isFound) = search(key)
        return isFound ? index + 1 : index
    }

    /// Prepares for so many keys.
    mutating func reserve(_ count: Int) {
        ends.reserveCapacity(count)
    }

    mutating func insert(_ key: Bytes, at index: Int) {
        let position = start(of: index)
        bytes.insert(contentsOf: key, at: position)
        ends.insert(UInt32(position + key.count), at: index)
        for later in (index + 1)..<ends.count { ends[later] += UInt32(key.count) }
    }

    mutating func remove(at index: Int) {
        let position = start(of: index)
        let length = Int(ends[index]) - position
        bytes.removeSubrange(position..<position + length)
        ends.remove(at: index)
        for later in index..<ends.count { ends[later] -= UInt32(length) }
    }

    mutating func append(contentsOf other: PackedKeys) {
        let base = UInt32(bytes.count)
        bytes.append(contentsOf: other.bytes)
        ends.append(contentsOf: other.ends.lazy.map { $0 + base })
    }

    /// Cuts off the keys from `index` on, and answers them.
    mutating func split(at index: Int) -> PackedKeys {
        let position = start(of: index)
        var tail = PackedKeys()
        tail.bytes = Bytes(bytes[position...])
        tail.ends = ends[index...].map { $0 - UInt32(position) }
        bytes.removeSubrange(position...)
        ends.removeSubrange(index...)
        return tail
    }
}
