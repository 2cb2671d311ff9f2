internal import CGRPC
internal import CGRPCShim
internal import Primitives
internal import Synchronization

/// Batches of calls that are done, put here by the core from whatever thread, to be taken by the loop.
///
/// Debian's build of the core looks for each completion among all operations that a completion queue waits for. With ten
/// thousand silent streams, each waiting for a message, that made every call dearer by 4-5 us. A batch that ends with a call
/// of a function is in no such list.
final class BatchCompletions: Sendable {
    struct Completion {
        let tag: CompletionTag
        let succeeded: Bool
    }

    private struct State {
        var done: [Completion] = []
        /// Whether the loop is in the core, which does not return for these.
        var isLoopAsleep = false
    }

    private let state = Mutex(State())
    private let waker: GRPCWaker

    init(waker: GRPCWaker) {
        self.waker = waker
    }

    /// Notes that a batch is done, and wakes the loop if it is asleep.
    func put(_ completion: Completion) {
        let mustWake = state.withLock { state in
            state.done.append(completion)
            defer { state.isLoopAsleep = false }
            return state.isLoopAsleep
        }
        if mustWake { waker.wake() }
    }

    /// Appends all that are done to `taken`.
    func take(into taken: inout [Completion]) {
        state.withLock { state in
            if state.done.isEmpty { return }
            if taken.isEmpty {
                swap(&taken, &state.done)
            } else {
                taken += state.done
                state.done.removeAll(keepingCapacity: true)
            }
        }
    }

    /// Notes that the loop goes to sleep; answers false, and does not, if something is done already.
    func beginSleep() -> Bool {
        state.withLock { state in
            state.isLoopAsleep = state.done.isEmpty
            return state.isLoopAsleep
        }
    }

    func endSleep() {
        state.withLock { $0.isLoopAsleep = false }
    }
}

/// The places of a call's completions, one for each kind of event, which stay where they are as long as the slot.
@safe
struct CompletionPlaces {
    private let places: UnsafeMutablePointer<martlet_completion>

    private static let count = 4

    init() {
        unsafe places = .allocate(capacity: Self.count)
        unsafe places.initialize(repeating: martlet_completion(), count: Self.count)
    }

    func destroy() {
        unsafe places.deallocate()
    }

    /// The place for an event of a call, ready to be given to the core. `completions` must outlive the batch.
    func prepare(_ tag: CompletionTag, _ completions: BatchCompletions) -> UnsafeMutablePointer<martlet_completion> {
        guard let event = tag.event else { unreachable("a tag of our own") }
        let place = unsafe places + Int(event.rawValue - CompletionTag.Event.finish.rawValue)
        unsafe place.pointee.tag = tag.rawValue
        unsafe place.pointee.context = Unmanaged.passUnretained(completions).toOpaque()
        unsafe place.pointee.function = { context, tag, succeeded in
            guard let context = unsafe context else { unreachable("a completion without its list") }
            let completions = unsafe Unmanaged<BatchCompletions>.fromOpaque(context).takeUnretainedValue()
            completions.put(.init(tag: CompletionTag(rawValue: UInt(tag)), succeeded: succeeded != 0))
        }
        return unsafe place
    }
}
