internal import EtcdMessages
package import MVCC
package import Primitives
internal import Store

/// A read of the whole store over an immutable view, too long for the loop: a hash.
package enum LongRead: Sendable {
    case hashKV(HashKVJob)
    case hash(BackendHashJob)

    /// Does the work, on any thread.
    package func run() -> Result<Reply, EtcdError> {
        do throws(MVCCError) {
            switch self {
            case .hashKV(let job):
                let answer = try job.run()
                var response = HashKVResponse()
                response.hash = answer.hash
                response.compactRevision = answer.compactRevision
                response.hashRevision = answer.hashRevision
                return .success(Reply(revision: answer.headerRevision, body: response.encoded()))
            case .hash(let job):
                var response = HashResponse()
                response.hash = try job.run()
                return .success(Reply(revision: job.headerRevision, body: response.encoded()))
            }
        } catch {
            return .failure(error.etcdError)
        }
    }
}
