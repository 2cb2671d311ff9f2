import Primitives
import Testing

@testable import EtcdMessages

/// Which bytes may be handed on as they are, and what becomes of the others.
@Suite struct CanonicalTests {
    private func decode<Message: EtcdMessage>(_ type: Message.Type, _ bytes: Bytes) throws -> (
        Message, isCanonical: Bool
    ) {
        let (message, isCanonical) = try MessageDecoder().decodeCanonical(type, bytes.span.bytes)
        return (message, isCanonical)
    }

    @Test func anEmptyMessageIsCanonical() throws {
        #expect(try decode(PutRequest.self, []) == (PutRequest(), true))
    }

    @Test func fieldsInAnyOrderAreCanonical() throws {
        let (message, isCanonical) = try decode(PutRequest.self, [0x18, 5, 0x12, 1, 98, 0x0A, 1, 97])
        #expect(message.key == [97] && message.value == [98] && message.lease == 5 && isCanonical)
    }

    @Test func zerosAndPaddedNumbersAreCanonical() throws {
        let (message, isCanonical) = try decode(PutRequest.self, [0x0A, 0, 0x18, 0x80, 0x00, 0x20, 0])
        #expect(message == PutRequest() && isCanonical)
    }

    @Test func anUnknownFieldIsNot() throws {
        let (message, isCanonical) = try decode(PutRequest.self, [0x0A, 1, 97, 0xF8, 0x01, 1])
        #expect(message.key == [97] && !isCanonical)
    }

    @Test func anUnknownFieldDeepInsideIsNot() throws {
        let (message, isCanonical) = try decode(TxnRequest.self, [0x12, 7, 0x12, 5, 0x0A, 1, 97, 0x38, 1])
        guard case .put(let put)? = message.success.first?.request else {
            Issue.record("no put in \(message)")
            return
        }
        #expect(put.key == [97] && !isCanonical)
    }

    @Test func anUnknownGroupIsNot() throws {
        let (message, isCanonical) = try decode(PutRequest.self, [0xFB, 0x01, 0x0A, 1, 98, 0xFC, 0x01, 0x0A, 1, 97])
        #expect(message.key == [97] && !isCanonical)
    }

    @Test func theLastOfTwoValuesStays() throws {
        let (message, isCanonical) = try decode(PutRequest.self, [0x0A, 1, 97, 0x18, 7, 0x18, 0, 0x0A, 0])
        #expect(message == PutRequest() && !isCanonical)
    }

    @Test func piecesOfAMessageAreMerged() throws {
        // Header twice: an id, then a name; the later id counts.
        let first: Bytes = [0x08, 1, 0x12, 1, 97]
        let second: Bytes = [0x18, 3, 0x08, 2]
        let bytes = [0xA2, 0x06, UInt8(first.count)] + first + [0xA2, 0x06, UInt8(second.count)] + second
        let (message, isCanonical) = try decode(InternalRaftRequest.self, bytes)
        #expect(message.header?.id == 2 && message.header?.username == [97] && message.header?.authRevision == 3)
        #expect(!isCanonical)
    }

    @Test func repeatedMessagesOfPiecesAreJoined() throws {
        // Two transactions for field 6, merged: compares of both.
        let bytes: Bytes = [0x32, 4, 0x0A, 2, 0x10, 1, 0x32, 4, 0x0A, 2, 0x10, 2]
        let (message, _) = try decode(InternalRaftRequest.self, bytes)
        #expect(message.txn?.compare.map(\.target) == [.create, .mod])
    }

    @Test func theLastOfAOneofReplacesTheOthers() throws {
        // A range of key a, a put, and a range with a limit: gogo does not merge the ranges.
        let bytes: Bytes = [0x0A, 3, 0x0A, 1, 97, 0x12, 0, 0x0A, 2, 0x18, 9]
        let (message, isCanonical) = try decode(RequestOp.self, bytes)
        var range = RangeRequest()
        range.limit = 9
        #expect(message.request == .range(range) && !isCanonical)
    }

    @Test func theSameOfAOneofReplacesItself() throws {
        let (message, isCanonical) = try decode(RequestOp.self, [0x0A, 3, 0x0A, 1, 97, 0x0A, 2, 0x18, 9])
        var range = RangeRequest()
        range.limit = 9
        #expect(message.request == .range(range) && !isCanonical)
    }

    @Test func piecesWithOneofsAreMergedToTheLast() throws {
        let (message, _) = try decode(WatchRequest.self, [0x12, 2, 0x08, 5, 0x0A, 3, 0x0A, 1, 97])
        var create = WatchCreateRequest()
        create.key = [97]
        #expect(message.requestUnion == .create(create))
    }

    @Test func longTagsAndLengthsAreNot() throws {
        let (tag, tagIsCanonical) = try decode(PutRequest.self, [0x8A, 0x80, 0x80, 0x80, 0x80, 0x00, 1, 97])
        #expect(tag.key == [97] && !tagIsCanonical)
        let (length, lengthIsCanonical) = try decode(PutRequest.self, [0x0A, 0x81, 0x80, 0x80, 0x80, 0x80, 0x00, 97])
        #expect(length.key == [97] && !lengthIsCanonical)
    }

    @Test func aTagIsCutTo32BitsOfNumber() throws {
        // Number 2^32 + 1 is key to Go, and so to us; to others it is unknown.
        let (message, isCanonical) = try decode(PutRequest.self, encodedVarint((1 << 32 + 1) << 3 | 2) + [1, 97])
        #expect(message.key == [97] && !isCanonical)
    }

    @Test func paddedBooleansAreNot() throws {
        // Bit 64 and above is lost in Go: this is false there. protobuf-c would say true.
        let beyond = try decode(PutRequest.self, [0x20] + Bytes(repeating: 0x80, count: 9) + [0x02])
        #expect(beyond.0.prevKv == false && !beyond.isCanonical)
        let padded = try decode(PutRequest.self, [0x20, 0x80, 0x01])
        #expect(padded.0.prevKv && !padded.isCanonical)
        let two = try decode(PutRequest.self, [0x20, 2])
        #expect(two.0.prevKv && two.isCanonical)
    }

    @Test func numbersAreCutToTheirTypes() throws {
        let (range, _) = try decode(
            RangeRequest.self,
            [0x28] + encodedVarint(1 << 32 + 1) + [0x30] + encodedVarint(.max) + [0x18] + encodedVarint(.max))
        #expect(range.sortOrder == .ascend)
        #expect(range.sortTarget.rawValue == -1)
        #expect(range.limit == -1)
        let (hash, _) = try decode(HashResponse.self, [0x10] + encodedVarint(1 << 32 + 7))
        #expect(hash.hash == 7)
    }

    @Test func aNegativeEnumerationIsWrittenInTenBytes() throws {
        var range = RangeRequest()
        range.sortOrder = SortOrder(rawValue: -2)
        #expect(range.encoded() == [0x28, 0xFE] + Bytes(repeating: 0xFF, count: 8) + [0x01])
        #expect(try RangeRequest(decoding: range.encoded()) == range)
    }

    @Test(
        arguments: [
            [0x2A, 3, 1, 0, 1], [0x28, 1, 0x28, 0, 0x28, 1], [0x28, 1, 0x2A, 2, 0, 1],
            [0x2A, 0, 0x2A, 2, 1, 0, 0x28, 1],
        ] as [Bytes])
    func filtersArePackedOrNot(bytes: Bytes) throws {
        let (message, isCanonical) = try decode(WatchCreateRequest.self, bytes)
        #expect(message.filters == [.noDelete, .noPut, .noDelete] && isCanonical)
        #expect(message.encoded() == [0x2A, 3, 1, 0, 1])
    }

    @Test func anAbsentAndAnEmptyValueDifferInProto2() throws {
        #expect(try decode(RaftEntry.self, []).0.data == nil)
        #expect(try decode(RaftEntry.self, [0x22, 0]).0.data == [])
    }

    @Test func aRequestWithinARequestIsPresentThoughEmpty() throws {
        let (message, _) = try decode(InternalRaftRequest.self, [0xC2, 0x3E, 0])
        #expect(message.authEnable == AuthEnableRequest())
        #expect(message.encoded() == [0xC2, 0x3E, 0])
    }
}
