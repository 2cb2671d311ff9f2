import Primitives
import Testing

@testable import EtcdMessages

/// Bytes that are no message, or hardly one, each made by hand, with the text etcd's decoder has for them.
@Suite struct BadInputTests {
    /// Bytes, and the text of the error; no text if they are a message.
    struct Case: CustomTestStringConvertible, Sendable {
        var what: String
        var type: any EtcdMessage.Type
        var bytes: Bytes
        var text: String?

        init(_ what: String, _ type: any EtcdMessage.Type, _ bytes: Bytes, _ text: String?) {
            (self.what, self.type, self.bytes, self.text) = (what, type, bytes, text)
        }

        var testDescription: String { "\(type): \(what)" }
    }

    private static let end = "unexpected EOF"
    private static let overflow = "proto: integer overflow"
    private static let negative = "proto: negative length found during unmarshaling"
    private static let long = Bytes(repeating: 0xFF, count: 10)

    static let tags: [Case] = [
        Case("nothing", RangeRequest.self, [], nil),
        Case("a zero byte", RangeRequest.self, [0], "proto: RangeRequest: illegal tag 0 (wire type 0)"),
        Case("number 0 with bytes", PutRequest.self, [2, 0], "proto: PutRequest: illegal tag 0 (wire type 2)"),
        Case("number 0, padded", PutRequest.self, [0x80, 0], "proto: PutRequest: illegal tag 0 (wire type 0)"),
        Case("number 0 as group", PutRequest.self, [3], "proto: PutRequest: illegal tag 0 (wire type 3)"),
        Case("number 0 ends a group", PutRequest.self, [4], "proto: PutRequest: wiretype end group for non-group"),
        Case(
            "negative number", PutRequest.self, [0xF8, 0xFF, 0xFF, 0xFF, 0x7F, 0],
            "proto: PutRequest: illegal tag -1 (wire type 34359738360)"),
        Case(
            "least number", PutRequest.self, [0x80, 0x80, 0x80, 0x80, 0x40, 0],
            "proto: PutRequest: illegal tag -2147483648 (wire type 17179869184)"),
        Case(
            "number 2^32, which is 0", PutRequest.self, [0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0],
            "proto: PutRequest: illegal tag 0 (wire type 34359738368)"),
        Case("greatest number", PutRequest.self, [0xF8, 0xFF, 0xFF, 0xFF, 0x3F, 0], nil),
        Case("a tag cut off", PutRequest.self, [0x8A], end),
        Case(
            "a tag of ten bytes", PutRequest.self, [0x98, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 7], nil),
        Case("a tag of eleven bytes", PutRequest.self, Bytes(repeating: 0x80, count: 10) + [0], overflow),
        Case("a tag of ten bytes that goes on", PutRequest.self, long, overflow),
        Case(
            "end of group", DeleteRangeRequest.self, [0x0C],
            "proto: DeleteRangeRequest: wiretype end group for non-group"),
        Case(
            "end of an unknown group", DeleteRangeRequest.self, [0xFC, 0x01],
            "proto: DeleteRangeRequest: wiretype end group for non-group"),
        Case(
            "a message's name within another", TxnRequest.self, [0x0A, 1, 4],
            "proto: Compare: wiretype end group for non-group"),
    ]

    static let wireTypes: [Case] = [
        Case("key as number", RangeRequest.self, [0x08, 1], "proto: wrong wireType = 0 for field Key"),
        Case(
            "key as 64 bits", RangeRequest.self, [0x09, 1, 2, 3, 4, 5, 6, 7, 8],
            "proto: wrong wireType = 1 for field Key"),
        Case("key as group", RangeRequest.self, [0x0B, 0x0C], "proto: wrong wireType = 3 for field Key"),
        Case("key as 32 bits", RangeRequest.self, [0x0D, 1, 2, 3, 4], "proto: wrong wireType = 5 for field Key"),
        Case("key as wire type 6", RangeRequest.self, [0x0E], "proto: wrong wireType = 6 for field Key"),
        Case("key as wire type 7", RangeRequest.self, [0x0F], "proto: wrong wireType = 7 for field Key"),
        Case("range_end as number", RangeRequest.self, [0x10, 1], "proto: wrong wireType = 0 for field RangeEnd"),
        Case("limit as bytes", RangeRequest.self, [0x1A, 1, 0], "proto: wrong wireType = 2 for field Limit"),
        Case(
            "limit as 64 bits", RangeRequest.self, [0x19, 1, 2, 3, 4, 5, 6, 7, 8],
            "proto: wrong wireType = 1 for field Limit"),
        Case("limit as 32 bits", RangeRequest.self, [0x1D, 1, 2, 3, 4], "proto: wrong wireType = 5 for field Limit"),
        Case("an enumeration as bytes", RangeRequest.self, [0x2A, 0], "proto: wrong wireType = 2 for field SortOrder"),
        Case("a boolean as bytes", PutRequest.self, [0x22, 1, 1], "proto: wrong wireType = 2 for field PrevKv"),
        Case("a message as number", TxnRequest.self, [0x10, 1], "proto: wrong wireType = 0 for field Success"),
        Case("a message as group", TxnRequest.self, [0x13, 0x14], "proto: wrong wireType = 3 for field Success"),
        Case(
            "a oneof's message as number", RequestOp.self, [0x08, 1], "proto: wrong wireType = 0 for field RequestRange"
        ),
        Case("a oneof's number as bytes", Compare.self, [0x22, 0], "proto: wrong wireType = 2 for field Version"),
        Case("a oneof's bytes as number", Compare.self, [0x38, 1], "proto: wrong wireType = 0 for field Value"),
        Case(
            "a repeated string as number", MemberAddRequest.self, [0x08, 1],
            "proto: wrong wireType = 0 for field PeerURLs"),
        Case(
            "filters as 32 bits", WatchCreateRequest.self, [0x2D, 0, 0, 0, 0],
            "proto: wrong wireType = 5 for field Filters"),
        Case(
            "filters as a group", WatchCreateRequest.self, [0x2B, 0x2C], "proto: wrong wireType = 3 for field Filters"),
        Case(
            "a later field", PutRequest.self, [0x0A, 1, 97, 0x12, 1, 98, 0x1D, 0, 0, 0, 0],
            "proto: wrong wireType = 5 for field Lease"),
        Case("before its bytes are cut off", PutRequest.self, [0x1D], "proto: wrong wireType = 5 for field Lease"),
        Case("wire type 6, unknown", PutRequest.self, [0xFE, 0x01, 0], "proto: illegal wireType 6"),
        Case("wire type 7, unknown", PutRequest.self, [0xFF, 0x01, 0], "proto: illegal wireType 7"),
    ]

    static let lengths: [Case] = [
        Case("no length", PutRequest.self, [0x0A], end),
        Case("one byte too long", PutRequest.self, [0x0A, 3, 97, 98], end),
        Case("length cut off", PutRequest.self, [0x0A, 0x80], end),
        Case("length 2^31 - 1", PutRequest.self, [0x0A] + encodedVarint(1 << 31 - 1) + [97], end),
        Case("length 2^31", PutRequest.self, [0x0A] + encodedVarint(1 << 31) + [97], end),
        Case("length 2^32", PutRequest.self, [0x0A] + encodedVarint(1 << 32), end),
        Case("length 2^32 + 1 that is not 1", PutRequest.self, [0x0A] + encodedVarint(1 << 32 + 1) + [97], end),
        Case("length 2^62", PutRequest.self, [0x0A] + encodedVarint(1 << 62), end),
        Case("length 2^63 - 1", PutRequest.self, [0x0A] + encodedVarint(1 << 63 - 1), negative),
        Case("length 2^63", PutRequest.self, [0x0A] + encodedVarint(1 << 63), negative),
        Case("length 2^64 - 1", PutRequest.self, [0x0A] + encodedVarint(.max), negative),
        Case("length of eleven bytes", PutRequest.self, [0x0A] + long + [1], overflow),
        Case(
            "length 1 in ten bytes", PutRequest.self,
            [0x0A, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 97], nil),
        Case(
            "length 1 + 2^64, which is 1", PutRequest.self, [0x0A, 0x81] + Bytes(repeating: 0x80, count: 8) + [2, 97],
            nil),
        Case("over the end of its message", TxnRequest.self, [0x12, 4, 0x12, 5, 0x0A, 3, 97, 98, 99, 100], end),
        Case("over the end of its message's message", TxnRequest.self, [0x12, 5, 0x12, 3, 0x0A, 2, 97, 98], end),
        Case("a message over the end", TxnRequest.self, [0x12, 5, 0x12, 0], end),
        Case("packed over the end", WatchCreateRequest.self, [0x2A, 2, 0], end),
        Case("packed number cut off by its length", WatchCreateRequest.self, [0x2A, 1, 0x80, 0], end),
        Case("packed number of eleven bytes", WatchCreateRequest.self, [0x2A, 11] + long + [1], overflow),
        Case("unknown length over the end", PutRequest.self, [0xFA, 0x01, 2, 0], end),
        Case("unknown length 2^63", PutRequest.self, [0xFA, 0x01] + encodedVarint(1 << 63), negative),
        Case("unknown length of eleven bytes", PutRequest.self, [0xFA, 0x01] + long + [1], overflow),
        Case("unknown 64 bits cut off", PutRequest.self, [0xF9, 0x01, 1, 2, 3, 4, 5, 6, 7], end),
        Case("unknown 32 bits cut off", PutRequest.self, [0xFD, 0x01, 1, 2, 3], end),
        Case("unknown number cut off", PutRequest.self, [0xF8, 0x01, 0x80], end),
        Case("unknown number of eleven bytes", PutRequest.self, [0xF8, 0x01] + long + [1], overflow),
    ]

    static let numbers: [Case] = [
        Case("cut off", RangeRequest.self, [0x18, 0x80], end),
        Case("missing", RangeRequest.self, [0x18], end),
        Case(
            "ten bytes, the last with bits above 64", RangeRequest.self,
            [0x18] + Bytes(repeating: 0xFF, count: 9) + [0x7F], nil),
        Case("eleven bytes", RangeRequest.self, [0x18] + long + [0], overflow),
        Case("ten bytes that go on, at the end", RangeRequest.self, [0x18] + long, overflow),
        Case("nine bytes that go on, at the end", RangeRequest.self, [0x18] + Bytes(repeating: 0xFF, count: 9), end),
        Case("an enumeration beyond 32 bits", RangeRequest.self, [0x28] + encodedVarint(1 << 40), nil),
        Case("an enumeration below zero", RangeRequest.self, [0x28] + encodedVarint(.max), nil),
        Case("a boolean of two", RangeRequest.self, [0x38, 2], nil),
        Case("a boolean beyond 64 bits", RangeRequest.self, [0x38] + Bytes(repeating: 0x80, count: 9) + [0x02], nil),
        Case("in a nested message, cut off by its end", TxnRequest.self, [0x0A, 2, 0x08, 0x80, 0x01], end),
    ]

    static let groups: [Case] = [
        Case("empty", PutRequest.self, [0xFB, 0x01, 0xFC, 0x01], nil),
        Case("never ended", PutRequest.self, [0xFB, 0x01], end),
        Case("with a field", PutRequest.self, [0xFB, 0x01, 0x08, 1, 0xFC, 0x01], nil),
        Case("in a group", PutRequest.self, [0xFB, 0x01, 0x0B, 0x0C, 0xFC, 0x01], nil),
        Case("in a group, ended once", PutRequest.self, [0xFB, 0x01, 0x0B, 0xFC, 0x01], end),
        Case("ended by another's end", PutRequest.self, [0xFB, 0x01, 0x0C], nil),
        Case(
            "ended twice", PutRequest.self, [0xFB, 0x01, 0xFC, 0x01, 0xFC, 0x01],
            "proto: PutRequest: wiretype end group for non-group"),
        Case("with number 0", PutRequest.self, [0xFB, 0x01, 0x00, 0x01, 0xFC, 0x01], nil),
        Case("with wire type 7", PutRequest.self, [0xFB, 0x01, 0x0F], "proto: illegal wireType 7"),
        Case("with a length over the end", PutRequest.self, [0xFB, 0x01, 0x0A, 9, 0xFC, 0x01], end),
        Case("with a length 2^63 - 1", PutRequest.self, [0xFB, 0x01, 0x0A] + encodedVarint(1 << 63 - 1), negative),
        Case("a million of them, open", PutRequest.self, Bytes(repeating: 0x53, count: 1 << 20), end),
        Case(
            "a million of them, closed", PutRequest.self,
            Bytes(repeating: 0x53, count: 1 << 20) + Bytes(repeating: 0x54, count: 1 << 20), nil),
        Case("over the end of its message", TxnRequest.self, [0x0A, 2, 0xFB, 0x01, 0xFC, 0x01], end),
    ]

    static let others: [Case] = [
        Case("NUL in a string", AuthUserAddRequest.self, [0x0A, 6] + Bytes(text: "root\0x"), nil),
        Case("a string that is no UTF-8", AuthUserAddRequest.self, [0x0A, 2, 0xFF, 0xFE], nil),
        Case("half a UTF-8 character", AuthRoleAddRequest.self, [0x0A, 1, 0xC3], nil),
        Case("surrogates in a string", MemberAddRequest.self, [0x0A, 3, 0xED, 0xA0, 0x80], nil),
        Case("a field for an empty message", StatusRequest.self, [0x08, 1], nil),
        Case("bytes for an empty message", StatusRequest.self, [0x0A], end),
        Case("key twice", PutRequest.self, [0x0A, 1, 97, 0x0A, 1, 98], nil),
        Case("a oneof twice", RequestOp.self, [0x0A, 0, 0x12, 0], nil),
        Case(
            "the second of a oneof bad", RequestOp.self, [0x0A, 0, 0x12, 1, 0],
            "proto: PutRequest: illegal tag 0 (wire type 0)"),
        Case(
            "the replaced one of a oneof bad", RequestOp.self, [0x12, 1, 0, 0x0A, 0],
            "proto: PutRequest: illegal tag 0 (wire type 0)"),
        Case(
            "the first fault is told", TxnRequest.self, [0x0A, 2, 0x22, 0, 0xFF],
            "proto: wrong wireType = 2 for field Version"),
        Case("a v2 request as an entry", InternalRaftRequest.self, [0x08, 1, 0x12, 3] + Bytes(text: "PUT"), nil),
        Case("an entry's message cut off", InternalRaftRequest.self, [0x22, 4, 0x0A, 3, 97, 98], end),
        Case("an unknown request in an entry", InternalRaftRequest.self, [0xE2, 0x3E, 2, 0, 0], nil),
        Case("text", PutRequest.self, Bytes(text: "GET / HTTP/1.1\r\n\r\n"), "proto: illegal wireType 7"),
        Case("JSON", PutRequest.self, Bytes(text: #"{"key":"YQ=="}"#), end),
    ]

    @Test(arguments: [tags, wireTypes, lengths, numbers, groups, others].flatMap(\.self))
    func bytesAreReadOrRefusedAsByEtcd(input: Case) {
        #expect(error(input.type, input.bytes)?.description == input.text)
    }

    private func error<Message: EtcdMessage>(_ type: Message.Type, _ bytes: Bytes) -> MessageError? {
        do throws(MessageError) {
            _ = try type.init(decoding: bytes)
            return nil
        } catch {
            return error
        }
    }

    @Test func thereAreAHundred() {
        let count = [Self.tags, Self.wireTypes, Self.lengths, Self.numbers, Self.groups, Self.others].map(\.count)
            .reduce(0, +)
        #expect(count >= 100)
    }
}
