/// Why a `PeerQuestion` has no answer.
package enum PeerQuestionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The member was not reached, did not answer in time, or answered what cannot be read. The text says which.
    case unreachable(String)
    /// The member refused: the HTTP status, and the text of its answer without the line's end.
    case refused(status: Int, text: String)

    package var description: String {
        switch self {
        case .unreachable(let text): text
        case .refused(let status, let text): "\(status): \(text)"
        }
    }
}
