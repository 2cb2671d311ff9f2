internal import Platform
internal import Synchronization

/// The wish of the outside that the process end. It may come before there is a loop to hear of it.
final class ShutdownRequest: Sendable {
    private struct State {
        var signal: Int32?
        var mailbox: LoopMailbox?
    }

    private let state = Mutex(State())

    /// Begins to listen for signals. To be made before any thread is started.
    init() {
        ProcessSignals.handle { [self] signal in
            let mailbox = state.withLock { state in
                state.signal = signal
                return state.mailbox
            }
            mailbox?.put(.terminate(signal))
        }
    }

    /// Whether the process is to end, for whoever waits for something before there is a loop.
    var isMade: Bool { state.withLock { $0.signal != nil } }

    /// Tells a loop from now on, and of what came before.
    func attach(_ mailbox: LoopMailbox) {
        let signal = state.withLock { state in
            state.mailbox = mailbox
            return state.signal
        }
        if let signal { mailbox.put(.terminate(signal)) }
    }
}
