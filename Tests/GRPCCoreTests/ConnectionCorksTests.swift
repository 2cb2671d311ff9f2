import Glibc
import Testing

@testable import GRPCCore

@Suite struct ConnectionCorksTests {
    private func socket(_ family: Int32 = AF_INET) -> Int32 { Glibc.socket(family, Int32(SOCK_STREAM.rawValue), 0) }

    private func isCorked(_ descriptor: Int32) -> Bool {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_CORK, &value, &size) == 0 && value != 0
    }

    @Test func connectionsAreCorkedWhileManyMessagesAreGiven() {
        let corks = ConnectionCorks()
        let sockets = [socket(), socket()]
        for socket in sockets { corks.add(descriptor: socket) }
        var seen: [Bool] = []
        corks.whileCorked(messageCount: 4) { seen = sockets.map(isCorked) }
        #expect(seen == [true, true])
        #expect(sockets.map(isCorked) == [false, false])
        corks.whileCorked(messageCount: 3) { seen = sockets.map(isCorked) }
        #expect(seen == [false, false])
        for socket in sockets { close(socket) }
    }

    @Test func aDescriptorThatIsAnotherSocketByNowIsLeftAlone() {
        let corks = ConnectionCorks()
        let first = socket()
        corks.add(descriptor: first)
        close(first)
        let second = socket()
        #expect(second == first, "the kernel gives the lowest free descriptor")
        var seen = true
        corks.whileCorked(messageCount: 10) { seen = isCorked(second) }
        #expect(!seen)
        #expect(corks.connectionCount == 0)
        close(second)
    }

    @Test func connectionsThatCameAndWentDoNotAddUp() {
        let corks = ConnectionCorks()
        for _ in 0..<100 {
            let connection = socket()
            corks.add(descriptor: connection)
            close(connection)
        }
        for _ in 0..<256 { corks.whileCorked(messageCount: 4) {} }
        #expect(corks.connectionCount == 0)
    }

    @Test func otherSocketsAreOfNoInterest() {
        let corks = ConnectionCorks()
        let unix = socket(AF_UNIX)
        corks.add(descriptor: unix)
        corks.add(descriptor: -1)
        #expect(corks.connectionCount == 0)
        close(unix)
    }
}
