import Glibc
import Testing

@testable import Platform

@Suite struct SystemdNotificationTests {
    /// A socket bound to a name, as a supervisor has one.
    private func supervisor(_ name: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { path in
            path.copyBytes(from: name.utf8)
            if name.hasPrefix("@") { path[0] = 0 }
        }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.utf8.count)
        let outcome = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        try #require(outcome == 0)
        return descriptor
    }

    @Test(arguments: ["/tmp/martlet-notify-\(getpid())", "@martlet-notify-\(getpid())"])
    func theSupervisorIsTold(name: String) throws {
        let descriptor = try supervisor(name)
        defer {
            close(descriptor)
            unlink(name)
        }
        #expect(SystemdNotification.ready(socket: name) == .sent)
        var buffer = [UInt8](repeating: 0, count: 100)
        let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        #expect(String(decoding: buffer.prefix(max(0, count)), as: UTF8.self) == "READY=1")
    }

    @Test func nobodyOrNothing() {
        #expect(SystemdNotification.ready(socket: nil) == .notWanted)
        #expect(SystemdNotification.ready(socket: "") == .notWanted)
        #expect(SystemdNotification.ready(socket: "/nowhere/at/all") == .failed(ENOENT))
        #expect(SystemdNotification.ready(socket: "relative") == .failed(EINVAL))
        #expect(SystemdNotification.ready(socket: "/" + String(repeating: "x", count: 200)) == .failed(EINVAL))
    }
}
