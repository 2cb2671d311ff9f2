import Environment
import EtcdMessages
import Linearizability
import Primitives

extension History {
    /// Makes one answer, time or outcome another.
    mutating func spoil(_ entropy: inout SeededEntropy) {
        let place = Int(entropy.next() % UInt64(operations.count))
        var operation = operations[place]
        let step = Int64(entropy.next() % 2) * 2 - 1
        switch operation.outcome {
        case .answered(.range(var response), let time):
            switch entropy.next() % 3 {
            case 0: response.header?.revision += step
            case 1: if !response.kvs.isEmpty { response.kvs[0].modRevision += step }
            default: if !response.kvs.isEmpty { response.kvs[0].value = Bytes(text: "v\(entropy.next() % 3)") }
            }
            operation.outcome = .answered(.range(response), at: time)
        case .answered(.put(var response), let time):
            response.header?.revision += step
            operation.outcome = .answered(.put(response), at: time)
        case .answered(.deleteRange(var response), let time):
            response.deleted = max(0, response.deleted + step)
            operation.outcome = .answered(.deleteRange(response), at: time)
        case .answered(.txn, _): operation.outcome = .failed
        case .unknown: operation.outcome = .failed
        default: break
        }
        if entropy.next() % 4 == 0, case .answered(let response, _) = operation.outcome {
            operation.outcome = .answered(response, at: operation.call)
        }
        operations[place] = operation
    }
}
