import EtcdMessages
import Primitives
import Testing

@testable import MVCC

extension RangeResponse {
    var keys: [String] { kvs.map(\.key.text) }
    var values: [String] { kvs.map(\.value.text) }
}

@Suite struct RangeTests {
    /// a, b, c, d at 2 to 5; then b again at 6; then d deleted at 7.
    func bench(settings: MVCCSettings = MVCCSettings()) throws -> Bench {
        let bench = try Bench(settings: settings)
        bench.leases.keys[7] = []
        try bench.put("a", "4")
        try bench.put("b", "3")
        try bench.put("c", "2", lease: 7)
        try bench.put("d", "1")
        try bench.put("b", "0")
        try bench.delete("d")
        return bench
    }

    @Test func whichKeysAreMeant() throws {
        let bench = try bench()
        #expect(try bench.range("b", to: "").keys == ["b"])
        #expect(try bench.range("x", to: "").count == 0)
        #expect(try bench.range("b", to: "\0").keys == ["b", "c"])
        #expect(try bench.range("\0", to: "\0").keys == ["a", "b", "c"])
        #expect(try bench.range("a", to: "c").keys == ["a", "b"])
        #expect(try bench.range("c", to: "a").keys == [])
        #expect(try bench.range("b", to: "b").keys == [])
    }

    @Test func atARevision() throws {
        let bench = try bench()
        #expect(try bench.range(at: 5).values == ["4", "3", "2", "1"])
        #expect(try bench.range(at: 5).header?.revision == 7)
        #expect(try bench.range(at: 1).count == 0)
        #expect(try bench.range(at: -5).keys == ["a", "b", "c"])
        #expect(throws: MVCCError.etcd(.futureRev)) { try bench.range(at: 8) }
        try bench.compact(5)
        #expect(throws: MVCCError.etcd(.compacted)) { try bench.range(at: 4) }
        #expect(try bench.range(at: 5).values == ["4", "3", "2", "1"])
    }

    @Test func limitsAndCounts() throws {
        let bench = try bench()
        let limited = try bench.range { $0.limit = 2 }
        #expect(limited.keys == ["a", "b"] && limited.more && limited.count == 3)
        let exact = try bench.range { $0.limit = 3 }
        #expect(exact.keys == ["a", "b", "c"] && !exact.more)
        #expect(try bench.range { $0.limit = -1 }.keys.count == 3)
        #expect(try bench.range { $0.limit = .max }.keys.count == 3)
        let old = try bench.range(at: 5) { $0.limit = 1 }
        #expect(old.keys == ["a"] && old.more && old.count == 4)
        let counted = try bench.range {
            $0.countOnly = true
            $0.limit = 1
            $0.maxModRevision = 2
            $0.sortOrder = .descend
        }
        #expect(counted.kvs.isEmpty && counted.count == 3 && !counted.more)
    }

    @Test func filtersComeBeforeTheLimitAndDoNotCount() throws {
        let bench = try bench()
        let late = try bench.range { $0.minModRevision = 4 }
        #expect(late.keys == ["b", "c"] && late.count == 3)
        #expect(try bench.range { $0.maxModRevision = 4 }.keys == ["a", "c"])
        #expect(try bench.range { $0.minCreateRevision = 4 }.keys == ["c"])
        #expect(try bench.range { $0.maxCreateRevision = 3 }.keys == ["a", "b"])
        #expect(try bench.range(at: 5) { $0.maxCreateRevision = 3 }.keys == ["a", "b"])
        let limited = try bench.range {
            $0.minModRevision = 4
            $0.limit = 1
        }
        #expect(limited.keys == ["b"] && limited.more && limited.count == 3)
        let last = try bench.range {
            $0.maxModRevision = 2
            $0.limit = 1
        }
        #expect(last.keys == ["a"] && !last.more)
    }

    @Test func sorts() throws {
        let bench = try bench()
        func keys(_ order: SortOrder, _ target: SortTarget, limit: Int64 = 0) throws -> [String] {
            try bench.range {
                $0.sortOrder = order
                $0.sortTarget = target
                $0.limit = limit
            }.keys
        }
        #expect(try keys(.descend, .key) == ["c", "b", "a"])
        #expect(try keys(.ascend, .key) == ["a", "b", "c"])
        #expect(try keys(.ascend, .mod) == ["a", "c", "b"])
        #expect(try keys(.descend, .create) == ["c", "b", "a"])
        #expect(try keys(.ascend, .value) == ["b", "c", "a"])
        // Ties stay in the order of keys, both ways.
        #expect(try keys(.ascend, .version) == ["a", "c", "b"])
        #expect(try keys(.descend, .version) == ["b", "a", "c"])
        #expect(try keys(.descend, .mod, limit: 1) == ["b"])
        // Order NONE sorts ascending, but only the first limit + 1 keys.
        #expect(try keys(.none, .value) == ["b", "c", "a"])
        #expect(try keys(.none, .value, limit: 1) == ["b"])
        try bench.put("c", "9")
        #expect(try keys(.none, .value, limit: 1) == ["b"])
        try bench.put("0", "99")
        #expect(try keys(.none, .value, limit: 1) == ["a"])
        #expect(try keys(.ascend, .value, limit: 1) == ["b"])
    }

    @Test func keysOnlyKeepsTheLeaseOr37DoesNot() throws {
        func keysOnly(_ bench: Bench, _ key: String = "\0", to end: String = "\0") throws -> [KeyValue] {
            try bench.range(key, to: end) { $0.keysOnly = true }.kvs
        }
        let kvs = try keysOnly(bench())
        #expect(kvs.map(\.value) == [[], [], []])
        #expect(kvs.map(\.lease) == [0, 0, 7])
        #expect(kvs.map(\.modRevision) == [2, 6, 4])
        var settings = MVCCSettings()
        settings.keysOnlyIncludesLease = false
        let newer = try bench(settings: settings)
        #expect(try keysOnly(newer).map(\.lease) == [0, 0, 0])
        #expect(
            try newer.range {
                $0.keysOnly = true
                $0.sortTarget = .value
            }.kvs.map(\.lease) == [0, 7, 0], "sorted by value, 3.7 reads the records")
        // A record with a lease but no value.
        newer.leases.keys[8] = []
        try newer.put("e", "", lease: 8)
        #expect(try keysOnly(newer, "e", to: "").map(\.lease) == [0])
        #expect(try newer.range("e", to: "").kvs.map(\.lease) == [8])
    }

    @Test func slicesKeepToTheirBudget() throws {
        let bench = try Bench()
        for number in 0..<100 { try bench.put("k\(number)", String(repeating: "x", count: 1000)) }
        for sorted in [false, true] {
            var request = RangeRequest()
            request.key = [0]
            request.rangeEnd = [0]
            if sorted { request.sortOrder = .descend }
            let whole = try bench.range(request, budget: .unbounded)
            var cursor = try bench.mvcc.openRange(request)
            var slices = 1
            var before = 0
            while !(try bench.mvcc.step(&cursor, budget: RangeBudget(byteCount: 5000, keyCount: 1000))) {
                #expect(cursor.body.count - before < 6100)
                before = cursor.body.count
                slices += 1
                try bench.put("new\(slices)")
            }
            #expect(slices >= 20)
            var answer = try RangeResponse(answer: cursor.answer)
            #expect(answer == whole)
            cursor = try bench.mvcc.openRange(request)
            slices = 1
            while !(try bench.mvcc.step(&cursor, budget: RangeBudget(byteCount: .max, keyCount: 90))) { slices += 1 }
            #expect(slices >= 9)
            answer = try RangeResponse(answer: cursor.answer)
            #expect(answer.kvs.count > 100)
        }
    }

    @Test func aCompactionEndsARangeBelowIt() throws {
        let bench = try bench()
        var request = RangeRequest()
        request.key = [0]
        request.rangeEnd = [0]
        let one = RangeBudget(byteCount: 1, keyCount: 1)
        var cursor = try bench.mvcc.openRange(request)
        #expect(try !bench.mvcc.step(&cursor, budget: one))
        try bench.put("a")
        try bench.compact(7)
        #expect(try !bench.mvcc.step(&cursor, budget: one), "the compacted revision itself is still there")
        try bench.compact(8)
        #expect(throws: MVCCError.etcd(.compacted)) { try bench.mvcc.step(&cursor, budget: one) }
    }

    /// What only a log can hold, because the checks before it let nothing like it through.
    @Test func oddRequestsAreAnswered() throws {
        let bench = try bench()
        #expect(try bench.range("", to: "").count == 0)
        #expect(try bench.range("", to: "\0").count == 3)
        for raw in [Int32.min, -1, 3, 5, .max] {
            let answer = try bench.range {
                $0.sortOrder = SortOrder(rawValue: raw)
                $0.sortTarget = SortTarget(rawValue: raw)
                $0.limit = 1
            }
            #expect(answer.keys == ["a"])
        }
        let extremes = try bench.range {
            $0.limit = .min
            $0.revision = .min
            $0.minModRevision = .min
            $0.maxModRevision = .max
            $0.minCreateRevision = .min
            $0.maxCreateRevision = .max
        }
        #expect(extremes.keys.count == 3)
    }
}
