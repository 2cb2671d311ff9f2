package import EtcdMessages
internal import Primitives
internal import Raft

extension RaftMessage {
    private static let names: [RaftMessageType: String] = [
        .prop: "Prop", .app: "App", .appResp: "AppResp", .vote: "Vote", .voteResp: "VoteResp", .snap: "Snap",
        .heartbeat: "Heartbeat", .heartbeatResp: "HeartbeatResp", .transferLeader: "TransferLeader",
        .timeoutNow: "TimeoutNow", .readIndex: "ReadIndex", .readIndexResp: "ReadIndexResp", .preVote: "PreVote",
        .preVoteResp: "PreVoteResp",
    ]

    /// The message for people: `1->2 App term 3 after 4/2 [5/3 "x"] commit 4`.
    package var line: String {
        var text = "\(from)->\(to) \(Self.names[type] ?? "type \(type.rawValue)")"
        if term > 0 { text += " term \(term)" }
        switch type {
        case .app: text += " after \(index)/\(logTerm)"
        case .vote, .preVote: text += " last \(index)/\(logTerm)"
        case .appResp: text += " \(index)"
        case .readIndexResp: text += " \(index)"
        default: break
        }
        if !entries.isEmpty { text += " [\(entries.map(\.line).joined(separator: ", "))]" }
        if type == .app || type == .heartbeat { text += " commit \(commit)" }
        if reject { text += " rejected" }
        if reject && type == .appResp { text += " hint \(rejectHint)/\(logTerm)" }
        if let metadata = snapshot?.metadata { text += " \(metadata.index)/\(metadata.term)" }
        if let context { text += context.text == "CampaignTransfer" ? " transfer" : " context \(context.number)" }
        return text
    }
}

extension RaftEntry {
    /// The entry for people: its place and term, and what is in it.
    package var line: String {
        let place = index == 0 ? "" : "\(index)/\(term) "
        if type != .normal { return place + "change" }
        guard let data else { return place + "empty" }
        return place + (data.count == 8 ? "#\(data.number)" : "\"\(data.text)\"")
    }
}

extension Bytes {
    fileprivate var number: String { UInt64(bigEndianBytes: self).map { "\($0)" } ?? "\(count) bytes" }
}

extension RaftHost {
    /// The member for people: its role, term and log.
    package var line: String {
        if isDown { return "\(id) down" }
        let log = raft.log
        let synced = log.syncedIndex < log.lastIndex ? " synced \(log.syncedIndex)" : ""
        return "\(id) \(raft.role) term \(raft.term) log \(log.compactedIndex.next)..\(log.lastIndex)\(synced) commit "
            + "\(log.committedIndex) applied \(store.index)"
    }
}
