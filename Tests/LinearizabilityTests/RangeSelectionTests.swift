import EtcdMessages
import Primitives
import Testing

@testable import Linearizability

/// What a range shows of its records: filters first, then the order, then the limit.
@Suite struct RangeSelectionTests {
    /// Keys a, b, c, ... with these values, written one after the other.
    private func records(_ values: String...) -> [KeyValue] {
        values.enumerated().map { place, value in
            var record = KeyValue()
            record.key = [UInt8(97 + place)]
            record.value = Bytes(text: value)
            record.createRevision = Int64(2 + place)
            record.modRevision = Int64(12 - place)
            record.version = Int64(1 + place % 2)
            return record
        }
    }

    private func keys(_ request: RangeRequest, _ records: [KeyValue]) -> String {
        request.selection(of: records).records.map(\.key.text).joined()
    }

    @Test func equalOnesStayInTheOrderOfKeys() {
        var request = RangeRequest()
        request.sortTarget = .version
        #expect(keys(request, records("x", "x", "x", "x")) == "acbd")
        request.sortOrder = .descend
        #expect(keys(request, records("x", "x", "x", "x")) == "bdac")
    }

    @Test func eachTargetHasItsOrder() {
        var request = RangeRequest()
        request.sortOrder = .descend
        #expect(keys(request, records("2", "3", "1")) == "cba")
        request.sortTarget = .value
        #expect(keys(request, records("2", "3", "1")) == "bac")
        request.sortTarget = .create
        #expect(keys(request, records("2", "3", "1")) == "cba")
        request.sortTarget = .mod
        #expect(keys(request, records("2", "3", "1")) == "abc")
    }

    @Test func theLimitComesLast() {
        var request = RangeRequest()
        request.sortTarget = .value
        request.sortOrder = .ascend
        request.maxModRevision = 11
        request.limit = 2
        let (shown, more) = request.selection(of: records("0", "4", "3", "2"))
        #expect(shown.map(\.key.text).joined() == "dc" && more)
        request.minCreateRevision = 4
        let (all, isMore) = request.selection(of: records("0", "4", "3", "2"))
        #expect(all.map(\.key.text).joined() == "dc" && !isMore)
    }

    /// As in etcd: without an order, all beyond the limit and one more might as well not be there.
    @Test func withoutAnOrderTheLimitComesFirst() {
        var request = RangeRequest()
        request.sortTarget = .value
        request.limit = 2
        let (shown, more) = request.selection(of: records("4", "3", "2", "1"))
        #expect(shown.map(\.key.text).joined() == "cb" && more)
        request.sortOrder = .ascend
        #expect(keys(request, records("4", "3", "2", "1")) == "dc")
    }

    @Test func aCountShowsNothing() {
        var request = RangeRequest()
        request.countOnly = true
        request.limit = 1
        let (shown, more) = request.selection(of: records("0", "1"))
        #expect(shown.isEmpty && !more)
    }
}
