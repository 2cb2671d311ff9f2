import EtcdMessages
import Foundation
import Primitives
import Testing

/// A line of a transcript: what a client asked of a real etcd 3.6.14, and what it answered.
struct TranscriptLine: Decodable {
    var rpc: String?
    var user: String?
    var metadata: [[String]]?
    var request: Data?
    var code: Int?
    var message: String?
    var response: Data?
    var sleep: Double?
    var stream: String?

    var requestBytes: Bytes { Bytes(request ?? Data()) }
    var responseBytes: Bytes { Bytes(response ?? Data()) }
}

enum Golden {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Golden")

    /// What a program writes to its standard output.
    static func output(of program: String, _ arguments: [String]) throws -> Data {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return data
    }

    /// The calls of a transcript; its first line says how the server ran.
    static func transcript(_ name: String) throws -> [TranscriptLine] {
        let path = folder.appendingPathComponent("transcripts/\(name).jsonl.gz").path
        let decoder = JSONDecoder()
        return try output(of: "/bin/gzip", ["-dc", path]).split(separator: UInt8(ascii: "\n")).dropFirst().map {
            try decoder.decode(TranscriptLine.self, from: $0)
        }
    }

    /// An answer of `etcdctl -w json`.
    static func json(_ name: String) throws -> JSONValue {
        try JSONValue.parse(Bytes(try Data(contentsOf: folder.appendingPathComponent("3.6.14/\(name).json"))))
    }
}
