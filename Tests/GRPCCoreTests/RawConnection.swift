import GRPCCore
import Glibc
import Primitives

/// A TCP connection on which the test writes what it likes.
final class RawConnection {
    private let descriptor: Int32

    init(port: UInt16) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let outcome = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        precondition(outcome == 0, "cannot connect")
    }

    deinit { _ = close(descriptor) }

    func write(_ bytes: Bytes) {
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    func endWriting() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    func write(_ text: String) { write(Bytes(text: text)) }

    /// What comes until the peer closes; nil if it has not closed after so many milliseconds without input.
    func readToEnd(timeoutMilliseconds: Int32 = 5000) -> Bytes? {
        var all = Bytes()
        while let more = read(timeoutMilliseconds: timeoutMilliseconds) {
            if more.isEmpty { return all }
            all += more
        }
        return nil
    }

    /// What has come next; empty if the peer has closed, nil if nothing comes in time.
    func read(timeoutMilliseconds: Int32 = 5000) -> Bytes? {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&poller, 1, timeoutMilliseconds) == 1 else { return nil }
        var buffer = Bytes(repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return Bytes(buffer.prefix(max(0, count)))
    }
}

/// Frames of HTTP/2, by hand.
enum HTTP2 {
    static let preface = Bytes(text: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    static let settings = frame(type: 4, flags: 0, stream: 0, [])
    static let ping = frame(type: 6, flags: 0, stream: 0, Bytes(repeating: 1, count: 8))

    static func frame(type: UInt8, flags: UInt8, stream: UInt32, _ payload: Bytes) -> Bytes {
        let length = payload.count
        let head = [UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255), type, flags]
        return head + withUnsafeBytes(of: stream.bigEndian) { Bytes($0) } + payload
    }

    /// The headers of a gRPC call, none of them compressed.
    static func headers(path: String, stream: UInt32, fields more: [(String, String)] = []) -> Bytes {
        let fields = [
            (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "test"),
            ("content-type", "application/grpc"), ("te", "trailers"),
        ]
        var block = Bytes()
        for (name, value) in fields + more {
            block +=
                [0x00, UInt8(name.utf8.count)] + Bytes(text: name) + [UInt8(value.utf8.count)] + Bytes(text: value)
        }
        return frame(type: 1, flags: 4, stream: stream, block)
    }
}

extension Array where Element == UInt8 {
    func contains(_ text: String) -> Bool { self.text.contains(text) }
}
