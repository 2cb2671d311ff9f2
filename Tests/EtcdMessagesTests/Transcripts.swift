import Foundation
import Primitives

@testable import EtcdMessages

/// A line of a transcript: what a client asked of a real etcd, and what it answered.
struct TranscriptLine: Decodable {
    var rpc: String?
    var what: String?
    var request: Data?
    var requests: [Data]?
    var code: Int?
    var message: String?
    var response: Data?
    var responses: [Data]?
    var send: Data?
}

/// The transcripts that stand in `Tests/Golden`.
enum Transcripts {
    static let names = ["auth", "bad", "kv", "lease", "maintenance", "txn", "watch"]

    static func lines(_ name: String) throws -> [TranscriptLine] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let file = folder.appendingPathComponent("Golden/transcripts/\(name).jsonl.gz")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/gzip")
        process.arguments = ["-dc", file.path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let decoder = JSONDecoder()
        return try text.split(separator: UInt8(ascii: "\n")).map { try decoder.decode(TranscriptLine.self, from: $0) }
    }

    /// The types of a call's request and response.
    static func types(of rpc: String) -> (request: any EtcdMessage.Type, response: any EtcdMessage.Type)? {
        guard let service = rpc.split(separator: "/").first, let method = rpc.split(separator: "/").last else {
            return nil
        }
        let renamed = [
            "Compact": "Compaction", "UserAdd": "AuthUserAdd", "Leader": "Leader", "Observe": "Leader",
        ]
        var name = renamed["\(method)"] ?? "\(method)"
        if service.hasSuffix(".Auth"), method.hasPrefix("User") || method.hasPrefix("Role") { name = "Auth\(method)" }
        let found = { (suffix: String) in allMessages.first { "\($0)" == name + suffix } }
        guard let request = found("Request"), let response = found("Response") else { return nil }
        return (request, response)
    }
}
