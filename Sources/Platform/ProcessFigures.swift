internal import Glibc

/// What the system says of this process: what Go's Prometheus client shows of any (client_golang's `process_collector.go`).
///
/// A figure that cannot be read is nil: not every system shows all of `/proc`.
package struct ProcessFigures: Sendable {
    /// Processor time in user and system mode, in seconds.
    package var cpuSeconds: Double?
    package var openFileCount: Int?
    /// Greatest number of open files.
    package var maxFileCount: UInt64?
    package var virtualByteCount: UInt64?
    /// Greatest size of the address space, in bytes; all ones if there is no bound.
    package var maxVirtualByteCount: UInt64?
    package var residentByteCount: UInt64?
    /// When the process began, in seconds since 1970.
    package var startUnixSeconds: Double?
    /// Bytes that the machine, or the container, has received and sent over IP.
    package var receivedByteCount: UInt64?
    package var sentByteCount: UInt64?

    /// Reads them; takes longer the more files are open.
    package init() {
        readStatus()
        openFileCount = Self.count(ofEntriesIn: "/proc/self/fd")
        maxFileCount = Self.limit(RLIMIT_NOFILE)
        maxVirtualByteCount = Self.limit(RLIMIT_AS)
        (receivedByteCount, sentByteCount) = Self.networkByteCounts()
    }

    /// `/proc/self/stat`: `pid (name) state ppid ...`; the name may hold anything, so the fields are counted behind it.
    private mutating func readStatus() {
        guard let text = Self.read("/proc/self/stat"), let name = text.lastIndex(of: ")") else { return }
        let fields = text[text.index(after: name)...].split(separator: " ")
        // `man 5 proc` counts from 1, with the name as the second: here that is from 3.
        func field(_ number: Int) -> UInt64? { fields.count > number - 3 ? UInt64(fields[number - 3]) : nil }
        let ticksPerSecond = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
        if let user = field(14), let system = field(15) { cpuSeconds = Double(user &+ system) / ticksPerSecond }
        if let start = field(22), let boot = Self.bootUnixSeconds() {
            startUnixSeconds = Double(boot) + Double(start) / ticksPerSecond
        }
        virtualByteCount = field(23)
        residentByteCount = field(24).map { $0 &* UInt64(max(0, sysconf(Int32(_SC_PAGESIZE)))) }
    }

    private static func bootUnixSeconds() -> UInt64? {
        let line = read("/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }
        return line.flatMap { UInt64($0.dropFirst(6)) }
    }

    /// `/proc/self/net/netstat`: pairs of lines, the first with the names of what the second has.
    private static func networkByteCounts() -> (received: UInt64?, sent: UInt64?) {
        let lines = read("/proc/self/net/netstat")?.split(separator: "\n").filter { $0.hasPrefix("IpExt:") } ?? []
        guard lines.count == 2 else { return (nil, nil) }
        let names = lines[0].split(separator: " ")
        let values = lines[1].split(separator: " ")
        func value(_ name: String) -> UInt64? {
            guard let index = names.firstIndex(where: { $0 == name }), index < values.count else { return nil }
            return UInt64(values[index])
        }
        return (value("InOctets"), value("OutOctets"))
    }

    private static func limit(_ resource: __rlimit_resource) -> UInt64? {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0 else { return nil }
        return UInt64(limit.rlim_cur)
    }

    /// The number of entries of a directory, less the one that reading it takes.
    private static func count(ofEntriesIn path: String) -> Int? {
        guard let directory = unsafe opendir(path) else { return nil }
        defer { unsafe closedir(directory) }
        var count = 0
        while unsafe readdir(directory) != nil { count += 1 }
        // `.`, `..` and the directory itself.
        return max(0, count - 3)
    }

    /// All of a file of `/proc`, whose length is told only by its end; nil if it cannot be read or is no text.
    private static func read(_ path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var contents: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        while contents.count < maxByteCount {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            contents += buffer[..<count]
        }
        return String(validating: contents, as: UTF8.self)
    }

    /// What is read of a file at most, in bytes: lines on every interrupt of a large machine are not wanted.
    private static let maxByteCount = 1 << 20
}
