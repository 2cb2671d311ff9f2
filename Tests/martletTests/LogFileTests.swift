import Foundation
import Testing

@testable import martlet

/// The log in files.
@Suite struct LogFileTests {
    private func withDirectory(_ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.path + "/martlet-log-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    private func text(_ path: String) throws -> String {
        String(decoding: try #require(FileManager.default.contents(atPath: path)), as: UTF8.self)
    }

    @Test func linesAreAppended() throws {
        try withDirectory { directory in
            for line in ["a\n", "b\n"] {
                try LogFile(path: directory + "/m.log", rotation: nil).write(line)
            }
            #expect(try text(directory + "/m.log") == "a\nb\n")
        }
    }

    @Test func aFileThatHasGrownIsPutAside() throws {
        try withDirectory { directory in
            var rotation = LogRotation()
            rotation.maxByteCount = 10
            rotation.maxBackupCount = 2
            // Not one of ours, whatever it looks like.
            #expect(FileManager.default.createFile(atPath: directory + "/m-mine.log", contents: nil))
            let file = try LogFile(path: directory + "/m.log", rotation: rotation)
            for number in 0..<6 {
                file.write("line \(number)\n")
                // The names tell milliseconds.
                usleep(3000)
            }
            #expect(try text(directory + "/m.log") == "line 5\n")
            let names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
            let aside = names.filter { $0 != "m.log" && $0 != "m-mine.log" }
            #expect(names.contains("m-mine.log") && aside.count == 2)
            #expect(try aside.map { try text(directory + "/" + $0) } == ["line 3\n", "line 4\n"])
        }
    }

    @Test func aPlaceThatIsNoneIsNamed() {
        #expect(throws: ConfigurationError("open /nowhere/m.log: no such file or directory")) {
            _ = try LogFile(path: "/nowhere/m.log", rotation: nil)
        }
    }
}
