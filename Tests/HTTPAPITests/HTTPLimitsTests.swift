import Glibc
import RawSockets
import Testing

@testable import HTTPAPI

/// What clients send that do not mean well.
@Suite struct HTTPLimitsTests {
    private let get = "GET /version HTTP/1.1\r\nHost: x\r\n\r\n"

    @Test(arguments: [
        "GET /version HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n", "GET version HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "GET /version\r\n\r\n", "GET /version HTTP/3.1\r\nHost: x\r\n\r\n",
        "FOO /version HTTP/1.1\r\nHost: x\r\n\r\n", "GET * HTTP/1.1\r\n: x\r\n\r\n",
        "POST /version HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST /version HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /version HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /version HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
    ])
    func malformedRequestsAreRefusedAndClosed(_ request: String) throws {
        try withServer { server in
            let client = server.client()
            client.write(get)
            #expect(client.message()?.line == "HTTP/1.1 200 OK")
            client.write(request)
            let answer = try #require(client.message())
            #expect(answer.line == "HTTP/1.1 400 Bad Request" && answer.body == "400 Bad Request")
            #expect(answer.fields["connection"] == "close")
            #expect(client.isClosed())
            #expect(server.client().write(get))
        }
    }

    @Test func aRequestBehindAMalformedOneIsNotAnswered() throws {
        try withServer { server in
            let client = server.client()
            client.write("GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /version HTTP/1.1\r\nbad header\r\n\r\n" + get)
            #expect(server.waitForQuestions())
            server.answerAll()
            #expect(client.message()?.line == "HTTP/1.1 200 OK")
            #expect(client.message()?.line == "HTTP/1.1 400 Bad Request")
            #expect(client.isClosed())
        }
    }

    @Test func everyRequestNamesOneHost() throws {
        try withServer { server in
            let none = server.client()
            none.write("GET /version HTTP/1.1\r\n\r\n")
            #expect(none.message()?.line == "HTTP/1.1 400 Bad Request: missing required Host header")
            #expect(none.isClosed())
            let two = server.client()
            two.write("GET /version HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n")
            #expect(two.message()?.body == "400 Bad Request: too many Host headers")
            #expect(two.isClosed())
        }
    }

    @Test func headersAndTargetsAreBounded() throws {
        var settings = HTTPServerSettings()
        settings.maxHeaderByteCount = 4096
        try withServer(settings) { server in
            let long = String(repeating: "a", count: 5000)
            let many = (0..<300).map { "a\($0): b\r\n" }.joined()
            for request in [
                "GET /version HTTP/1.1\r\nHost: x\r\nX: \(long)", "GET /version HTTP/1.1\r\nHost: x\r\n\(long)",
                "GET /\(long)", "GET /version HTTP/1.1\r\nHost: x\r\n\(many)\r\n",
                "POST /version HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: \(long)",
            ] {
                let client = server.client()
                client.write(request)
                let answer = try #require(client.message(), "\(request.prefix(60))")
                #expect(answer.line == "HTTP/1.1 431 Request Header Fields Too Large", "\(request.prefix(60))")
                // Megabytes more are read and thrown away, until we have waited long enough.
                client.write(String(repeating: "a", count: 4_000_000))
                #expect(wait { server.http.isDrained })
            }
        }
    }

    @Test func bodiesAreBounded() throws {
        var settings = HTTPServerSettings()
        settings.maxBodyByteCount = 1000
        try withServer(settings) { server in
            let client = server.client()
            let head = "POST /version HTTP/1.1\r\nHost: x\r\nContent-Length: "
            client.write(head + "1000\r\n\r\n" + String(repeating: "x", count: 1000))
            #expect(client.message()?.line == "HTTP/1.1 405 Method Not Allowed")
            client.write(head + "1001\r\n\r\n" + String(repeating: "x", count: 1001))
            #expect(client.message()?.line == "HTTP/1.1 413 Request Entity Too Large")
            #expect(client.isClosed())
        }
    }

    @Test func slowClientsAreClosed() throws {
        var settings = HTTPServerSettings()
        settings.requestTimeoutMilliseconds = 300
        try withServer(settings) { server in
            let idle = server.client()
            idle.write(get)
            #expect(idle.message() != nil)
            let slow = server.client()
            slow.write("GET /vers")
            let waiting = server.client()
            waiting.write("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            // A byte now and then buys no more time.
            var isOpen = true
            for _ in 0..<100 where isOpen {
                usleep(20_000)
                isOpen = slow.write("i")
            }
            #expect(!isOpen)
            #expect(idle.isClosed())
            // The core's time is not the client's.
            #expect(waiting.isSilent())
            server.answerAll()
            #expect(waiting.message()?.line == "HTTP/1.1 200 OK")
        }
    }

    @Test func aClientThatTakesNoAnswersIsReadNoMore() throws {
        var settings = HTTPServerSettings()
        settings.requestTimeoutMilliseconds = 1000
        try withServer(settings) { server in
            let client = RawConnection(port: server.port, receiveBufferByteCount: 4096)
            let limit = 32_000_000
            #expect(client.writeUntilStuck("GET / HTTP/1.1\r\nHost:\r\n\r\n", limit: limit) < limit)
            #expect(wait { server.http.isDrained })
        }
    }

    @Test func connectionsAreBounded() throws {
        var settings = HTTPServerSettings()
        settings.maxConnectionCount = 2
        try withServer(settings) { server in
            let clients = (0..<2).map { _ in server.client() }
            for client in clients {
                client.write(get)
                #expect(client.message() != nil)
            }
            let third = server.client()
            third.write(get)
            #expect(third.isClosed())
            clients[0].write("GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(clients[0].message() != nil)
            clients[0].endWriting()
            #expect(
                wait {
                    let next = server.client()
                    next.write("GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    return next.message() != nil
                })
        }
    }

    @Test func aQuestionKeepsThePlaceOfAClientThatIsGone() throws {
        var settings = HTTPServerSettings()
        settings.maxConnectionCount = 1
        try withServer(settings) { server in
            for isReset in [false, true] {
                let gone = server.client()
                gone.write("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(server.waitForQuestions())
                if isReset { gone.resetAtEnd() } else { gone.endWriting() }
                gone.close()
                usleep(50_000)
                let early = server.client()
                early.write(get)
                #expect(early.isClosed())
                server.answerAll()
                #expect(wait { server.http.isDrained })
            }
            let late = server.client()
            late.write(get)
            #expect(late.message()?.line == "HTTP/1.1 200 OK")
        }
    }

    @Test func aThousandConnectionsComeAndGo() throws {
        try withServer { server in
            for round in 0..<10 {
                var clients: [RawConnection] = []
                for _ in 0..<100 {
                    let client = server.client()
                    client.write(round % 2 == 0 ? get : "GET /he")
                    clients.append(client)
                }
                if round % 2 == 0 {
                    for client in clients { #expect(client.message()?.body == TestServer.version) }
                }
            }
            #expect(wait { server.http.isDrained })
        }
    }

    @Test func otherProtocolsAreClosed() throws {
        try withServer { server in
            for text in ["\u{16}\u{3}\u{1}", "hello"] {
                let client = server.client()
                client.write(text)
                #expect(client.isClosed())
            }
        }
    }
}
