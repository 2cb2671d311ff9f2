import RawSockets
import Synchronization
import Testing

@testable import HTTPAPI

/// Who may ask, as a real etcd 3.5.1 decided.
@Suite struct HTTPAccessTests {
    private func get(
        _ client: RawConnection, _ path: String, host: String, origin: String? = nil, method: String = "GET"
    )
        throws -> RawConnection.Message
    {
        let field = origin.map { "Origin: \($0)\r\n" } ?? ""
        client.write("\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n\(field)\r\n")
        return try #require(client.message())
    }

    @Test func anyHostAndOriginByDefault() throws {
        try withServer { server in
            let answer = try get(server.client(), "/version", host: "anything.example:1")
            #expect(answer.line == "HTTP/1.1 200 OK")
            #expect(answer.fields["access-control-allow-origin"] == "*")
        }
    }

    @Test func onlyNamesOfTheServerAreServed() throws {
        let refused = Mutexed<[String]>([])
        var access = HTTPAccess(hosts: ["a.b", "::1"])
        access.reportRefusal = { host in refused.update { $0.append(host) } }
        try withServer(access: access) { server in
            let client = server.client()
            for host in ["a.b", "a.b:99", "[::1]:5"] {
                #expect(try get(client, "/version", host: host).line == "HTTP/1.1 200 OK")
            }
            // The host in the target counts, not the header's.
            #expect(try get(client, "http://evil.example:3/version", host: "a.b").line.contains(" 421 "))
            let answer = try get(client, "/version", host: "127.0.0.1:80")
            #expect(answer.line == "HTTP/1.1 421 Misdirected Request")
            #expect(answer.fields["access-control-allow-origin"] == nil)
            #expect(
                answer.body.contains("  - e.g. etcd --host-whitelist \"127.0.0.1\"\n") && answer.body.utf8.count == 371)
        }
        #expect(refused.value == ["evil.example", "127.0.0.1"])
    }

    @Test func onlyKnownOriginsMayRead() throws {
        try withServer(access: HTTPAccess(origins: ["http://x.y:80"])) { server in
            let client = server.client()
            let known = try get(client, "/version", host: "h", origin: "http://x.y:80")
            #expect(known.fields["access-control-allow-origin"] == "http://x.y:80")
            let unknown = try get(client, "/version", host: "h", origin: "http://q", method: "OPTIONS")
            #expect(unknown.line == "HTTP/1.1 200 OK" && unknown.fields["access-control-allow-origin"] == nil)
            #expect(try get(client, "/version", host: "h").fields["access-control-allow-origin"] == nil)
        }
    }

    @Test func aListenerForProbesServesNothingElse() throws {
        let access = HTTPAccess(endpoints: .probes, origins: [], hosts: ["never"])
        try withServer(access: access) { server in
            let client = server.client()
            #expect(try get(client, "/version", host: "h").line == "HTTP/1.1 404 Not Found")
            #expect(try get(client, "/health", host: "h", method: "OPTIONS").line == "HTTP/1.1 405 Method Not Allowed")
            client.write("GET /health HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(server.waitForQuestions())
            server.answerAll()
            let answer = try #require(client.message())
            #expect(answer.line == "HTTP/1.1 200 OK" && answer.fields["access-control-allow-origin"] == nil)
        }
    }
}
