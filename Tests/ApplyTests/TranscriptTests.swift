import EtcdMessages
import Primitives
import Testing

/// What a real etcd 3.6.14 answered, and what apply answers to the same.
@Suite struct TranscriptTests {
    /// A response without what is not compared: its header, tokens, times left, the order of leases and their keys.
    private func comparable(_ method: String, _ bytes: Bytes) throws -> Bytes {
        switch method {
        case "Authenticate": return []
        case "LeaseTimeToLive":
            var response = try LeaseTimeToLiveResponse(decoding: bytes)
            response.header = nil
            if response.ttl >= 0 { response.ttl = 0 }
            response.keys.sort { $0.precedes($1) }
            return response.encoded()
        case "LeaseLeases":
            var response = try LeaseLeasesResponse(decoding: bytes)
            response.header = nil
            response.leases.sort { $0.id < $1.id }
            return response.encoded()
        default: return bytes
        }
    }

    /// Splits the header from a recorded response: it is field 1, and comes first.
    private func split(_ response: Bytes) throws -> (revision: Int64, body: Bytes) {
        guard response.count > 2, response[0] == 0x0a, response.count >= 2 + Int(response[1]) else {
            return (0, response)
        }
        let end = 2 + Int(response[1])
        let header = try ResponseHeader(decoding: Bytes(response[2..<end]))
        return (header.revision, Bytes(response[end...]))
    }

    private struct Tally {
        var equal = 0
        var notServed = 0
        /// By the number of the line.
        var different: [Int: String] = [:]
    }

    private func replay(_ name: String) throws -> Tally {
        let service = try TranscriptService()
        var tally = Tally()
        for (index, line) in try Golden.transcript(name).enumerated() {
            let method = String(line.rpc?.split(separator: "/").last ?? "")
            var found: String?
            do {
                let reply = try service.call(line)
                let (revision, body) = try split(line.responseBytes)
                let isEqual =
                    try line.code == 0 && reply.revision == revision
                    && comparable(method, reply.body) == comparable(method, body)
                if !isEqual { found = "\(reply)" }
            } catch TranscriptService.Failure.notServedHere {
                tally.notServed += 1
                continue
            } catch TranscriptService.Failure.refused(let error) {
                if Int(error.code.rawValue) != line.code || error.message != line.message { found = "\(error)" }
            }
            if let found { tally.different[index + 2] = "\(line) found \(found)" } else { tally.equal += 1 }
        }
        return tally
    }

    @Test(arguments: [("auth", 1366), ("kv", 6000), ("txn", 4500), ("lease", 714), ("maintenance", 138)])
    func replayed(name: String, equalCount: Int) throws {
        let tally = try replay(name)
        for number in tally.different.keys.sorted().prefix(5) {
            Issue.record("\(number): \(tally.different[number] ?? "")")
        }
        #expect(tally.equal == equalCount)
    }
}
