import Environment
import EtcdMessages
import Primitives

/// Random requests over few keys, so that they meet.
struct RequestGenerator {
    var entropy: SeededEntropy
    /// About where the store is, to ask for revisions near it.
    var current: Int64 = 1

    static let keys: [Bytes] = ["a", "a/1", "a/2", "a\0", "b", "b/", "b/1", "b0", "c", "z", "\0", "zz"].map {
        Bytes(text: $0)
    }
    static let leases: [Int64] = [1, 77, -9, .max]

    mutating func key() -> Bytes {
        entropy.chance(3) ? [0xff, UInt8(entropy.below(3))] : entropy.pick(Self.keys)
    }

    mutating func end() -> Bytes {
        switch entropy.below(4) {
        case 0: []
        case 1: [0]
        default: key()
        }
    }

    mutating func revision() -> Int64 {
        switch entropy.below(10) {
        case 0...5: 0
        case 6: entropy.pick([-1, -2, .min, .max, current + 1, current + 2])
        default: max(0, current - Int64(entropy.below(12)))
        }
    }

    private mutating func bound() -> Int64 {
        entropy.chance(88) ? 0 : max(1, current - Int64(entropy.below(15)))
    }

    mutating func range() -> RangeRequest {
        var request = RangeRequest()
        request.key = entropy.chance(40) ? [0] : key()
        request.rangeEnd = entropy.chance(50) ? [0] : end()
        request.revision = revision()
        request.limit = entropy.chance(50) ? 0 : entropy.pick([-1, 1, 2, 3, 5, .max])
        if entropy.chance(40) {
            request.sortOrder = SortOrder(rawValue: Int32(entropy.below(3)))
            request.sortTarget = SortTarget(rawValue: Int32(entropy.below(5)))
        }
        request.keysOnly = entropy.chance(15)
        request.countOnly = entropy.chance(10)
        request.serializable = entropy.chance(30)
        request.minModRevision = bound()
        request.maxModRevision = bound()
        request.minCreateRevision = bound()
        request.maxCreateRevision = bound()
        return request
    }

    mutating func put() -> PutRequest {
        var request = PutRequest()
        request.key = key()
        request.ignoreValue = entropy.chance(12)
        request.ignoreLease = entropy.chance(12)
        if !request.ignoreValue {
            request.value = Bytes(repeating: UInt8(97 + entropy.below(5)), count: entropy.below(4))
        }
        if !request.ignoreLease, entropy.chance(30) { request.lease = entropy.pick(Self.leases + [5]) }
        request.prevKv = entropy.chance(40)
        return request
    }

    mutating func delete() -> DeleteRangeRequest {
        var request = DeleteRangeRequest()
        request.key = key()
        request.rangeEnd = entropy.chance(60) ? [] : end()
        request.prevKv = entropy.chance(40)
        return request
    }

    mutating func compare() -> Compare {
        var compare = Compare()
        compare.key = key()
        if entropy.chance(25) { compare.rangeEnd = end() }
        compare.result = CompareResult(rawValue: Int32(entropy.below(entropy.chance(5) ? 6 : 4)))
        compare.target = CompareTarget(rawValue: Int32(entropy.below(entropy.chance(5) ? 7 : 5)))
        switch entropy.chance(90) ? compare.target.rawValue : Int32(entropy.below(6)) {
        case 0: compare.targetUnion = .version(Int64(entropy.below(4)))
        case 1: compare.targetUnion = .createRevision(entropy.chance(50) ? 0 : revision())
        case 2: compare.targetUnion = .modRevision(entropy.chance(50) ? 0 : revision())
        case 3: compare.targetUnion = .value(Bytes(repeating: UInt8(97 + entropy.below(5)), count: entropy.below(4)))
        case 4: compare.targetUnion = .lease(entropy.chance(50) ? 0 : entropy.pick(Self.leases))
        default: break
        }
        return compare
    }

    /// - Parameter depth: how many transactions may be nested in it.
    mutating func txn(depth: Int = 2) -> TxnRequest {
        var request = TxnRequest()
        request.compare = (0..<entropy.pick([0, 0, 1, 1, 2])).map { _ in compare() }
        request.success = (0..<entropy.below(5)).map { _ in operation(depth: depth) }
        request.failure = (0..<entropy.below(4)).map { _ in operation(depth: depth) }
        return request
    }

    private mutating func operation(depth: Int) -> RequestOp {
        var operation = RequestOp()
        switch entropy.below(depth > 0 ? 11 : 9) {
        case 0...3: operation.request = .put(put())
        case 4...5: operation.request = .deleteRange(delete())
        case 6...8:
            operation.request = .range(range())
        default: operation.request = .txn(txn(depth: depth - 1))
        }
        return operation
    }
}
