import EtcdMessages
import Primitives
import Testing

@testable import MVCC

extension Compare {
    init(_ key: String, to end: String = "", _ result: CompareResult, _ target: CompareTarget, _ given: TargetUnion?) {
        self.init()
        self.key = Bytes(text: key)
        self.rangeEnd = Bytes(text: end)
        self.result = result
        self.target = target
        targetUnion = given
    }

    /// That a key is absent.
    static func absent(_ key: String) -> Compare { Compare(key, .equal, .mod, .modRevision(0)) }
}

@Suite struct TxnTests {
    @Test func compares() throws {
        let bench = try Bench()
        bench.leases.keys = [9: []]
        try bench.put("a", "v", lease: 9)
        try bench.put("a", "w") { $0.ignoreLease = true }
        try bench.put("b", "x")
        let cases: [(Compare, Bool)] = [
            (Compare("a", .equal, .version, .version(2)), true),
            (Compare("a", .greater, .version, .version(1)), true),
            (Compare("a", .less, .version, .version(2)), false),
            (Compare("a", .notEqual, .create, .createRevision(2)), false),
            (Compare("a", .equal, .mod, .modRevision(3)), true),
            (Compare("a", .equal, .lease, .lease(9)), true),
            (Compare("b", .equal, .lease, .lease(0)), true),
            (Compare("a", .less, .value, .value(Bytes(text: "x"))), true),
            (Compare("a", .greater, .value, .value(Bytes(text: "w"))), false),
            // No union or that of another target compares with nothing.
            (Compare("a", .greater, .value, nil), true),
            (Compare("a", .equal, .version, .modRevision(2)), false),
            (Compare("a", .greater, .version, .modRevision(2)), true),
            // Every key of a range.
            (Compare("a", to: "z", .greater, .mod, .modRevision(2)), true),
            (Compare("a", to: "z", .greater, .mod, .modRevision(3)), false),
            (Compare("\0", to: "\0", .equal, .version, .version(2)), false),
            // An absent key has zeros, but no value.
            (.absent("x"), true),
            (Compare("x", .equal, .lease, .lease(0)), true),
            (Compare("x", .notEqual, .value, .value([1])), false),
            (Compare("x", .less, .value, .value([1])), false),
            (Compare("c", to: "d", .less, .create, .createRevision(1)), true),
            // What etcd does not know.
            (Compare("a", CompareResult(rawValue: 9), .version, nil), true),
            (Compare("a", .equal, CompareTarget(rawValue: 9), nil), true),
            (Compare("a", .less, CompareTarget(rawValue: -1), nil), false),
            (Compare("x", .equal, CompareTarget(rawValue: 9), .version(5)), true),
        ]
        for (compare, expected) in cases {
            #expect(try bench.txn(TxnRequest([compare], [])).succeeded == expected, "\(compare)")
        }
        #expect(try bench.txn(TxnRequest([.absent("x"), .absent("a")], [])).succeeded == false)
    }

    @Test func headersAndRevisions() throws {
        let bench = try Bench()
        try bench.put("a")
        let answer = try bench.txn(
            TxnRequest([], [.range("a"), .delete("x"), .put("b"), .delete("x"), .range("b"), .txn([], [.put("c")])]))
        #expect(answer.header?.revision == 3)
        #expect(bench.mvcc.lastChanges.map(\.revision.sub) == [0, 1])
        var revisions: [Int64?] = []
        for operation in answer.responses {
            switch operation.response {
            case .range(let response): revisions.append(response.header?.revision)
            case .put(let response): revisions.append(response.header?.revision)
            case .deleteRange(let response): revisions.append(response.header?.revision)
            case .txn(let response): revisions.append(response.header.map { $0.revision })
            case nil: revisions.append(nil)
            }
        }
        #expect(revisions == [2, 2, 3, 3, 3, 0])
        if case .range(let response) = answer.responses[4].response { #expect(response.count == 1) }
        #expect(try bench.range().kvs.map(\.modRevision) == [2, 3, 3])
        let idle = try bench.txn(TxnRequest([.absent("a")], [.put("z")], else: [.range("a"), .delete("z")]))
        #expect(!idle.succeeded && idle.header?.revision == 3 && bench.mvcc.currentRevision == 3)
    }

    @Test func nestedComparesDoNotSeeOuterWrites() throws {
        let bench = try Bench()
        let answer = try bench.txn(
            TxnRequest([], [.put("a"), .txn([.absent("a")], [.put("yes")], else: [.put("no")])]))
        #expect(answer.succeeded)
        #expect(try bench.range().keys == ["a", "yes"])
        // A compare that is not on the path is not reached, one that is decides for its own branch.
        _ = try bench.txn(
            TxnRequest(
                [.absent("a")], [.txn([.absent("zz")], [.put("never")])], else: [.txn([.absent("zz")], [.delete("a")])])
        )
        #expect(try bench.range().keys == ["yes"])
    }

    @Test func aRefusedTransactionWritesNothing() throws {
        let bench = try Bench()
        try bench.put("a")
        try bench.put("b")
        try bench.compact(2)
        let refused: [([RequestOp], EtcdError)] = [
            ([.put("x"), .range("a") { $0.revision = 4 }], .futureRev),
            ([.put("x"), .range("a") { $0.revision = 1 }], .compacted),
            ([.put("x"), .range("a") { $0.revision = -1 }], .compacted),
            ([.put("x"), .put("y") { $0.lease = 5 }], .leaseNotFound),
            ([.put("x"), .put("y") { $0.ignoreValue = true }], .keyNotFound),
            ([.put("x"), .txn([], [.put("y") { $0.ignoreLease = true }])], .keyNotFound),
            // By the state before the transaction.
            ([.put("y"), .txn([], [.put("y") { $0.ignoreValue = true }])], .keyNotFound),
        ]
        for (operations, error) in refused {
            #expect(throws: MVCCError.etcd(error)) { try bench.txn(TxnRequest([], operations)) }
            // The path not taken is not looked at.
            #expect(throws: Never.self) { try bench.txn(TxnRequest([.absent("a")], operations)) }
        }
        #expect(bench.mvcc.currentRevision == 3)
        #expect(try bench.range().keys == ["a", "b"])
        #expect(try bench.bucketKeys().count == 2)
    }

    /// etcd 3.6.14 stops at these.
    @Test func aKeyDeletedEarlierHasNothingToKeep() throws {
        let bench = try Bench()
        bench.leases.keys = [1: []]
        try bench.put("a", "v", lease: 1)
        try bench.put("b", "w")
        let keep: (inout PutRequest) -> Void = { $0.ignoreValue = true }
        let refused: [[RequestOp]] = [
            [.delete("a", to: "\0"), .put("a", keep)],
            [.delete("a", to: "\0"), .put("b") { $0.ignoreLease = true }],
            [.put("x"), .txn([], [.delete("a", to: "\0")]), .put("b", keep)],
            [.delete("\0", to: "\0"), .txn([], [.txn([], [.put("b", keep)])])],
        ]
        for operations in refused {
            #expect(throws: MVCCError.etcd(.keyNotFound)) { try bench.txn(TxnRequest([], operations)) }
        }
        #expect(bench.mvcc.currentRevision == 3)
        #expect(try bench.range().values == ["v", "w"])
        #expect(bench.leases.keys == [1: [Bytes(text: "a")]])
        // These leave something to keep.
        let fine: [[RequestOp]] = [
            [.delete("b", to: "\0"), .put("a", keep)],
            [.put("a", keep), .delete("a", to: "\0")],
        ]
        for operations in fine { _ = try bench.txn(TxnRequest([], operations)) }
        #expect(try bench.range().keys == [])
    }

    @Test func aPutAndADeletionOfOneKey() throws {
        let bench = try Bench()
        try bench.put("foo", "1")
        let answer = try bench.txn(TxnRequest([], [.put("foo"), .delete("foo", to: "\0")]))
        #expect(answer.header?.revision == 3)
        #expect(try bench.range().count == 0)
        #expect(try bench.range(at: 2).values == ["1"])
        _ = try bench.txn(TxnRequest([], [.delete("foo", to: "\0"), .put("foo") { $0.value = [50] }]))
        #expect(try bench.range().kvs.first?.version == 1)
        #expect(bench.mvcc.currentRevision == 4)
        // Deleted and put at one revision: the put is what a compaction there keeps.
        try bench.put("foo", "3")
        try bench.delete("foo", to: "\0")
        _ = try bench.txn(TxnRequest([], [.put("foo"), .put("goo")]))
        _ = try bench.txn(TxnRequest([], [.delete("foo", to: "\0"), .put("foo") { $0.value = [52] }]))
        let current = bench.mvcc.currentRevision
        try bench.compact(current)
        #expect(try bench.range("foo", to: "").values == ["4"])
        try bench.restart()
        #expect(try bench.range("foo", to: "", at: current).values == ["4"])
    }

    /// What only a log can hold.
    @Test func oddTransactionsAreApplied() throws {
        let bench = try Bench()
        let answer = try bench.txn(TxnRequest([], [RequestOp(), .put("a"), .put("a"), .put("")]))
        #expect(answer.responses.count == 4 && answer.responses[0].response == nil)
        #expect(try bench.range("a", to: "").kvs.first?.version == 2)
        var nested = TxnRequest([], [.put("deep")])
        for _ in 0..<40 {
            var operation = RequestOp()
            operation.request = .txn(nested)
            nested = TxnRequest([], [operation])
        }
        _ = try bench.txn(nested)
        #expect(try bench.range("deep", to: "").count == 1)
    }

    @Test func readOnlyTransactions() throws {
        let bench = try Bench()
        try bench.put("a")
        let request = TxnRequest([.absent("a")], [], else: [.range("a"), .range("b") { $0.revision = 1 }])
        let answer = try TxnResponse(answer: bench.mvcc.readOnlyTxn(request))
        #expect(answer == (try bench.txn(request)))
        #expect(!answer.succeeded && answer.responses.count == 2)
        #expect(throws: MVCCError.etcd(.futureRev)) {
            try bench.mvcc.readOnlyTxn(TxnRequest([], [.range("a") { $0.revision = 3 }]))
        }
    }
}
