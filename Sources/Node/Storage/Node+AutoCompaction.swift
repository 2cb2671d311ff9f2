internal import AutoCompaction
internal import EtcdMessages
internal import MVCC
internal import Primitives
internal import Raft

/// Compaction that nobody asks for (`--auto-compaction-retention`): it goes through the log as a client's does.
extension Node {
    func stepAutoCompaction() {
        guard
            let revision = autoCompactor?.look(
                now: now, revision: mvcc.currentRevision, isLeading: raft.role == .leader)
        else { return }
        var request = CompactionRequest()
        request.revision = revision
        proposeAsLeader(in: raft.term, Proposal(.compaction, request), .autoCompaction)
    }

    func autoCompactionSettled(_ result: Result<Reply, EtcdError>) {
        let isDone =
            switch result {
            case .success: true
            case .failure(let error): error == .compacted
            }
        autoCompactor?.finished(isDone: isDone, now: now)
    }
}
