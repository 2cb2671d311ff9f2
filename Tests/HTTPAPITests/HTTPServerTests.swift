import Glibc
import RawSockets
import Testing

@testable import HTTPAPI

/// Requests by hand, over real sockets.
@Suite struct HTTPServerTests {
    private let get = "GET /version HTTP/1.1\r\nHost: x\r\n\r\n"

    @Test func aGoodRequestIsAnsweredInFull() throws {
        try withServer { server in
            let client = server.client()
            client.write(get)
            let answer = try #require(client.message())
            #expect(answer.line == "HTTP/1.1 200 OK")
            #expect(answer.body == TestServer.version)
            let date = answer.fields["date"]
            #expect(date?.hasSuffix(" GMT") == true && date?.count == 29)
            #expect(
                answer.fields.filter { $0.key != "date" } == [
                    "content-type": "application/json", "content-length": "\(TestServer.version.utf8.count)",
                    "access-control-allow-origin": "*",
                    "access-control-allow-methods": "POST, GET, OPTIONS, PUT, DELETE",
                    "access-control-allow-headers": "accept, content-type, authorization",
                ])
            #expect(client.isSilent())
        }
    }

    @Test func otherMethodsAndPathsAreRefusedAndTheConnectionStays() throws {
        try withServer { server in
            let client = server.client()
            client.write("POST /version HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
            let post = try #require(client.message())
            #expect(post.line == "HTTP/1.1 405 Method Not Allowed")
            #expect(post.body == "Method Not Allowed\n")
            #expect(post.fields["allow"] == "GET")
            #expect(post.fields["x-content-type-options"] == "nosniff")
            client.write("HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n")
            let head = try #require(client.message(withoutBody: true))
            #expect(head.line == "HTTP/1.1 405 Method Not Allowed" && head.fields["content-length"] == "19")
            client.write("GET /nonsense HTTP/1.1\r\nHost: x\r\n\r\n")
            let lost = try #require(client.message())
            #expect(lost.line == "HTTP/1.1 404 Not Found" && lost.body == "404 page not found\n")
            #expect(lost.fields["content-type"] == "text/plain; charset=utf-8")
            #expect(lost.fields["x-content-type-options"] == "nosniff")
            client.write("OPTIONS /health HTTP/1.1\r\nHost: x\r\nOrigin: http://y\r\n\r\n")
            let options = try #require(client.message())
            #expect(options.line == "HTTP/1.1 200 OK" && options.body == "" && options.fields["content-type"] == nil)
            client.write("CONNECT y:80 HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(client.message()?.line == "HTTP/1.1 404 Not Found")
            #expect(client.isClosed())
        }
    }

    @Test func aRequestInSingleBytesIsPutTogether() throws {
        try withServer { server in
            let client = server.client()
            for character
                in "POST /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + get
            {
                client.write(String(character))
                usleep(100)
            }
            #expect(client.message()?.line == "HTTP/1.1 405 Method Not Allowed")
            #expect(client.message()?.body == TestServer.version)
        }
    }

    @Test func pipelinedRequestsAreAnsweredInTheirOrder() throws {
        try withServer { server in
            let client = server.client()
            client.write("GET /health HTTP/1.1\r\nHost: x\r\n\r\n" + get + "GET /nonsense HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(server.waitForQuestions())
            // The first holds the others back.
            #expect(client.isSilent())
            server.answerAll()
            #expect(client.message()?.body == #"{"health":"true","reason":""}"#)
            #expect(client.message()?.body == TestServer.version)
            #expect(client.message()?.line == "HTTP/1.1 404 Not Found")
        }
    }

    @Test func thousandsOfRequestsInOneWriteDoNotRecurse() throws {
        try withServer { server in
            let client = server.client()
            let small = String(repeating: "GET / HTTP/1.1\r\nHost:\r\n\r\n", count: 2500)
            // The first of them make the server read as much at once as it ever does; the others it then finds behind a
            // request that waits.
            client.write(small + small)
            for _ in 0..<5000 { #expect(client.message()?.line == "HTTP/1.1 404 Not Found") }
            client.write("GET /health HTTP/1.1\r\nHost: x\r\n\r\n" + small + get)
            #expect(server.waitForQuestions())
            server.answerAll()
            #expect(client.message()?.line == "HTTP/1.1 200 OK")
            for _ in 0..<2500 { #expect(client.message()?.line == "HTTP/1.1 404 Not Found") }
            #expect(client.message()?.body == TestServer.version)
        }
    }

    @Test func connectionsCloseWhenTheClientSaysSo() throws {
        try withServer { server in
            for (request, line, connection) in [
                ("GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK", "close"),
                ("GET /version HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK", "close"),
            ] {
                let client = server.client()
                client.write(request + "GET /nonsense HTTP/1.1\r\n")
                let answer = try #require(client.message())
                #expect(answer.line == line && answer.fields["connection"] == connection)
                #expect(client.isClosed())
            }
            let old = server.client()
            for _ in 0..<2 {
                old.write("GET /version HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                let answer = try #require(old.message())
                #expect(answer.line == "HTTP/1.0 200 OK" && answer.fields["connection"] == "keep-alive")
            }
        }
    }

    @Test func aClientThatEndsItsSideStillGetsItsAnswer() throws {
        try withServer { server in
            let client = server.client()
            client.write("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            client.endWriting()
            #expect(server.waitForQuestions())
            #expect(client.isSilent())
            server.answerAll()
            #expect(client.message()?.body == #"{"health":"true","reason":""}"#)
            #expect(client.isClosed())
            let silent = server.client()
            silent.write("GET /hea")
            silent.endWriting()
            #expect(silent.isClosed())
            #expect(wait { server.http.isDrained })
        }
    }

    @Test func anExpectationIsAnsweredWithoutTheBody() throws {
        try withServer { server in
            let client = server.client()
            client.write("POST /version HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 20000\r\n\r\n")
            let answer = try #require(client.message())
            #expect(answer.line == "HTTP/1.1 405 Method Not Allowed" && answer.fields["connection"] == "close")
            client.write(String(repeating: "x", count: 20_000))
            #expect(client.isClosed())
        }
    }

    @Test func anUpgradeIsNotTakenUp() throws {
        try withServer { server in
            let client = server.client()
            client.write(
                "GET /version HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                    + "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n")
            let answer = try #require(client.message())
            #expect(answer.body == TestServer.version && answer.fields["connection"] == "close")
            #expect(client.isClosed())
        }
    }
}
