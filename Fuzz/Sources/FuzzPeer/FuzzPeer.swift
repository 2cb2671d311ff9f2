internal import CFuzzer
internal import EtcdMessages
internal import Glibc
internal import Membership
internal import PeerProtocol
internal import Primitives

/// Kept from input to input, as a server keeps it.
nonisolated(unsafe) private let decoder = MessageDecoder()
private let (remote, local) = (MemberID(0xA2), MemberID(0xA1))

/// Reads the input as what a peer may send: the first byte says what, the second how long the pieces are in which a stream
/// comes.
private func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let start, count > 1 else { return -1 }
    let input = Bytes(UnsafeBufferPointer(start: start + 2, count: count - 2))
    let piece = 1 + Int(start[1] & 0x3f)
    switch start[0] & 7 {
    case 0: append(input, piece)
    case 1: messages(input, piece)
    case 2: snapshot(input, piece)
    case 3: _ = try? decoder.peerMessage(input.span.bytes)
    case 4: request(input)
    case 5: questions(input)
    case 6: answers(input)
    default: change(input)
    }
    return 0
}

/// The bytes in pieces.
private func pieces(_ bytes: Bytes, _ count: Int) -> [Bytes] {
    stride(from: 0, to: bytes.count, by: count).map { Bytes(bytes[$0..<min($0 + count, bytes.count)]) }
}

// MARK: Streams

private func read(append input: [Bytes]) -> ([RaftMessage], PeerProtocolError?) {
    var stream = AppendStreamDecoder(from: remote, to: local, decoder)
    var messages: [RaftMessage] = []
    do throws(PeerProtocolError) {
        for piece in input { try stream.decode(piece.span.bytes, into: &messages) }
    } catch {
        return (messages, error)
    }
    return (messages, nil)
}

/// Read in pieces it is what it is as a whole; what is read, written and read again is the same.
private func append(_ input: Bytes, _ piece: Int) {
    let whole = read(append: [input])
    assertAlways(whole == read(append: pieces(input, piece)), "the same in pieces")
    var encoder = AppendStreamEncoder()
    var sections = EntrySections()
    var output: Bytes = []
    var sent: [RaftMessage] = []
    for var message in whole.0 where message.type == .app {
        // What a frame of entries does not say of a message is not asked back.
        message.from = remote.rawValue
        message.to = local.rawValue
        message.reject = false
        message.rejectHint = 0
        message.context = nil
        message.vote = 0
        message.responses = []
        guard message.isInSequence else { continue }
        sent.append(message)
        encoder.append(message, &sections, to: &output)
    }
    let again = read(append: [output])
    assertAlways(again.1 == nil && again.0 == sent, "read as it was written")
}

extension RaftMessage {
    /// Whether its entries are as a leader has them: behind its index without a gap, no term later than its own.
    fileprivate var isInSequence: Bool {
        guard index < 1 << 40, term < 1 << 40, logTerm <= term else { return false }
        var last = (index: index, term: logTerm)
        for entry in entries {
            guard entry.index == last.index + 1, entry.term >= last.term, entry.term <= term else { return false }
            last = (entry.index, entry.term)
        }
        return true
    }
}

private func read(messages input: [Bytes]) -> ([RaftMessage], PeerProtocolError?) {
    var stream = MessageStreamDecoder(decoder)
    var messages: [RaftMessage] = []
    do throws(PeerProtocolError) {
        for piece in input { try stream.decode(piece.span.bytes, into: &messages) }
    } catch {
        return (messages, error)
    }
    return (messages, nil)
}

private func messages(_ input: Bytes, _ piece: Int) {
    let whole = read(messages: [input])
    assertAlways(whole == read(messages: pieces(input, piece)), "the same in pieces")
    var output: Bytes = []
    for message in whole.0 { message.appendFrame(to: &output) }
    let again = read(messages: [output])
    assertAlways(again.0 == whole.0 && again.1 == nil, "read as it was written")
}

private func snapshot(_ input: Bytes, _ piece: Int) {
    func read(_ input: [Bytes]) -> (RaftMessage?, Bytes, PeerProtocolError?) {
        var body = SnapshotBodyDecoder(decoder)
        var rest: Bytes = []
        do throws(PeerProtocolError) {
            for piece in input { rest += piece[try body.take(piece.span.bytes)...] }
            try body.end()
        } catch {
            return (body.message, rest, error)
        }
        return (body.message, rest, nil)
    }
    let (whole, cut) = (read([input]), read(pieces(input, piece)))
    assertAlways(whole == cut, "the same in pieces")
}

// MARK: Requests

/// A method, a path and fields, a line each.
private func request(_ input: Bytes) {
    let lines = input.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { Bytes($0).text }
    guard lines.count > 1 else { return }
    let fields = lines.dropFirst(2).map { line in
        let sides = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        return PeerField(String(sides[0]), sides.count > 1 ? String(sides[1]) : "")
    }
    let identity = PeerIdentity(memberID: local, clusterID: ClusterID(0xC1), version: .presented, peerURLs: [])
    let directory = PeerDirectory(members: [remote], removed: [MemberID(0xA9)])
    let request = PeerRequest(method: lines[0], path: lines[1], fields: fields)
    let decision = PeerRouter.route(request, identity, directory)
    if case .stream(_, let id) = decision.route {
        assertAlways(id == remote && PeerCompatibility.check(request, identity) == nil, "a stream for a member only")
    }
    if let sender = decision.sender { _ = PeerEndpoints(sender.peerURLs).current }
}

private func questions(_ input: Bytes) {
    for form in [PeerCallBody.hashKV, .renewLease, .leaseTimeToLive] { _ = form.call(input) }
}

private func answers(_ input: Bytes) {
    if let members = PeerReports.readMembers(input) {
        assertAlways(PeerReports.readMembers(PeerReports.members(members)) != nil, "what we write is what we read")
    }
    _ = PeerReports.readVersion(input)
    if let hash = PeerReports.readHash(input) {
        assertAlways(PeerReports.readHash(PeerReports.hash(hash)) == hash, "what we write is what we read")
    }
    if let report = ProbingReport(input) {
        assertAlways(ProbingReport(report.body) == report, "what we write is what we read")
    }
    _ = PeerEndpoint(input)
    _ = PeerURL(input)
}

/// A change of the members, as it stands in an entry.
private func change(_ input: Bytes) {
    guard let change = try? ConfChange(decoding: input) else {
        _ = try? ConfChangeContext(decoding: input)
        _ = try? ConfChangeV2(decoding: input)
        return
    }
    _ = try? ConfChangeContext(decoding: change.context ?? [])
}

@main
enum Main {
    static func main() {
        exit(martlet_fuzz(CommandLine.argc, CommandLine.unsafeArgv) { fuzz($0, $1) })
    }
}
