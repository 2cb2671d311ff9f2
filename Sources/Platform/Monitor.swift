internal import CPlatform
internal import Glibc
internal import Primitives

/// A lock at which threads can also wait until another tells them that something has changed.
@safe
final class Monitor: @unchecked Sendable {
    // Unchecked because pointers are not Sendable; what they point to is made for threads to share.
    // Behind pointers because neither may move once it is in use.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init() {
        check(unsafe pthread_mutex_init(mutex, nil))
        check(unsafe pthread_cond_init(condition, nil))
    }

    deinit {
        check(unsafe pthread_cond_destroy(condition))
        check(unsafe pthread_mutex_destroy(mutex))
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    /// Does something that no other thread does at the same time.
    func withLock<Result>(_ body: () -> Result) -> Result {
        check(unsafe pthread_mutex_lock(mutex))
        defer { check(unsafe pthread_mutex_unlock(mutex)) }
        return body()
    }

    /// Lets go of the lock until `signal` is called, or for no reason at all. Only within `withLock`.
    func wait() {
        check(unsafe pthread_cond_wait(condition, mutex))
    }

    /// Wakes all threads that wait. What they wait for must have been changed within `withLock`.
    func signal() {
        check(unsafe pthread_cond_broadcast(condition))
    }

    /// These calls fail only when they are misused.
    private func check(_ result: Int32) {
        assertAlways(result == 0, "a monitor was misused: \(result)")
    }
}

/// Starts a thread that runs `body` and ends.
///
/// - Parameter name: what debuggers and `ps` show; cut off after 15 bytes.
func startThread(name: String, _ body: @escaping @Sendable () -> Void) {
    final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
    let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
    var thread = pthread_t()
    let result = unsafe pthread_create(
        &thread, nil,
        { argument in
            guard let argument = unsafe argument else { unreachable("a thread without its start") }
            let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
            _ = unsafe martlet_name_thread(String(decoding: start.name.utf8.prefix(15), as: UTF8.self))
            start.body()
            return nil
        }, start.toOpaque())
    // A server that cannot have its few threads cannot run at all.
    assertAlways(result == 0, "no thread to be had: \(result)")
    pthread_detach(thread)
}
