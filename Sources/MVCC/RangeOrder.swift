internal import EtcdMessages
internal import Primitives

/// The order asked of a range when that of its keys will not do.
struct RangeOrder: Sendable {
    var target: SortTarget
    var isDescending: Bool

    /// nil if the keys' own order is asked for. Numbers that etcd does not know, which only a log can hold, count as
    /// none.
    init?(_ request: RangeRequest) {
        target = request.sortTarget
        isDescending = request.sortOrder == .descend
        let isKnown = (0...4).contains(target.rawValue) && (0...2).contains(request.sortOrder.rawValue)
        // Order NONE with another target than the key counts as ascending.
        guard isKnown, target != .key || isDescending else { return nil }
    }

    /// Whether `left` comes before `right`. Equal ones stay in the order of their keys.
    func precedes(_ left: RangeCandidate, _ right: RangeCandidate) -> Bool {
        var order = 0
        if target == .value {
            order = RangeCandidate.compareValues(left, right)
        } else if left.number != right.number {
            order = left.number < right.number ? -1 : 1
        }
        if order == 0 { return left.ordinal < right.ordinal }
        return isDescending ? order > 0 : order < 0
    }
}

/// A key that a sorted range gathered.
struct RangeCandidate: Sendable {
    var revision: Revision
    /// Its place in the order of keys.
    var ordinal: Int
    /// What to sort by, unless that is the value.
    var number: Int64
    /// The record, if it is sorted by its value, and where in it the value is.
    var record: Bytes = []
    var value = 0..<0

    static func compareValues(_ left: RangeCandidate, _ right: RangeCandidate) -> Int {
        unsafe left.record.withUnsafeBytes { one in
            unsafe right.record.withUnsafeBytes { other in
                unsafe compareBytes(
                    UnsafeRawBufferPointer(rebasing: one[left.value]),
                    UnsafeRawBufferPointer(rebasing: other[right.value]))
            }
        }
    }
}
