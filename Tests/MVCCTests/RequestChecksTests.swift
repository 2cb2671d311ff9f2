import Environment
import EtcdMessages
import Primitives
import Testing

@testable import MVCC

/// Short ways to write operations.
extension RequestOp {
    static func put(_ key: String, _ change: (inout PutRequest) -> Void = { _ in }) -> RequestOp {
        var request = PutRequest()
        request.key = Bytes(text: key)
        change(&request)
        var operation = RequestOp()
        operation.request = .put(request)
        return operation
    }

    static func delete(_ key: String, to end: String = "") -> RequestOp {
        var request = DeleteRangeRequest()
        request.key = Bytes(text: key)
        request.rangeEnd = Bytes(text: end)
        var operation = RequestOp()
        operation.request = .deleteRange(request)
        return operation
    }

    static func range(_ key: String, to end: String = "", _ change: (inout RangeRequest) -> Void = { _ in })
        -> RequestOp
    {
        var request = RangeRequest()
        request.key = Bytes(text: key)
        request.rangeEnd = Bytes(text: end)
        change(&request)
        var operation = RequestOp()
        operation.request = .range(request)
        return operation
    }

    static func txn(_ compare: [Compare] = [], _ success: [RequestOp], else failure: [RequestOp] = []) -> RequestOp {
        var operation = RequestOp()
        operation.request = .txn(TxnRequest(compare, success, else: failure))
        return operation
    }
}

extension TxnRequest {
    init(_ compare: [Compare] = [], _ success: [RequestOp], else failure: [RequestOp] = []) {
        self.init()
        self.compare = compare
        self.success = success
        self.failure = failure
    }
}

@Suite struct RequestChecksTests {
    func refusal(_ body: () throws -> Void) -> EtcdError? {
        do {
            try body()
            return nil
        } catch {
            return error as? EtcdError
        }
    }

    func refusal(_ success: [RequestOp], max: Int = 128) -> EtcdError? {
        refusal { try RequestChecks.check(TxnRequest([], success), maxTxnOperations: max) }
    }

    @Test func ranges() {
        var request = RangeRequest()
        request.sortOrder = SortOrder(rawValue: 9)
        #expect(refusal { try RequestChecks.check(request) } == .emptyKey)
        request.key = [1]
        #expect(refusal { try RequestChecks.check(request) } == .invalidSortOption)
        for (order, target, isValid) in [
            (0, 0, true), (2, 4, true), (3, 0, false), (0, 5, false), (-1, 0, false), (0, -1, false),
        ] {
            request.sortOrder = SortOrder(rawValue: Int32(order))
            request.sortTarget = SortTarget(rawValue: Int32(target))
            #expect(refusal { try RequestChecks.check(request) } == (isValid ? nil : .invalidSortOption))
        }
    }

    @Test func puts() {
        var request = PutRequest()
        request.value = [1]
        request.ignoreValue = true
        request.lease = 1
        request.ignoreLease = true
        #expect(refusal { try RequestChecks.check(request) } == .emptyKey)
        request.key = [1]
        #expect(refusal { try RequestChecks.check(request) } == .valueProvided)
        request.value = []
        #expect(refusal { try RequestChecks.check(request) } == .leaseProvided)
        request.lease = 0
        #expect(refusal { try RequestChecks.check(request) } == nil)
        #expect(refusal { try RequestChecks.check(DeleteRangeRequest()) } == .emptyKey)
    }

    @Test func operationsAreCountedPerLevel() {
        #expect(refusal([.put("a"), .put("b")], max: 2) == nil)
        #expect(refusal([.put("a"), .put("b")], max: 1) == .tooManyOps)
        #expect(refusal([.put("a"), .txn([], [.put("b")])], max: 3) == nil)
        #expect(refusal([.put("a"), .txn([], [.put("b"), .put("c")])], max: 3) == .tooManyOps)
        #expect(refusal([.txn([Compare(), Compare()], [])], max: 2) == .tooManyOps)
        #expect(refusal([.txn([], [])], max: 1) == nil)
        var request = TxnRequest()
        request.failure = [.put("a"), .put("b")]
        #expect(refusal { try RequestChecks.check(request, maxTxnOperations: 1) } == .tooManyOps)
    }

    @Test func everyOperationIsChecked() {
        #expect(refusal([RequestOp()]) == .keyNotFound)
        #expect(refusal([.put("")]) == .emptyKey)
        #expect(refusal([.range("a") { $0.sortOrder = SortOrder(rawValue: 3) }]) == .invalidSortOption)
        #expect(refusal([.delete("")]) == .emptyKey)
        #expect(refusal([.txn([], [.put("")])]) == .emptyKey)
        #expect(refusal([.txn([Compare()], [])]) == .emptyKey)
        #expect(
            refusal { try RequestChecks.check(TxnRequest([], [], else: [RequestOp()]), maxTxnOperations: 9) }
                == .keyNotFound)
    }

    @Test func noKeyIsWrittenTwice() {
        let duplicates: [[RequestOp]] = [
            [.put("a"), .put("a")],
            [.put("a"), .delete("a")],
            [.delete("a"), .put("a")],
            [.put("b"), .delete("a", to: "c")],
            [.put("a"), .txn([], [.put("a")])],
            [.txn([], [.put("a")]), .txn([], [], else: [.put("a")])],
            [.delete("a"), .txn([], [.put("a")])],
            [.txn([], [.put("a")]), .delete("a")],
            [.txn([], [.delete("a")]), .put("a")],
            // The deletes of one nested transaction meet the puts of the next.
            [.txn([], [.delete("a")]), .txn([], [.put("a")])],
            [.txn([], [.put("a"), .put("a")])],
        ]
        for operations in duplicates {
            #expect(refusal(operations) == .duplicateKey, "\(operations)")
            #expect(
                refusal { try RequestChecks.check(TxnRequest([], [], else: operations), maxTxnOperations: 9) }
                    == .duplicateKey)
        }
        let fine: [[RequestOp]] = [
            [.put("a"), .put("b")],
            [.put("a\0"), .delete("a")],
            [.put("c"), .delete("a", to: "c")],
            [.delete("a"), .delete("a", to: "z")],
            [.put("a"), .delete("a", to: "\0")],
            [.delete("a", to: "\0"), .put("b")],
            [.put("b"), .delete("c", to: "a")],
            [.txn([], [.put("a")], else: [.put("a")])],
            // But not of the one before.
            [.txn([], [.put("a")]), .txn([], [.delete("a")])],
            [.txn([], [.put("a")], else: [.delete("a")])],
        ]
        for operations in fine { #expect(refusal(operations) == nil, "\(operations)") }
        #expect(
            refusal { try RequestChecks.check(TxnRequest([], [.put("a")], else: [.put("a")]), maxTxnOperations: 9) }
                == nil)
    }

    @Test func readOnlyAndSerializable() {
        let local = RequestOp.range("a") { $0.serializable = true }
        let cases: [(TxnRequest, isReadOnly: Bool, isSerializable: Bool)] = [
            (TxnRequest(), true, true),
            (TxnRequest([], [local], else: [local]), true, true),
            (TxnRequest([], [local], else: [.range("a")]), true, false),
            (TxnRequest([], [.range("a")]), true, false),
            (TxnRequest([], [local, .put("a")]), false, false),
            (TxnRequest([], [], else: [.delete("a")]), false, false),
            (TxnRequest([], [.txn([], [local])]), false, false),
            (TxnRequest([], [RequestOp()]), false, false),
        ]
        for (request, isReadOnly, isSerializable) in cases {
            #expect(RequestChecks.isReadOnly(request) == isReadOnly)
            #expect(RequestChecks.isSerializable(request) == isSerializable)
        }
    }

    @Test func unionsOfIntervals() {
        var entropy = SeededEntropy(seed: 3)
        for _ in 0..<500 {
            let intervals = (0..<entropy.below(8)).map { _ in
                KeyIntervals.Interval(lower: [UInt8(entropy.below(16))], upper: [UInt8(entropy.below(16))])
            }
            let cut = entropy.below(intervals.count + 1)
            var union = KeyIntervals(Array(intervals[..<cut]))
            union.formUnion(KeyIntervals(Array(intervals[cut...])))
            let keys: [Bytes] = (0..<16).map { [$0] } + (0..<16).map { [$0, 0] }
            for key in keys {
                let isInside = intervals.contains { !key.precedes($0.lower) && key.precedes($0.upper) }
                #expect(union.contains(key) == isInside)
            }
        }
    }
}
