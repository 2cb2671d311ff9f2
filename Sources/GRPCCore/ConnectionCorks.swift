internal import Glibc
internal import Synchronization

/// Holds back what the core writes to its connections while it is given many messages, so that those of one connection
/// leave together, in few packets, and wake its client once.
///
/// The core makes one `sendmsg` of each message. With TCP_CORK the kernel only keeps them; taking the cork away sends them
/// all. The descriptors are the core's, which may close one at any time: each is known by its socket's cookie too, a number
/// that the kernel never gives twice, and forgotten when that no longer fits. A descriptor that is closed between the look
/// and the call is another socket of this process at worst, which then waits until the cork is taken away again.
final class ConnectionCorks: Sendable {
    private struct Connection {
        let descriptor: Int32
        let cookie: UInt64

        /// Whether the descriptor still is this connection's.
        var isOpen: Bool { ConnectionCorks.cookie(of: descriptor) == cookie }
    }

    private struct State {
        var connections: [Connection] = []
        /// Times that there seemed to be too many connections, since those that are closed were last forgotten.
        var refusals = 0
    }

    private let state = Mutex(State())

    /// With fewer messages for each connection, corks cost more than they save.
    private static let leastMessagesPerConnection = 2
    /// How many refusals there are between two looks at which connections are closed.
    private static let refusalsBetweenLooks = 256

    /// A connection that the core is about to be given. One that is no TCP socket is of no interest.
    func add(descriptor: Int32) {
        guard let cookie = Self.cookie(of: descriptor), Self.setCork(descriptor, false) else { return }
        state.withLock { $0.connections.append(Connection(descriptor: descriptor, cookie: cookie)) }
    }

    /// Does something with all connections corked, if there are enough messages to make it worthwhile.
    func whileCorked(messageCount: Int, _ body: () -> Void) {
        let corked = cork(messageCount: messageCount)
        body()
        for descriptor in corked { Self.setCork(descriptor, false) }
    }

    private func cork(messageCount: Int) -> [Int32] {
        guard messageCount >= Self.leastMessagesPerConnection else { return [] }
        return state.withLock { state in
            if state.connections.count * Self.leastMessagesPerConnection > messageCount {
                state.refusals += 1
                if state.refusals == Self.refusalsBetweenLooks {
                    state.refusals = 0
                    state.connections.removeAll { !$0.isOpen }
                }
                return []
            }
            state.connections.removeAll { !$0.isOpen }
            for connection in state.connections { Self.setCork(connection.descriptor, true) }
            return state.connections.map(\.descriptor)
        }
    }

    /// How many connections are thought to be open.
    var connectionCount: Int { state.withLock { $0.connections.count } }

    @discardableResult
    private static func setCork(_ descriptor: Int32, _ isOn: Bool) -> Bool {
        var value: Int32 = isOn ? 1 : 0
        return unsafe setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_CORK, &value, socklen_t(MemoryLayout<Int32>.size)) == 0
    }

    private static func cookie(of descriptor: Int32) -> UInt64? {
        var cookie: UInt64 = 0
        var size = socklen_t(MemoryLayout<UInt64>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 else { return nil }
        return cookie
    }
}
