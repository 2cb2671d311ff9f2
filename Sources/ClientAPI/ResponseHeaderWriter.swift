internal import EtcdMessages
internal import Primitives

/// Writes the header that begins every answer: field 1, `ResponseHeader`. The bytes are used again for each.
struct ResponseHeaderWriter {
    /// Cluster and member: the same in every header.
    private let identity: Bytes
    private(set) var bytes: Bytes = []

    init(clusterID: ClusterID, memberID: MemberID) {
        var header = ResponseHeader()
        header.clusterID = clusterID.rawValue
        header.memberID = memberID.rawValue
        identity = header.encoded()
        bytes.reserveCapacity(64)
    }

    /// Makes `bytes` the header of an answer.
    mutating func write(revision: Int64, term: Term) {
        bytes.removeAll(keepingCapacity: true)
        bytes.append(1 << 3 | 2)
        // Two ids, a revision and a term take at most 4 x 11 bytes, so the length takes one; it is filled in below.
        bytes.append(0)
        bytes.append(contentsOf: identity)
        appendVarint(field: 3, UInt64(bitPattern: revision))
        appendVarint(field: 4, term.rawValue)
        bytes[1] = UInt8(bytes.count - 2)
    }

    private mutating func appendVarint(field: UInt8, _ value: UInt64) {
        guard value != 0 else { return }
        bytes.append(field << 3)
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
