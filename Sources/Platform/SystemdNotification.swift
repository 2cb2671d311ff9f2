internal import Glibc

/// Telling systemd, or whoever else supervises the process in its manner, that the server is ready (sd_notify(3)).
package enum SystemdNotification {
    /// What became of a notification.
    package enum Outcome: Hashable, Sendable {
        /// Nobody waits for one: `NOTIFY_SOCKET` is not set.
        case notWanted
        case sent
        /// The socket could not be written to; the error's number.
        case failed(Int32)
    }

    /// Sends `READY=1` to the socket that `NOTIFY_SOCKET` names: a path, or an abstract name behind an `@`.
    package static func ready(socket name: String?) -> Outcome {
        guard let name, !name.isEmpty else { return .notWanted }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard name.hasPrefix("/") || name.hasPrefix("@"), name.utf8.count < capacity else { return .failed(EINVAL) }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { path in
            unsafe path.copyBytes(from: name.utf8)
            if name.hasPrefix("@") { unsafe path[0] = 0 }
        }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return .failed(errno) }
        defer { close(descriptor) }
        // The name ends with its last byte: an abstract one is not ended by a zero.
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.utf8.count)
        let text = Array("READY=1".utf8)
        let count = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe sendto(descriptor, text, text.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
        return count == text.count ? .sent : .failed(errno)
    }
}
