internal import Checksums
package import Primitives

/// How etcd makes ids (etcd v3.6 `server/etcdserver/api/membership/member.go`, `cluster.go`).
extension MemberID {
    /// The first 8 bytes, big-endian, of the SHA-1 of the peer URLs in order, the token and, for a member added to a running
    /// cluster, the time.
    ///
    /// - Parameters:
    ///   - clusterToken: `--initial-cluster-token` of a new cluster; empty for a member added later.
    ///   - unixSeconds: nil for a new cluster, so that every member finds the same ids.
    package init(peerURLs: [Bytes], clusterToken: Bytes, unixSeconds: Int64?) {
        var text = peerURLs.sorted { $0.precedes($1) }.reduce(into: Bytes()) { $0 += $1 } + clusterToken
        if let unixSeconds { text += Bytes(text: String(unixSeconds)) }
        self.init(firstBytes(of: SHA1.digest(text)))
    }

    /// Reads an id as people write it: hexadecimal; nil if it is none.
    package init?(hexadecimal text: Bytes) {
        // Swift would take a sign too.
        guard text.first != UInt8(ascii: "+"), text.first != UInt8(ascii: "-"),
            let value = UInt64(text.text, radix: 16)
        else { return nil }
        self.init(value)
    }
}

extension ClusterID {
    /// The id of a new cluster: the first 8 bytes, big-endian, of the SHA-1 of its members' ids in order.
    package init(bootstrapMembers members: [MemberID]) {
        let text = members.sorted().reduce(into: Bytes()) { $0 += Bytes(bigEndian: $1.rawValue) }
        self.init(firstBytes(of: SHA1.digest(text)))
    }
}

private func firstBytes(of digest: Bytes) -> UInt64 {
    digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
}
