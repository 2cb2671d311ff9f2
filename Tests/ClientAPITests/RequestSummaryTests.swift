import EtcdMessages
import Primitives
import Testing

@testable import ClientAPI

/// What the log says of slow requests: keys, never values.
@Suite struct RequestSummaryTests {
    @Test func keysAreTold() {
        var range = RangeRequest()
        range.key = Bytes(text: "a\"b")
        range.rangeEnd = [0, 0xFF, 0x0A]
        #expect(RequestSummary.text(.range, range.encoded()) == #"key:"a\"b" range_end:"\000\377\n" "#)
        var delete = DeleteRangeRequest()
        delete.key = Bytes(text: "k")
        #expect(RequestSummary.text(.deleteRange, delete.encoded()) == #"key:"k" "#)
        #expect(RequestSummary.text(.range, []) == "")
        #expect(RequestSummary.text(.txn, range.encoded()) == "")
    }

    @Test func valuesAreNotToldEvenIfTheyFit() {
        var put = PutRequest()
        put.key = Bytes(text: "k")
        put.value = Bytes(text: "secret")
        #expect(RequestSummary.text(.put, put.encoded()) == #"key:"k" value_size:6 "#)
        put.value = Bytes(repeating: 1, count: 1_000_000)
        #expect(RequestSummary.text(.put, Bytes(put.encoded().prefix(128))) == #"key:"k" value_size:1000000 "#)
    }

    @Test func aLongKeyIsToldAsFarAsItIsKept() {
        var put = PutRequest()
        put.key = Bytes(repeating: UInt8(ascii: "k"), count: 500)
        put.value = Bytes(text: "secret")
        let text = RequestSummary.text(.put, Bytes(put.encoded().prefix(128)))
        #expect(text.hasPrefix("key:\"kkkk") && text.hasSuffix("k\" value_size:0 "))
    }

    /// Any bytes may stand there: a malformed request is answered, and may be slow.
    @Test func anyPrefixIsBorne() {
        for first in UInt8.min ... .max {
            for second in [UInt8(0), 1, 0x7F, 0x80, 0xFF] {
                for count in [0, 1, 12] {
                    let bytes = [first, second] + Bytes(repeating: 0xFF, count: count)
                    for method in [EtcdMethod.range, .put, .deleteRange, .compact] {
                        #expect(RequestSummary.text(method, bytes).utf8.count < 200)
                    }
                }
            }
        }
    }
}
