internal import CGRPCShim
internal import Glibc
internal import Primitives

/// What runs on the acceptor's thread, and belongs to it alone.
final class AcceptorLoop {
    /// A connection that has not yet shown what it speaks.
    private struct Undecided {
        let serial: UInt64
        let listener: Int32
    }

    /// When an undecided connection is closed.
    private struct Expiry {
        let descriptor: Int32
        let serial: UInt64
        /// In nanoseconds on CLOCK_MONOTONIC.
        let time: UInt64
    }

    private let settings: AcceptorSettings
    private let port: GRPCConnectionPort
    private let stopEvent: Int32
    private let listeners: [Int32: AcceptedProtocols]
    private let maxDescriptor: Int32
    private let epoll: Int32
    private var undecided: [Int32: Undecided] = [:]
    private var expiries = WaitingQueue<Expiry>()
    private var nextSerial: UInt64 = 0
    /// When to listen again, after the system ran out of descriptors or memory; nil while listening.
    private var resumeTime: UInt64?

    private static let resumeDelayNanoseconds: UInt64 = 50_000_000
    private static let descriptorReserve: Int32 = 150

    init(
        settings: AcceptorSettings, port: GRPCConnectionPort, stopEvent: Int32,
        listeners: [Int32: AcceptedProtocols]
    ) throws(GRPCError) {
        self.settings = settings
        self.port = port
        self.stopEvent = stopEvent
        self.listeners = listeners
        if let chosen = settings.maxDescriptor {
            maxDescriptor = chosen
        } else {
            maxDescriptor = try Self.defaultMaxDescriptor()
        }
        epoll = martlet_epoll_create()
        guard epoll >= 0 else { throw .system(call: "epoll_create1", errorNumber: errno) }
        for descriptor in listeners.keys + [stopEvent] where martlet_epoll_add(epoll, descriptor, 0) != 0 {
            let error = GRPCError.system(call: "epoll_ctl", errorNumber: errno)
            _ = close(epoll)
            throw error
        }
    }

    private static func defaultMaxDescriptor() throws(GRPCError) -> Int32 {
        var limits = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return .max }
        return try maxDescriptor(limit: Int32(clamping: limits.rlim_cur))
    }

    /// The first descriptor that is not for connections, of a process that may have so many.
    static func maxDescriptor(limit: Int32) throws(GRPCError) -> Int32 {
        guard limit > descriptorReserve else { throw .descriptorLimitTooLow(limit) }
        return limit - descriptorReserve
    }

    private static func now() -> UInt64 {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Accepts until the stop event comes.
    func run() {
        var ready = [Int32](repeating: 0, count: 64)
        while true {
            let count = unsafe martlet_epoll_wait(epoll, &ready, Int32(ready.count), waitMilliseconds())
            for descriptor in ready.prefix(Int(max(0, count))) {
                if descriptor == stopEvent {
                    closeAll()
                    return
                }
                if listeners[descriptor] != nil {
                    acceptAll(listener: descriptor)
                } else if descriptor >= 0 {
                    decide(descriptor)
                } else if !decide(~descriptor) {
                    // What it has sent tells nothing, and no more will come.
                    drop(~descriptor)
                }
            }
            expire()
        }
    }

    /// How long to sleep if nothing happens: until the next connection expires, or listening is taken up again.
    private func waitMilliseconds() -> Int32 {
        let times = [expiries.first?.time, resumeTime].compactMap { $0 }
        guard let next = times.min() else { return -1 }
        let now = Self.now()
        return next <= now ? 0 : Int32(clamping: (next - now) / 1_000_000 + 1)
    }

    private func acceptAll(listener: Int32) {
        while true {
            let descriptor = martlet_accept(listener)
            if descriptor < 0 {
                switch errno {
                case EINTR, ECONNABORTED: continue
                case EMFILE, ENFILE, ENOBUFS, ENOMEM: pauseListening()
                default: break
                }
                return
            }
            if descriptor >= maxDescriptor {
                // Those that have not even said what they want make room first.
                if undecided.isEmpty {
                    _ = close(descriptor)
                    continue
                }
                closeOldest()
            }
            ListenAddress.setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
            ListenAddress.setOption(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
            admit(descriptor, listener: listener)
        }
    }

    /// Takes in a new connection: most have sent their first bytes by the time they are accepted.
    private func admit(_ descriptor: Int32, listener: Int32) {
        if undecided.count >= settings.maxUndecidedConnections { closeOldest() }
        undecided[descriptor] = Undecided(serial: nextSerial, listener: listener)
        if decide(descriptor) { return }
        guard martlet_epoll_add(epoll, descriptor, 1) == 0 else {
            undecided[descriptor] = nil
            _ = close(descriptor)
            return
        }
        expiries.append(
            Expiry(
                descriptor: descriptor, serial: nextSerial, time: Self.now() &+ settings.decisionTimeoutNanoseconds))
        nextSerial += 1
    }

    /// Looks at what a connection has sent, and passes it on if that tells what it speaks. False if it must be waited for.
    @discardableResult
    private func decide(_ descriptor: Int32) -> Bool {
        guard let connection = undecided[descriptor] else { return true }
        var prefix = [UInt8](repeating: 0, count: ConnectionProtocol.maxPrefixByteCount)
        let count = unsafe recv(descriptor, &prefix, prefix.count, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        if count < 0 {
            if errno == EAGAIN || errno == EINTR { return false }
            drop(descriptor)
            return true
        }
        if count == 0 {
            drop(descriptor)
            return true
        }
        guard let speaks = ConnectionProtocol.decide(prefix[..<count]) else { return false }
        undecided[descriptor] = nil
        _ = martlet_epoll_remove(epoll, descriptor)
        let serves = listeners[connection.listener]
        if speaks == .http2, serves?.servesGRPC == true {
            port.take(descriptor: descriptor, listener: connection.listener)
        } else if let sink = serves?.sink {
            sink.take(descriptor: descriptor, speaking: speaks)
        } else {
            refuse(descriptor, speaking: speaks)
        }
        return true
    }

    /// Closes a connection that nobody serves, with an answer if it is HTTP/1.
    private func refuse(_ descriptor: Int32, speaking: ConnectionProtocol) {
        if speaking == .http1 {
            // What was sent is read first: closing a socket with unread input would take the answer away with it.
            var request = [UInt8](repeating: 0, count: 4096)
            _ = unsafe recv(descriptor, &request, request.count, Int32(MSG_DONTWAIT))
            let answer = Array(Self.badRequest.utf8)
            let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
            _ = unsafe send(descriptor, answer, answer.count, flags)
        }
        _ = close(descriptor)
    }

    /// As Go's HTTP server answers what it cannot read.
    private static let badRequest =
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"

    private func drop(_ descriptor: Int32) {
        undecided[descriptor] = nil
        _ = close(descriptor)
    }

    private func closeOldest() {
        while let oldest = expiries.first {
            expiries.removeFirst()
            if undecided[oldest.descriptor]?.serial == oldest.serial {
                drop(oldest.descriptor)
                return
            }
        }
    }

    private func expire() {
        let now = Self.now()
        while let oldest = expiries.first, oldest.time <= now {
            expiries.removeFirst()
            if undecided[oldest.descriptor]?.serial == oldest.serial { drop(oldest.descriptor) }
        }
        if let resumeTime, resumeTime <= now {
            self.resumeTime = nil
            for listener in listeners.keys { _ = martlet_epoll_add(epoll, listener, 0) }
        }
    }

    /// Leaves new connections in the system's queue for a while.
    private func pauseListening() {
        guard resumeTime == nil else { return }
        resumeTime = Self.now() &+ Self.resumeDelayNanoseconds
        for listener in listeners.keys { _ = martlet_epoll_remove(epoll, listener) }
    }

    private func closeAll() {
        for descriptor in undecided.keys { _ = close(descriptor) }
        undecided.removeAll()
        _ = close(epoll)
    }
}
