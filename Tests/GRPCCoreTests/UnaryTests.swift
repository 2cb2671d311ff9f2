import GRPCCore
import Primitives
import Testing

@Suite struct UnaryTests {
    @Test func echoes() throws {
        try withServer { _, client in
            #expect(client.call(TestMethod.echo.path, message: [1, 2, 3]) == .success([1, 2, 3]))
        }
    }

    @Test func anEmptyMessageIsAMessage() throws {
        try withServer { _, client in
            #expect(client.call(TestMethod.echo.path, message: []) == .success([]))
        }
    }
}
