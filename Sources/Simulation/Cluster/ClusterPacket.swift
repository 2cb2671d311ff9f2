internal import EtcdMessages
internal import Node
internal import Primitives

/// What travels between members.
package struct ClusterPacket {
    enum Content {
        case message(RaftMessage)
        /// A snapshot with its file; the sender's token says whom to tell how it went.
        case snapshot(RaftMessage, Bytes, RequestToken)
        case question(PeerQuestion)
        case answer(UInt64, Result<PeerAnswer, PeerQuestionError>)
    }

    var content: Content
    /// Which process of its member, counted, asked or sends the snapshot: what is heard of it is for no later one, whose own
    /// questions have the same numbers. A connection ends with its process.
    var process = 0

    /// What tells it from others.
    var numbers: [UInt64] {
        switch content {
        case .message(let message):
            [
                UInt64(bitPattern: Int64(message.type.rawValue)), message.term, message.logTerm, message.index,
                UInt64(message.entries.count), message.commit, message.reject ? 1 : 0,
            ]
        case .snapshot(let message, let bytes, _): [message.snapshot?.metadata.index ?? 0, UInt64(bytes.count)]
        case .question(let question): [question.number]
        case .answer(let number, _): [number]
        }
    }

    /// For people.
    var text: String {
        switch content {
        case .message(let message):
            "\(message.type.rawValue) term \(message.term) \(message.logTerm)/\(message.index) +\(message.entries.count) "
                + "commit \(message.commit) reject \(message.reject)"
        case .snapshot(let message, let bytes, _):
            "snapshot \(message.snapshot?.metadata.index ?? 0), \(bytes.count) bytes"
        case .question(let question): "question \(question.number) \(question.kind)"
        case .answer(let number, _): "answer \(number)"
        }
    }
}
