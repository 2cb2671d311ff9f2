internal import NIOCore
internal import Synchronization

/// The connections that are open, or whose question is still with the core: both count against the limit, so that clients
/// who ask and go away again cannot fill the core with questions.
final class HTTPConnectionTable: Sendable {
    /// Names a connection for as long as it counts.
    struct ID: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    private struct State {
        /// Nil until the connection is registered with the event loop.
        var channels: [ID: (any Channel)?] = [:]
        var nextNumber: UInt64 = 0
    }

    private let state = Mutex(State())
    private let maxCount: Int

    init(maxCount: Int) {
        self.maxCount = maxCount
    }

    /// A place for a new connection; nil if all are taken.
    func reserve() -> ID? {
        state.withLock { state in
            guard state.channels.count < maxCount else { return nil }
            let id = ID(number: state.nextNumber)
            state.nextNumber += 1
            state.channels[id] = .some(nil)
            return id
        }
    }

    /// A connection is ready to be told things.
    func opened(_ id: ID, _ channel: any Channel) {
        state.withLock { $0.channels[id] = channel }
    }

    /// A connection counts no longer. Does nothing the second time.
    func release(_ id: ID) {
        state.withLock { state in
            _ = state.channels.removeValue(forKey: id)
        }
    }

    var isEmpty: Bool { state.withLock { $0.channels.isEmpty } }

    var channels: [any Channel] { state.withLock { $0.channels.values.compactMap { $0 } } }
}
