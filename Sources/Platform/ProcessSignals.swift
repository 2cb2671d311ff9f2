internal import Glibc
internal import Primitives

/// The signals that ask a process to end. They are taken by a thread that waits for them, so that no handler runs in the
/// midst of other code.
package enum ProcessSignals {
    /// Takes SIGTERM and SIGINT from now on, and calls `handler` with the number of the first, on a thread of its own. A
    /// second one ends the process at once, as it does with etcd.
    ///
    /// To be called before any other thread is started: threads inherit which signals are held back. SIGPIPE is ignored; a
    /// broken connection is an error of the write.
    package static func handle(_ handler: @escaping @Sendable (_ signal: Int32) -> Void) {
        signal(SIGPIPE, SIG_IGN)
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGTERM)
        unsafe sigaddset(&set, SIGINT)
        let result = unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        assertAlways(result == 0, "signals cannot be held back: \(result)")
        let taken = set
        startThread(name: "signals") {
            var set = taken
            var number: Int32 = 0
            unsafe sigwait(&set, &number)
            handler(number)
            unsafe sigwait(&set, &number)
            signal(number, SIG_DFL)
            unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
            raise(number)
        }
    }
}
