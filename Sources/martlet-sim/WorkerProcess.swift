internal import Foundation

/// The parent's end of a child process that makes runs.
final class WorkerProcess {
    /// What became of the run that is under way.
    enum Event {
        case report(RunReport)
        /// The child ended before it could say anything: a trap, or it was killed.
        case ended(String)
    }

    private let arguments: [String]
    private var process: Process?
    private var input = Pipe()
    private var output = Pipe()
    private var received = Data()
    private let decoder = JSONDecoder()
    /// Grows with each child: two runs with different numbers were made by different processes.
    private(set) var generation = 0
    private(set) var request: RunRequest?
    /// When the run that is under way began.
    private(set) var began = ContinuousClock.now

    init(canary: String?) {
        arguments = ["--worker"] + (canary.map { ["--canary", $0] } ?? [])
    }

    /// Where reports can be read from; nil while no run is under way.
    var descriptor: Int32? { request == nil ? nil : output.fileHandleForReading.fileDescriptor }

    /// Begins a run; there must be none under way.
    func begin(_ request: RunRequest) throws {
        if process == nil { try start() }
        self.request = request
        began = .now
        // To one that has ended meanwhile: that is found when its report is read.
        try? input.fileHandleForWriting.write(contentsOf: Data((request.line + "\n").utf8))
    }

    private func start() throws {
        let child = Process()
        child.executableURL = URL(
            fileURLWithPath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        child.arguments = arguments
        (input, output) = (Pipe(), Pipe())
        child.standardInput = input
        child.standardOutput = output
        try child.run()
        // The child alone holds its ends: it ends when we do, and we see when it does.
        try? input.fileHandleForReading.close()
        try? output.fileHandleForWriting.close()
        process = child
        received = Data()
        generation += 1
    }

    /// Takes what has come: call it when `descriptor` is readable. nil if the report is not complete.
    func take() -> Event? {
        let data = output.fileHandleForReading.availableData
        guard !data.isEmpty else { return .ended(reap()) }
        received.append(data)
        guard let end = received.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let line = received[..<end]
        received = Data(received[(end + 1)...])
        guard let report = try? decoder.decode(RunReport.self, from: line) else {
            stop()
            return .ended("it said what is no report: \(String(decoding: line, as: UTF8.self))")
        }
        request = nil
        return .report(report)
    }

    /// The child has closed its end: waits for it.
    private func reap() -> String {
        process?.waitUntilExit()
        let status = process?.terminationStatus ?? 0
        let isSignal = process?.terminationReason == .uncaughtSignal
        forget()
        return isSignal ? "by signal \(status)" : "with status \(status)"
    }

    /// Ends the child, whatever it does.
    func stop() {
        if let process, process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process?.waitUntilExit()
        forget()
    }

    private func forget() {
        process = nil
        request = nil
    }
}
