internal import Glibc
package import Primitives

/// A TCP connection on which a test writes what it likes, and reads messages of HTTP/1.1 by hand.
package final class RawConnection {
    /// A request or an answer as it came.
    package struct Message: Equatable {
        package var line: String
        package var fields: [String: String]
        package var body: String
    }

    private let descriptor: Int32
    private var isOpen = true
    private var unread = Bytes()

    /// - Parameter receiveBufferByteCount: what the system keeps for us at most, before the peer has to wait.
    package init(port: some BinaryInteger, receiveBufferByteCount: Int32? = nil) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var size = receiveBufferByteCount {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        let outcome = RawListener.withAddress(port: UInt16(port)) { connect(descriptor, $0, $1) }
        precondition(outcome == 0, "cannot connect")
        writeAtOnce()
    }

    /// - Parameter descriptor: of a connection that is open; it is closed with this one.
    init(descriptor: Int32) {
        self.descriptor = descriptor
        writeAtOnce()
    }

    private func writeAtOnce() {
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { close() }

    package func close() {
        if isOpen { _ = Glibc.close(descriptor) }
        isOpen = false
    }

    // MARK: Writing

    /// Writes all; false if the peer takes no more.
    @discardableResult
    package func write(_ bytes: Bytes) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    @discardableResult
    package func write(_ text: String) -> Bool { write(Bytes(text: text)) }

    /// Writes a text again and again until the peer takes no more for a while. How many bytes it took, at most `limit` or so.
    package func writeUntilStuck(_ text: String, limit: Int, patienceMilliseconds: Int32 = 700) -> Int {
        let block = Array(String(repeating: text, count: 1000).utf8)
        var total = 0
        while total < limit {
            var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            guard poll(&poller, 1, patienceMilliseconds) == 1 else { break }
            let offset = total % block.count
            let count = block.withUnsafeBytes {
                send(
                    descriptor, $0.baseAddress! + offset, block.count - offset,
                    Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count > 0 { total += count } else if errno != EAGAIN { break }
        }
        return total
    }

    /// Makes the end of the connection a reset instead of a close.
    package func resetAtEnd() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    package func endWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

    // MARK: Reading

    /// The next message; nil if the connection ends before it is whole, or nothing comes in time.
    package func message(withoutBody: Bool = false, withinMilliseconds milliseconds: Int32 = 10_000) -> Message? {
        while true {
            if let message = takeMessage(withoutBody: withoutBody) { return message }
            guard readMore(milliseconds) == .some(true) else { return nil }
        }
    }

    /// Status and body of the next answer.
    package func verdict() -> String {
        guard let answer = message() else { return "nothing" }
        return answer.line.dropFirst("HTTP/1.1 ".count).prefix(3) + " " + answer.body
    }

    /// Whether the peer closes its side, with nothing unread before it.
    package func isClosed(withinMilliseconds milliseconds: Int32 = 10_000) -> Bool {
        unread.isEmpty && readMore(milliseconds) == .some(false)
    }

    /// Whether the peer closes its side, whatever it says before.
    package func isClosedAtLast(withinMilliseconds milliseconds: Int32 = 10_000) -> Bool {
        while true {
            guard let more = readMore(milliseconds) else { return false }
            if !more { return true }
        }
    }

    /// Whether nothing comes for a while, the end included.
    package func isSilent(forMilliseconds milliseconds: Int32 = 100) -> Bool {
        unread.isEmpty && readMore(milliseconds) == nil
    }

    /// True for more, false for the end, nil for silence.
    private func readMore(_ milliseconds: Int32) -> Bool? {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&poller, 1, milliseconds) == 1 else { return nil }
        var buffer = Bytes(repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return false }
        unread += buffer.prefix(count)
        return true
    }

    private func takeMessage(withoutBody: Bool) -> Message? {
        let end = Array("\r\n\r\n".utf8)
        guard let bodyStart = (0..<max(0, unread.count - 3)).first(where: { unread[$0..<$0 + 4].elementsEqual(end) })
        else { return nil }
        let lines = unread[..<bodyStart].split(separator: UInt8(ascii: "\n"))
            .map { String(decoding: $0.filter { $0 != UInt8(ascii: "\r") }, as: UTF8.self) }
        var message = Message(line: lines[0], fields: [:], body: "")
        for line in lines.dropFirst() {
            let sides = line.split(separator: ":", maxSplits: 1).map(String.init)
            message.fields[sides[0].lowercased()] = String(sides[1].dropFirst())
        }
        let length = withoutBody ? 0 : message.fields["content-length"].flatMap { Int($0) } ?? 0
        guard unread.count >= bodyStart + 4 + length else { return nil }
        message.body = String(decoding: unread[(bodyStart + 4)..<(bodyStart + 4 + length)], as: UTF8.self)
        unread.removeFirst(bodyStart + 4 + length)
        return message
    }
}
