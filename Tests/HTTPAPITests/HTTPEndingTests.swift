import Glibc
import RawSockets
import Testing

@testable import HTTPAPI

/// How serving ends.
@Suite struct HTTPEndingTests {
    @Test func drainingClosesWhatIsIdleAndWaitsForAnswers() throws {
        try withServer { server in
            let idle = server.client()
            idle.write("GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(idle.message() != nil)
            let half = server.client()
            half.write("GET /version HTTP/1.1\r\n")
            let asking = server.client()
            asking.write("GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /version HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(server.waitForQuestions())
            server.stopAccepting()
            server.http.beginDrain()
            #expect(idle.isClosed())
            #expect(half.isClosed())
            #expect(asking.isSilent())
            #expect(!server.http.isDrained)
            server.answerAll()
            let answer = try #require(asking.message())
            #expect(answer.line == "HTTP/1.1 200 OK" && answer.fields["connection"] == "close")
            #expect(asking.isClosed())
            #expect(wait { server.http.isDrained })
        }
    }

    @Test func closingEndsConnectionsWhateverTheyDo() throws {
        let server = try TestServer()
        let asking = server.client()
        asking.write("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(server.waitForQuestions())
        let half = server.client()
        half.write("GET /version HTTP/1.1\r\n")
        server.stop()
        #expect(asking.isClosed())
        #expect(half.isClosed())
    }

    @Test func aServerThatServedNobodyCloses() throws {
        try TestServer().stop()
        HTTPServer { _ in }.close()
    }
}
