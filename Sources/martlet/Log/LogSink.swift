internal import Platform
internal import Synchronization

/// Where finished log lines go. Lines of several threads do not mix.
final class LogSink: Sendable {
    private struct State {
        var files: [LogFile]
    }

    private let writesStandardError: Bool
    private let writesStandardOutput: Bool
    private let state: Mutex<State>

    /// Standard error alone.
    init() {
        writesStandardError = true
        writesStandardOutput = false
        state = Mutex(State(files: []))
    }

    /// - Throws: if a file cannot be opened.
    init(_ settings: LogSettings) throws(ConfigurationError) {
        writesStandardError = settings.outputs.contains(.standardError)
        writesStandardOutput = settings.outputs.contains(.standardOutput)
        var files: [LogFile] = []
        for case .file(let path) in settings.outputs {
            files.append(try LogFile(path: path, rotation: settings.rotation))
        }
        state = Mutex(State(files: files))
    }

    func write(_ line: String) {
        state.withLock { state in
            if writesStandardError { StandardStream.error.write(line) }
            if writesStandardOutput { StandardStream.output.write(line) }
            for file in state.files { file.write(line) }
        }
    }
}
