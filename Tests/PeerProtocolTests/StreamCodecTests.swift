import Environment
import EtcdMessages
import PeerProtocol
import Primitives
import Testing

/// The two streams, by the vectors of etcd's formats and by themselves, cut anywhere.
@Suite struct StreamCodecTests {
    private let remote = MemberID(0xAA)
    private let local = MemberID(0xBB)

    /// What a decoder makes of the bytes, given in pieces of this length.
    private func append(_ bytes: Bytes, pieces: Int = .max) throws(PeerProtocolError) -> [RaftMessage] {
        var decoder = AppendStreamDecoder(from: remote, to: local, MessageDecoder())
        var messages: [RaftMessage] = []
        for piece in cut(bytes, pieces) { try decoder.decode(piece.span.bytes, into: &messages) }
        return messages
    }

    private func message(_ bytes: Bytes, pieces: Int = .max) throws(PeerProtocolError) -> [RaftMessage] {
        var decoder = MessageStreamDecoder(MessageDecoder())
        var messages: [RaftMessage] = []
        for piece in cut(bytes, pieces) { try decoder.decode(piece.span.bytes, into: &messages) }
        return messages
    }

    private func cut(_ bytes: Bytes, _ count: Int) -> [Bytes] {
        if count >= bytes.count { return [bytes] }
        return stride(from: 0, to: bytes.count, by: count).map { Bytes(bytes[$0..<min($0 + count, bytes.count)]) }
    }

    private func hexadecimal(_ text: String) -> Bytes {
        let digits = text.utf8.filter { $0 != 0x20 }
        return stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)
        }
    }

    private func entry(_ index: UInt64, term: UInt64 = 5, _ data: Bytes? = Bytes(text: "hi")) -> RaftEntry {
        var entry = RaftEntry()
        entry.term = term
        entry.index = index
        entry.data = data
        return entry
    }

    private func app(
        after index: UInt64, term: UInt64 = 5, logTerm: UInt64 = 5, _ entries: [RaftEntry], commit: UInt64 = 9
    ) -> RaftMessage {
        var message = RaftMessage()
        message.type = .app
        message.from = remote.rawValue
        message.to = local.rawValue
        message.term = term
        message.logTerm = logTerm
        message.index = index
        message.entries = entries
        message.commit = commit
        return message
    }

    // MARK: Vectors

    private let vector =
        "01 0000000000000001 000000000000000a 08001005180a22026869 0000000000000009"

    @Test func writesTheVectorOfEntries() throws {
        var encoder = AppendStreamEncoder()
        var sections = EntrySections()
        var output: Bytes = []
        encoder.append(app(after: 8, [entry(9)]), &sections, to: &output)
        #expect(output.first == 2, "the first is whole, for the stream knows of no term")
        output = []
        encoder.append(app(after: 9, [entry(10)]), &sections, to: &output)
        #expect(output == hexadecimal(vector))
    }

    @Test(arguments: [1, 2, 3, 7, .max])
    func readsWhatItWrites(pieces: Int) throws {
        let sent = [
            app(after: 8, [entry(9)]), app(after: 9, [entry(10), entry(11, nil), entry(12, [])], commit: 11),
            app(after: 12, [], commit: 12), app(after: 3, term: 6, [entry(4, term: 6)]),
            app(after: 4, term: 6, logTerm: 6, [entry(5, term: 6)]), app(after: 5, term: 7, logTerm: 6, []),
        ]
        var encoder = AppendStreamEncoder()
        var sections = EntrySections()
        var output: Bytes = []
        for message in sent {
            encoder.append(message, &sections, to: &output)
            AppendStreamEncoder.appendLinkHeartbeat(to: &output)
        }
        #expect(try append(output, pieces: pieces) == sent)
    }

    @Test func entriesAreWrittenAsMessagesAre() throws {
        var sections = EntrySections()
        for entry in [entry(1), entry(.max, term: .max, nil), entry(7, [])] {
            var encoder = AppendStreamEncoder()
            var output: Bytes = []
            encoder.append(app(after: 0, term: 0, logTerm: 0, [entry]), &sections, to: &output)
            let encoded = entry.encoded()
            #expect(Bytes(output[17..<17 + encoded.count]) == encoded)
        }
    }

    /// Followers at the same place are sent the same bytes, whether the entries were kept or not.
    @Test func keptEntriesAreTheSame() throws {
        let long = [entry(10, Bytes(repeating: 7, count: 300)), entry(11, Bytes(repeating: 8, count: 300))]
        var sections = EntrySections()
        var outputs: [Bytes] = []
        for _ in 0..<3 {
            var encoder = AppendStreamEncoder()
            var output: Bytes = []
            encoder.append(app(after: 8, [entry(9)]), &sections, to: &output)
            encoder.append(app(after: 9, long), &sections, to: &output)
            encoder.append(app(after: 11, [entry(12, Bytes(repeating: 1, count: 400))]), &sections, to: &output)
            outputs.append(output)
        }
        #expect(outputs[1] == outputs[0] && outputs[2] == outputs[0])
        #expect(try append(outputs[2]).map(\.entries.count) == [1, 2, 1])
    }

    @Test func readsGooglesDialect() throws {
        // The message stream's heartbeat between members, and a MsgApp without what is 0 and with an empty snapshot.
        #expect(try message(hexadecimal("0000000000000002 0808")).isEmpty, "a link heartbeat is no message")
        let heartbeat = hexadecimal("0000000000000006 0808 1001 1802")
        #expect(try message(heartbeat).map(\.from) == [2])
        let empty = hexadecimal("000000000000000c 0803 1001 1802 3a00 4a02 1200")
        let read = try message(empty)
        #expect(read.count == 1 && read[0].snapshot == nil && read[0].entries == [RaftEntry()])
    }

    @Test(arguments: [1, 5, .max])
    func messagesBehindTheirLengths(pieces: Int) throws {
        var vote = RaftMessage()
        vote.type = .vote
        vote.from = 2
        vote.to = 1
        vote.context = Bytes(text: "CampaignTransfer")
        var output: Bytes = []
        vote.appendFrame(to: &output)
        RaftMessage.linkHeartbeat.appendFrame(to: &output)
        app(after: 1, [entry(2)]).appendFrame(to: &output)
        #expect(try message(output, pieces: pieces) == [vote, app(after: 1, [entry(2)])])
    }

    // MARK: Bounds

    @Test func lengthsAreBounded() {
        #expect(throws: PeerProtocolError.limitExceeded(byteCount: 1 << 29 + 1)) {
            try message(Bytes(bigEndian: 1 << 29 + 1))
        }
        #expect(throws: PeerProtocolError.limitExceeded(byteCount: .max)) { try append([2] + Bytes(bigEndian: .max)) }
        #expect(throws: PeerProtocolError.tooManyEntries(.max)) { try append([1] + Bytes(bigEndian: .max)) }
        #expect(throws: PeerProtocolError.unknownFrame(3)) { try append([3]) }
        // Each entry is short enough, all together are not.
        let first = [1] + Bytes(bigEndian: 2) + Bytes(bigEndian: 4) + hexadecimal("0800 1005")
        #expect(throws: PeerProtocolError.limitExceeded(byteCount: 1 << 29)) {
            try append(first + Bytes(bigEndian: 1 << 29))
        }
    }

    @Test func malformedMessagesAreErrors() {
        #expect(throws: PeerProtocolError.message(.unexpectedEndOfInput)) {
            try message(Bytes(bigEndian: 1) + [0x08])
        }
        #expect(throws: PeerProtocolError.message(.unexpectedEndOfInput)) {
            try append([1] + Bytes(bigEndian: 1) + Bytes(bigEndian: 1) + [0x08])
        }
    }

    /// A peer that says anything never makes it trap.
    @Test func nothingTraps() {
        var entropy = SeededEntropy(seed: 11)
        for _ in 0..<2000 {
            let bytes = (0..<Int(entropy.next() % 80)).map { _ in
                entropy.next() % 3 == 0 ? UInt8(truncatingIfNeeded: entropy.next()) : UInt8(entropy.next() % 3)
            }
            _ = try? append(bytes, pieces: 1 + Int(entropy.next() % 9))
            _ = try? message(bytes, pieces: 1 + Int(entropy.next() % 9))
        }
    }

    @Test func anIndexAtTheEndWrapsInsteadOfTrapping() throws {
        var output: Bytes = [2]
        app(after: .max, []).appendFrame(to: &output)
        output += [1] + Bytes(bigEndian: 1) + Bytes(bigEndian: 0) + Bytes(bigEndian: 0)
        output += [1] + Bytes(bigEndian: 0) + Bytes(bigEndian: 0)
        #expect(try append(output).map(\.index) == [.max, .max, 0])
    }
}
