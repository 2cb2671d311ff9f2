import Primitives
import RawSockets

extension RawConnection {
    /// Writes the head of a request with what a peer says of itself, and its body if there is one.
    ///
    /// - Parameters:
    ///   - chunked: a body that is sent as one chunk, without its length ahead.
    ///   - trailer: the lines behind that.
    func request(
        _ method: String, _ path: String, from id: UInt64 = 0xA2, to: UInt64 = 0xA1, cluster: String = "c1",
        version: String = "3.5.1", urls: String = "", bodyByteCount: Int? = nil, body: Bytes = [],
        chunked: Bytes? = nil, trailer: String = ""
    ) {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: a\r\nX-Server-From: \(String(id, radix: 16))\r\n"
        head += "X-Server-Version: \(version)\r\nX-Min-Cluster-Version: 3.0.0\r\nX-Etcd-Cluster-ID: \(cluster)\r\n"
        head += "X-Raft-To: \(String(to, radix: 16))\r\n"
        if !urls.isEmpty { head += "X-PeerURLs: \(urls)\r\n" }
        if let chunked {
            head += "Transfer-Encoding: chunked\r\n\r\n\(String(chunked.count, radix: 16))\r\n"
            write(Bytes(text: head) + chunked + Bytes(text: "\r\n0\r\n\(trailer)\r\n"))
            return
        }
        if method == "POST" || !body.isEmpty { head += "Content-Length: \(bodyByteCount ?? body.count)\r\n" }
        write(Bytes(text: head + "\r\n") + body)
    }
}
