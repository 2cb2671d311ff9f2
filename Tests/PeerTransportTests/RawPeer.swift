import Glibc
import Primitives

/// A TCP connection on which the test writes what it likes, and reads answers by hand.
final class RawPeer {
    /// An answer as it came.
    struct Answer: Equatable {
        var line: String
        var fields: [String: String]
        var body: String
    }

    private let descriptor: Int32
    private var unread = Bytes()

    /// - Parameter receiveBufferByteCount: what the system keeps for us at most, before the peer has to wait.
    init(port: Int, receiveBufferByteCount: Int32? = nil) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var size = receiveBufferByteCount {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let outcome = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        precondition(outcome == 0, "cannot connect")
    }

    deinit { _ = Glibc.close(descriptor) }

    /// Writes all; false if the peer takes no more.
    @discardableResult
    func write(_ bytes: Bytes) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    @discardableResult
    func write(_ text: String) -> Bool { write(Bytes(text: text)) }

    /// Writes the head of a request with what a peer says of itself, and its body if there is one.
    func request(
        _ method: String, _ path: String, from id: UInt64 = 0xA2, to: UInt64 = 0xA1, cluster: String = "c1",
        version: String = "3.5.1", urls: String = "", bodyByteCount: Int? = nil, body: Bytes = []
    ) {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: a\r\nX-Server-From: \(String(id, radix: 16))\r\n"
        head += "X-Server-Version: \(version)\r\nX-Min-Cluster-Version: 3.0.0\r\nX-Etcd-Cluster-ID: \(cluster)\r\n"
        head += "X-Raft-To: \(String(to, radix: 16))\r\n"
        if !urls.isEmpty { head += "X-PeerURLs: \(urls)\r\n" }
        if method == "POST" || !body.isEmpty { head += "Content-Length: \(bodyByteCount ?? body.count)\r\n" }
        write(Bytes(text: head + "\r\n") + body)
    }

    /// The next answer; nil if the connection ends before it is whole, or nothing comes in time.
    func answer() -> Answer? {
        while true {
            if let answer = takeAnswer() { return answer }
            guard readMore() == .some(true) else { return nil }
        }
    }

    /// Status and body of the next answer.
    func verdict() -> String {
        guard let answer = answer() else { return "nothing" }
        return answer.line.dropFirst("HTTP/1.1 ".count).prefix(3) + " " + answer.body
    }

    /// Whether the peer closes its side, whatever it says before.
    func isClosed(withinMilliseconds milliseconds: Int32 = 10_000) -> Bool {
        while true {
            guard let more = readMore(milliseconds) else { return false }
            if !more { return true }
        }
    }

    /// True for more, false for the end, nil for silence.
    private func readMore(_ milliseconds: Int32 = 10_000) -> Bool? {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&poller, 1, milliseconds) == 1 else { return nil }
        var buffer = Bytes(repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return false }
        unread += buffer.prefix(count)
        return true
    }

    private func takeAnswer() -> Answer? {
        let end = Array("\r\n\r\n".utf8)
        guard let bodyStart = (0..<max(0, unread.count - 3)).first(where: { unread[$0..<$0 + 4].elementsEqual(end) })
        else { return nil }
        let lines = unread[..<bodyStart].split(separator: UInt8(ascii: "\n"))
            .map { String(decoding: $0.filter { $0 != UInt8(ascii: "\r") }, as: UTF8.self) }
        var answer = Answer(line: lines[0], fields: [:], body: "")
        for line in lines.dropFirst() {
            let sides = line.split(separator: ":", maxSplits: 1).map(String.init)
            answer.fields[sides[0].lowercased()] = String(sides[1].dropFirst())
        }
        let length = answer.fields["content-length"].flatMap { Int($0) } ?? 0
        guard unread.count >= bodyStart + 4 + length else { return nil }
        answer.body = String(decoding: unread[(bodyStart + 4)..<(bodyStart + 4 + length)], as: UTF8.self)
        unread.removeFirst(bodyStart + 4 + length)
        return answer
    }
}
