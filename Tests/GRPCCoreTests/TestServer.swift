import GRPCCore
import Glibc
import Primitives
import Synchronization

/// A server with the test methods, on a thread of its own, and its acceptor on a free port of 127.0.0.1.
final class TestServer: Sendable {
    /// What the test wants done on the loop's thread.
    typealias Job = @Sendable (GRPCServer, TestHandler) -> Void

    private struct Started: Sendable {
        let waker: GRPCWaker
        let acceptor: Acceptor
        let port: UInt16
    }

    let seen = Mutexed(Seen())
    let port: UInt16
    let waker: GRPCWaker
    let acceptor: Acceptor
    /// How often poll has returned.
    let rounds: Mutexed<Int>
    private let jobs: Mutexed<[Job]>
    private let mustStop: Mutexed<UInt64?>
    private let hasStopped: Mutexed<Bool>

    init(settings: GRPCServerSettings = .init(), acceptorSettings: AcceptorSettings = .init()) throws {
        let seen = seen
        let jobs = Mutexed<[Job]>([])
        let rounds = Mutexed(0)
        let mustStop = Mutexed<UInt64?>(nil)
        let hasStopped = Mutexed(false)
        let started = Mutexed<Result<Started, GRPCError>?>(nil)
        runOnThread {
            let server: GRPCServer
            do throws(GRPCError) {
                server = try GRPCServer(methods: TestMethod.methods, settings: settings)
                let acceptor = try Acceptor(settings: acceptorSettings, port: server.connectionPort)
                let port = try acceptor.listen(on: ListenAddress(host: "127.0.0.1", port: 0))
                try acceptor.start()
                started.update { $0 = .success(Started(waker: server.waker, acceptor: acceptor, port: port)) }
            } catch {
                started.update { $0 = .failure(error) }
                return
            }
            let handler = TestHandler(server: server, seen: seen)
            func runJobs() {
                var todo: [Job] = []
                jobs.update { swap(&$0, &todo) }
                for job in todo { job(server, handler) }
            }
            while mustStop.value == nil {
                server.poll(handler, timeoutNanoseconds: 1_000_000_000)
                rounds.update { $0 += 1 }
                runJobs()
            }
            server.drain(handler, timeoutNanoseconds: mustStop.value ?? 0, round: runJobs)
            server.waker.wake()
            hasStopped.update { $0 = true }
        }
        self.jobs = jobs
        self.mustStop = mustStop
        self.hasStopped = hasStopped
        self.rounds = rounds
        while started.value == nil { usleep(1000) }
        let result = try started.value!.get()
        waker = result.waker
        acceptor = result.acceptor
        port = result.port
    }

    var address: ListenAddress { ListenAddress(host: "127.0.0.1", port: port) }

    /// Has something done on the loop's thread.
    func run(_ job: @escaping Job) {
        jobs.update { $0.append(job) }
        waker.wake()
    }

    /// Has something done on the loop's thread, and waits until it is.
    func perform(_ job: @escaping Job) {
        let isDone = Mutexed(false)
        run { server, handler in
            job(server, handler)
            isDone.update { $0 = true }
        }
        while !isDone.value { usleep(100) }
    }

    func release(_ call: CallID) {
        run { _, handler in handler.release(call) }
    }

    /// Starts to stop: calls under way have so long.
    func beginStop(drainNanoseconds: UInt64) {
        acceptor.close()
        mustStop.update { $0 = drainNanoseconds }
        waker.wake()
    }

    /// Stops, and waits until everything has been freed.
    func stop(drainNanoseconds: UInt64 = 0) {
        beginStop(drainNanoseconds: drainNanoseconds)
        waitUntilStopped()
    }

    func waitUntilStopped() {
        while !hasStopped.value { usleep(1000) }
    }

    /// Waits until something has been seen; false after ten seconds.
    func wait(until condition: (Seen) -> Bool) -> Bool {
        for _ in 0..<10_000 {
            if condition(seen.value) { return true }
            usleep(1000)
        }
        return false
    }
}

/// Runs a body with a server and a client that are stopped afterwards.
func withServer(
    settings: GRPCServerSettings = .init(), acceptorSettings: AcceptorSettings = .init(),
    _ body: (TestServer, GRPCClientChannel) throws -> Void
) throws {
    let server = try TestServer(settings: settings, acceptorSettings: acceptorSettings)
    let client = GRPCClientChannel(server.address)
    defer {
        client.close()
        server.stop()
    }
    try body(server, client)
}

/// Runs a body on a new thread that nobody waits for.
func runOnThread(_ body: @escaping @Sendable () -> Void) {
    final class Context: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let context = Unmanaged.passRetained(Context(body)).toOpaque()
    let outcome = pthread_create(
        &thread, nil,
        { context in
            Unmanaged<Context>.fromOpaque(context!).takeRetainedValue().body()
            return nil
        }, context)
    precondition(outcome == 0)
    pthread_detach(thread)
}
