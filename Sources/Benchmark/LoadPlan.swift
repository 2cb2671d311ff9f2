/// How much load, for how long.
package struct LoadPlan: Sendable {
    /// Connections, each with a thread of its own.
    package var connectionCount = 1
    /// Clients of all connections together: calls under way at once.
    package var clientCount = 1
    /// Calls of all connections together; nil is as many as the time allows.
    package var callCount: UInt64?
    /// How long in nanoseconds calls are begun; nil is until all are made.
    package var durationNanoseconds: UInt64?
    /// Calls begun each second by all connections together; nil is as fast as answers come. With a rate a call's latency
    /// counts from when it was due, so that a stall of the server is seen in all the calls that it held up.
    package var callsPerSecond: Double?
    /// How long in nanoseconds a call may take.
    package var timeoutNanoseconds: UInt64 = 10_000_000_000

    package init() {}

    /// The part of one connection.
    func share(of connection: Int) -> LoadPlan {
        var share = self
        share.connectionCount = 1
        share.clientCount = (clientCount + connection) / connectionCount
        if let callCount {
            share.callCount = (callCount + UInt64(connection)) / UInt64(connectionCount)
        }
        if let callsPerSecond { share.callsPerSecond = callsPerSecond / Double(connectionCount) }
        return share
    }
}
