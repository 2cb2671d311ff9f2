internal import EtcdMessages
internal import Membership
internal import Raft

/// Questions to other members, and their answers.
extension Node {
    /// Asks a member something. What becomes of it is told to whoever the purpose names.
    ///
    /// - Returns: the number of the question.
    @discardableResult
    func ask(_ member: ClusterMember, _ kind: PeerQuestion.Kind, for purpose: PeerQuestions.Purpose) -> UInt64 {
        let number = peerQuestions.add(purpose)
        emit(.askPeer(PeerQuestion(number: number, to: member.id, peerURLs: member.peerURLs, kind: kind)))
        return number
    }

    /// A question to another member is answered, or will not be.
    package func peerAnswered(_ number: UInt64, _ answer: Result<PeerAnswer, PeerQuestionError>) {
        switch peerQuestions.take(number) {
        case .lease: leaderAnswered(number, answer)
        case .version(let term): versionAnswered(in: term, answer)
        case .corruption: corruptionAnswered(number, answer)
        case nil: break
        }
    }
}
