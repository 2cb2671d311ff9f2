internal import Glibc
internal import Primitives

/// One of the process's standard streams for output.
package enum StandardStream: Int32, Sendable {
    case output = 1
    case error = 2

    /// Writes a text in as few pieces as the system allows. What cannot be written is lost: there is nowhere to say so.
    package func write(_ text: String) {
        var rest = Bytes(text: text)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(rawValue, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            rest.removeFirst(count)
        }
    }
}
