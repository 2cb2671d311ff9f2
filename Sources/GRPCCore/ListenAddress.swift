internal import Glibc

/// Where a server listens: at a host, which may be a name, and a TCP port; or at a socket in the file system.
package enum ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// The host is an IPv4 or IPv6 address without brackets, or a name; empty for all addresses. Port 0 lets the system
    /// choose.
    case tcp(host: String, port: UInt16)
    /// What is at the path before is removed, as by etcd (etcd v3.6 `client/pkg/transport/unix_listener.go`).
    case unixSocket(path: String)

    package init(host: String, port: UInt16) {
        self = .tcp(host: host, port: port)
    }

    /// How long the path of a socket may be, by the system's address of one.
    package static let maxSocketPathByteCount = 107

    /// Whether a host is an address rather than a name.
    package static func isNumeric(host: String) -> Bool {
        var address = in6_addr()
        return unsafe inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1
    }

    /// Reads `host:port`, with brackets around an IPv6 address.
    package init(parsing text: String) throws(GRPCError) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw .malformedAddress(text)
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw .malformedAddress(text)
        }
        self.init(host: String(host), port: port)
    }

    package var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unixSocket(let path): path
        }
    }

    /// Opens a listening, non-blocking socket. `sharesPort` sets SO_REUSEPORT, so that other sockets may have the port too.
    func openListener(backlog: Int32, sharesPort: Bool = false) throws(GRPCError) -> Int32 {
        switch self {
        case .tcp(let host, let port):
            try Self.openTCP(host: host, port: port, backlog: backlog, sharesPort: sharesPort)
        case .unixSocket(let path): try Self.openUnix(path: path, backlog: backlog)
        }
    }

    private static func openUnix(path: String, backlog: Int32) throws(GRPCError) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard !path.isEmpty, path.utf8.count <= maxSocketPathByteCount, !path.utf8.contains(0) else {
            throw .malformedAddress(path)
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else { throw .system(call: "socket", errorNumber: errno) }
        // Only a socket: a file that a mistyped path names is somebody's.
        var status = stat()
        if unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK { _ = unsafe unlink(path) }
        let outcome = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard outcome == 0 else { throw failure(of: "bind", closing: descriptor) }
        guard Glibc.listen(descriptor, backlog) == 0 else { throw failure(of: "listen", closing: descriptor) }
        return descriptor
    }

    /// Takes a socket's name out of the file system, once nobody listens there.
    func removeName() {
        if case .unixSocket(let path) = self { _ = unsafe unlink(path) }
    }

    /// At the first address of the host, an IPv4 one if it has any, as Go does.
    private static func openTCP(
        host: String, port: UInt16, backlog: Int32, sharesPort: Bool
    ) throws(GRPCError) -> Int32 {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_PASSIVE
        var list: UnsafeMutablePointer<addrinfo>?
        let outcome = unsafe getaddrinfo(host.isEmpty ? nil : host, String(port), &hints, &list)
        guard outcome == 0, let first = unsafe list else {
            throw .unresolvedHost(host, reason: unsafe String(cString: gai_strerror(outcome)))
        }
        defer { unsafe freeaddrinfo(first) }
        let isWildcard = host.isEmpty || host == "::"
        var chosen = unsafe first
        var next: UnsafeMutablePointer<addrinfo>? = unsafe first
        let preferred = isWildcard ? AF_INET6 : AF_INET
        while let candidate = unsafe next {
            if unsafe candidate.pointee.ai_family == preferred {
                unsafe chosen = candidate
                break
            }
            unsafe next = candidate.pointee.ai_next
        }
        return try unsafe listen(at: chosen.pointee, backlog: backlog, sharesPort: sharesPort)
    }

    private static func listen(
        at address: addrinfo, backlog: Int32, sharesPort: Bool
    ) throws(GRPCError) -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = unsafe socket(address.ai_family, type, 0)
        guard descriptor >= 0 else { throw .system(call: "socket", errorNumber: errno) }
        setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        if sharesPort { setOption(descriptor, SOL_SOCKET, SO_REUSEPORT, 1) }
        // "::" stands for IPv4 as well.
        if unsafe address.ai_family == AF_INET6 { setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
        guard unsafe bind(descriptor, address.ai_addr, address.ai_addrlen) == 0 else {
            throw failure(of: "bind", closing: descriptor)
        }
        guard Glibc.listen(descriptor, backlog) == 0 else { throw failure(of: "listen", closing: descriptor) }
        return descriptor
    }

    private static func failure(of call: String, closing descriptor: Int32) -> GRPCError {
        let error = GRPCError.system(call: call, errorNumber: errno)
        _ = close(descriptor)
        return error
    }

    /// Sets an option of a socket; one that cannot be set changes nothing that matters for being served.
    static func setOption(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        _ = unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    /// The port that a socket is bound to; of no meaning for one in the file system.
    static func boundPort(of descriptor: Int32) throws(GRPCError) -> UInt16 {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let outcome = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(descriptor, $0, &length)
            }
        }
        guard outcome == 0 else { throw .system(call: "getsockname", errorNumber: errno) }
        // The port stands at the same place in both families' addresses.
        return unsafe withUnsafeBytes(of: &storage) {
            UInt16(bigEndian: unsafe $0.load(fromByteOffset: 2, as: UInt16.self))
        }
    }
}
