internal import CGRPCShim
internal import Glibc
internal import Primitives

/// What may be chosen about accepting connections.
package struct AcceptorSettings: Sendable {
    /// How long in nanoseconds a connection may take to show what it speaks; then it is closed.
    package var decisionTimeoutNanoseconds: UInt64 = 10_000_000_000
    /// How many connections may be undecided at a time; when there are more, the oldest is closed.
    package var maxUndecidedConnections = 1024
    /// A connection whose descriptor would be this or higher is closed at once, so that files can still be opened; nil for
    /// the process's limit less 150, etcd's reserve (etcd v3.6 `server/embed/etcd.go`).
    package var maxDescriptor: Int32?
    /// How many connections the system keeps ready to be accepted.
    package var backlog: Int32 = 4096
    /// Whether listeners set SO_REUSEPORT (`--socket-reuse-port`).
    package var sharesPorts = false

    package init() {}
}

/// What is served to those who connect at an address.
package struct AcceptedProtocols: Sendable {
    /// Whether HTTP/2 goes to the gRPC core.
    package var servesGRPC: Bool
    /// Who takes all else; nobody if nil.
    package var sink: (any ConnectionSink)?

    package init(servesGRPC: Bool, sink: (any ConnectionSink)?) {
        self.servesGRPC = servesGRPC
        self.sink = sink
    }
}

/// Owns the listening sockets of the client port, and sorts what connects: HTTP/2 goes to the gRPC core, the rest to a sink.
///
/// One port serves gRPC and HTTP/1 as etcd's does, so somebody must look at the first bytes before the core reads them. This
/// looks without reading (`MSG_PEEK`), on a thread of its own that does nothing else. A client that connects and says nothing
/// costs one descriptor for ten seconds, and never more than a bounded number of them.
///
/// TLS will join here: `ConnectionProtocol.tls` is told apart already, and for now goes to the sink or is closed.
///
/// `@unchecked Sendable`: `listeners` is changed only before the thread starts.
package final class Acceptor: @unchecked Sendable {
    private let settings: AcceptorSettings
    private let port: GRPCConnectionPort
    private let stopEvent: Int32
    private var listeners: [(descriptor: Int32, address: ListenAddress, serves: AcceptedProtocols)] = []
    private var thread: pthread_t?
    private var isClosed = false

    /// An acceptor that hands gRPC connections to `port`.
    package init(settings: AcceptorSettings, port: GRPCConnectionPort) throws(GRPCError) {
        self.settings = settings
        self.port = port
        stopEvent = martlet_event_create()
        guard stopEvent >= 0 else {
            isClosed = true
            throw .system(call: "eventfd", errorNumber: errno)
        }
    }

    deinit {
        assertAlways(isClosed, "an acceptor must be closed")
    }

    /// Listens at one more address. Returns the port, which the system chose if none was given. Only before `start`.
    @discardableResult
    package func listen(
        on address: ListenAddress, serving serves: AcceptedProtocols = AcceptedProtocols(servesGRPC: true, sink: nil)
    ) throws(GRPCError) -> UInt16 {
        assertAlways(thread == nil && !isClosed, "addresses are added before the start")
        let listener = try address.openListener(backlog: settings.backlog, sharesPort: settings.sharesPorts)
        listeners.append((listener, address, serves))
        return try ListenAddress.boundPort(of: listener)
    }

    /// Starts to accept.
    package func start() throws(GRPCError) {
        assertAlways(thread == nil && !isClosed, "an acceptor starts once")
        let loop = try AcceptorLoop(
            settings: settings, port: port, stopEvent: stopEvent,
            listeners: Dictionary(uniqueKeysWithValues: listeners.map { ($0.descriptor, $0.serves) }))
        let context = unsafe Unmanaged.passRetained(loop)
        var thread = pthread_t()
        let outcome = unsafe pthread_create(
            &thread, nil,
            { context in
                unsafe Unmanaged<AcceptorLoop>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            }, context.toOpaque())
        guard outcome == 0 else {
            unsafe context.release()
            throw .system(call: "pthread_create", errorNumber: outcome)
        }
        self.thread = thread
    }

    /// Stops listening and ends the thread; undecided connections are closed. Does nothing the second time.
    package func close() {
        if isClosed { return }
        isClosed = true
        if let thread {
            _ = martlet_event_signal(stopEvent)
            _ = pthread_join(thread, nil)
        }
        for listener in listeners {
            _ = Glibc.close(listener.descriptor)
            listener.address.removeName()
        }
        _ = Glibc.close(stopEvent)
    }
}
