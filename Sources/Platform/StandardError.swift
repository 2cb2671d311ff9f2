internal import Glibc
internal import Primitives

/// The process's standard error.
package enum StandardError {
    /// Writes a text in as few pieces as the system allows. What cannot be written is lost: there is nowhere to say so.
    package static func write(_ text: String) {
        var rest = Bytes(text: text)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(2, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            rest.removeFirst(count)
        }
    }
}
