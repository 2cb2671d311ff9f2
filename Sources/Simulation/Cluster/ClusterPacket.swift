internal import EtcdMessages
internal import Node
internal import Primitives
internal import SimulatedPlatform

/// What travels between members. It never changes; a class, so that who hands it on does not copy a message.
package final class ClusterPacket {
    enum Content {
        case message(RaftMessage)
        /// A snapshot with its file; the sender's token says whom to tell how it went.
        case snapshot(RaftMessage, Bytes, RequestToken)
        case question(PeerQuestion)
        case answer(UInt64, Result<PeerAnswer, PeerQuestionError>)
    }

    let content: Content
    /// Which process of its member, counted, asked or sends the snapshot: what is heard of it is for no later one, whose own
    /// questions have the same numbers. A connection ends with its process.
    let process: Int

    init(content: Content, process: Int = 0) {
        self.content = content
        self.process = process
    }

    /// Takes in what tells it from others.
    func mix(into hash: inout TraceHash) {
        switch content {
        case .message(let message):
            hash.mix(Int(message.type.rawValue))
            hash.mix(message.term)
            hash.mix(message.logTerm)
            hash.mix(message.index)
            hash.mix(message.entries.count)
            hash.mix(message.commit)
            hash.mix(message.reject ? 1 : 0)
        case .snapshot(let message, let bytes, _):
            hash.mix(message.snapshot?.metadata.index ?? 0)
            hash.mix(bytes.count)
        case .question(let question): hash.mix(question.number)
        case .answer(let number, _): hash.mix(number)
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
