internal import Glibc

/// Where a server listens: a host, which may be a name, and a TCP port.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// An IPv4 or IPv6 address without brackets, or a name; empty for all addresses.
    package let host: String
    /// 0 lets the system choose.
    package let port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
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

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Opens a listening, non-blocking socket at the first address of the host, an IPv4 one if it has any, as Go does.
    func openListener(backlog: Int32) throws(GRPCError) -> Int32 {
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
        return try unsafe Self.listen(at: chosen.pointee, backlog: backlog)
    }

    private static func listen(at address: addrinfo, backlog: Int32) throws(GRPCError) -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = unsafe socket(address.ai_family, type, 0)
        guard descriptor >= 0 else { throw .system(call: "socket", errorNumber: errno) }
        setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
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

    /// The port that a socket is bound to.
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
