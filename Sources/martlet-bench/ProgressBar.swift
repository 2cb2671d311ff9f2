internal import Benchmark
internal import Environment
internal import Glibc
internal import Platform
internal import Synchronization

/// A line on standard error that says how far a load has come, if standard error is a terminal.
final class ProgressBar: Sendable {
    private let isEnded = Atomic<Bool>(false)
    private let label: String
    private let plan: LoadPlan
    private let progress: LoadProgress
    private let thread: Worker<ProgressBar>?

    private static let width = 30

    init(_ label: String, _ plan: LoadPlan, _ progress: LoadProgress, isShown: Bool) {
        self.label = label
        self.plan = plan
        self.progress = progress
        let thread =
            isShown && isatty(2) != 0 ? Worker<ProgressBar>(name: "progress") { { bar, _ in bar.show() } } : nil
        self.thread = thread
        thread?.submit(self)
    }

    /// Takes the line away.
    func end() {
        isEnded.store(true, ordering: .relaxed)
        thread?.stop()
    }

    private func show() {
        let clock = RealClock()
        let began = clock.monotonicNanoseconds()
        while !isEnded.load(ordering: .relaxed) {
            StandardStream.error.write("\r" + line(elapsed: clock.monotonicNanoseconds() - began))
            usleep(100_000)
        }
        StandardStream.error.write("\r\u{1b}[K")
    }

    private func line(elapsed: UInt64) -> String {
        let count = progress.count
        let byCalls = plan.callCount.map { Double(count) / Double(max(1, $0)) } ?? 0
        let byTime = plan.durationNanoseconds.map { Double(elapsed) / Double(max(1, $0)) } ?? 0
        let share = min(1, max(byCalls, byTime))
        let filled = Int(share * Double(Self.width))
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: Self.width - filled)
        let rate = Int(Double(count) / max(0.001, Double(elapsed) / 1e9))
        return "\(label) [\(bar)] \(Int(share * 100)) %  \(count) done, \(rate) a second  "
    }
}
