internal import CGRPC
internal import Primitives

/// A gRPC server over the gRPC C core, driven by one thread: the loop of whoever owns it.
///
/// ## How a shell uses this
///
/// ```swift
/// let server = try GRPCServer(methods: [GRPCMethod(path: "/etcdserverpb.KV/Range", kind: .unary)], settings: .init())
/// let acceptor = try Acceptor(settings: .init(), port: server.connectionPort)
/// try acceptor.listen(on: ListenAddress(host: "127.0.0.1", port: 2379))
/// try acceptor.start()
/// let waker = server.waker                     // for other threads: put the work in a queue, then waker.wake()
/// while running {
///     server.poll(handler, timeoutNanoseconds: 100_000_000)   // calls handler.unaryCall(...) and the like
///     // the owner's own work: apply, ticks, queues of other threads; answers with server.reply(call, ...)
/// }
/// acceptor.close()                             // no new connections
/// server.beginDrain()                          // GOAWAY; calls under way may end
/// while !server.isDrained { server.poll(handler, timeoutNanoseconds: ...); ...; if late { server.cancelAllCalls() } }
/// server.close()                               // frees everything
/// ```
///
/// * `close`, `drain` and `poll` itself must not be called from within a callback; everything else may.
/// * Everything but `waker` and `connectionPort` belongs to the thread that polls.
/// * The handler is told of a call with a `CallID`, and answers with it, from within the callback or later. A stale number
///   is ignored, so that an answer that crosses with the client's cancellation needs no care.
/// * A unary call gets one `reply` or `fail`. A stream gets any number of `send`s, one at a time (the next after
///   `sendCompleted`), and one `finish`; these may come while the client still sends.
/// * Nothing is allocated per call beyond what the core does: the places of calls are made once and used again.
///
/// ## What the server answers by itself
///
/// Calls of unknown methods, messages that are too long (both with grpc-go's texts, which clients and tests match), calls
/// whose deadline has passed, and the health service `grpc.health.v1.Health`.
@safe
package final class GRPCServer {
    /// A method as the core knows it; those of the health service come after the owner's.
    @safe
    struct RegisteredMethod {
        enum Target {
            case handler(MethodIndex)
            case healthCheck
            case healthWatch
        }

        let target: Target
        let kind: GRPCMethod.Kind
        let outstandingRequests: Int
        let handle: UnsafeMutableRawPointer
    }

    /// Operations of a call that the core has not been given yet.
    struct GatheredBatch {
        let slot: Int
        let operations: Int
        let event: CompletionTag.Event
    }

    /// A unary call whose end is not watched for yet.
    struct WaitingCall {
        let call: CallID
        /// When to start watching, in nanoseconds on CLOCK_MONOTONIC.
        let watchAt: UInt64
    }

    let settings: GRPCServerSettings
    let server: OpaquePointer
    let queue: OpaquePointer
    let services: ServiceNames
    var registered: [RegisteredMethod] = []
    var slots: [CallSlot] = []
    var freeSlots: [Int] = []
    /// Unary calls in the order in which they came, to be watched if they are still unanswered when their time comes.
    var waitingCalls = WaitingQueue<WaitingCall>()
    /// How many calls have come and are not yet freed.
    var activeCalls = 0
    var health = HealthService()
    /// What calls there were; the places are those of `registered`.
    package internal(set) var counts = GRPCCallCounts()
    var isDraining = false
    var hasShutDown = false
    var isClosed = false
    var isPolling = false
    /// The time of the current round of the loop, in nanoseconds on CLOCK_MONOTONIC.
    var now: UInt64 = 0

    /// When the current round of the loop began, in nanoseconds on CLOCK_MONOTONIC: about when its calls came.
    package var pollNanoseconds: UInt64 { now }
    /// The time, in nanoseconds on CLOCK_MONOTONIC.
    package var clockNanoseconds: UInt64 { martlet_monotonic_now() }

    /// Wakes the loop from any thread.
    package let waker: GRPCWaker
    /// Where an acceptor puts connections, from any thread.
    package let connectionPort: GRPCConnectionPort
    /// Batches given since the last poll, or in this one, that go to the core together.
    var gatheredBatches: [GatheredBatch] = []
    /// Batches that are done, and those of them that the loop has taken.
    let batches: BatchCompletions
    var doneBatches: [BatchCompletions.Completion] = []

    /// A server that offers `methods`; it serves the connections that come through `connectionPort`.
    package init(methods: [GRPCMethod], settings: GRPCServerSettings) throws(GRPCError) {
        assertAlways(GRPCLibrary.isStarted)
        guard GRPCLibrary.isSupported else { throw .unsupportedCore(version: GRPCLibrary.version) }
        self.settings = settings
        services = ServiceNames(paths: methods.map(\.path) + HealthService.paths)
        connectionPort = GRPCConnectionPort()
        var arguments = ChannelArguments(settings: settings)
        unsafe arguments.add(pointer: connectionPort.handlerSlot, forKey: GRPCConnectionPort.address)
        let server = unsafe arguments.withArguments { unsafe grpc_server_create($0, nil) }
        guard let server = unsafe server, let queue = unsafe grpc_completion_queue_create_for_next(nil) else {
            unreachable("the core makes servers and queues, or ends the process")
        }
        unsafe self.server = server
        unsafe self.queue = queue
        unsafe grpc_server_register_completion_queue(server, queue, nil)
        waker = unsafe GRPCWaker(queue: queue)
        batches = BatchCompletions(waker: waker)
        do {
            try register(methods)
            try unsafe connectionPort.open(on: server)
        } catch {
            abandon()
            throw error
        }
        unsafe grpc_server_start(server)
        now = martlet_monotonic_now()
        armAll()
    }

    deinit {
        assertAlways(isClosed, "a server must be closed")
    }

    private func register(_ methods: [GRPCMethod]) throws(GRPCError) {
        for (index, method) in methods.enumerated() {
            try register(method, target: .handler(MethodIndex(index)))
        }
        try register(GRPCMethod(path: HealthService.checkPath, kind: .unary), target: .healthCheck)
        try register(GRPCMethod(path: HealthService.watchPath, kind: .serverStream), target: .healthWatch)
    }

    private func register(_ method: GRPCMethod, target: RegisteredMethod.Target) throws(GRPCError) {
        let handling =
            method.kind == .bidirectional ? GRPC_SRM_PAYLOAD_NONE : GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER
        guard let handle = unsafe grpc_server_register_method(server, method.path, nil, handling, 0) else {
            throw .methodRefused(path: method.path)
        }
        counts.add(method)
        unsafe registered.append(
            RegisteredMethod(
                target: target, kind: method.kind, outstandingRequests: max(1, method.outstandingRequests),
                handle: handle))
    }

    private func armAll() {
        for registration in registered.indices {
            for _ in 0..<registered[registration].outstandingRequests { arm(registration) }
        }
        for _ in 0..<max(1, settings.outstandingUnknownRequests) { arm(CallSlot.unregistered) }
    }
}
