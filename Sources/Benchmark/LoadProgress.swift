internal import Synchronization

/// How many calls are done, told by the threads that make them and read by the one that shows it.
package final class LoadProgress: Sendable {
    private let done = Atomic<Int>(0)

    package init() {}

    func add(_ count: Int = 1) { done.add(count, ordering: .relaxed) }

    package var count: Int { done.load(ordering: .relaxed) }
}
