internal import Environment
internal import Glibc
internal import Platform
internal import Primitives

/// What a process has used of the machine, from `/proc`.
package struct ProcessUsage: Sendable {
    /// Time on processors, of all threads, in nanoseconds; the kernel counts in steps of 10 ms.
    package let cpuNanoseconds: UInt64
    /// Memory that is the process's own, in bytes.
    package let anonymousByteCount: UInt64
    /// Memory that belongs to files, in bytes: the kernel may take it back at any time.
    package let fileByteCount: UInt64
    /// The most memory of both kinds that it had at once, in bytes.
    package let peakByteCount: UInt64

    /// Reads what a process has used so far; nil if there is no such process.
    package init?(process: Int32) {
        guard let status = Self.read("/proc/\(process)/status"), let stat = Self.read("/proc/\(process)/stat") else {
            return nil
        }
        anonymousByteCount = Self.kibibytes("RssAnon:", in: status)
        fileByteCount = Self.kibibytes("RssFile:", in: status) + Self.kibibytes("RssShmem:", in: status)
        peakByteCount = Self.kibibytes("VmHWM:", in: status)
        // The name may hold anything but ends with the last parenthesis; user and system time are fields 14 and 15.
        guard let nameEnd = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[nameEnd...].split(separator: " ")
        guard fields.count > 13, let user = UInt64(fields[12]), let system = UInt64(fields[13]) else { return nil }
        cpuNanoseconds = (user + system) * 1_000_000_000 / UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))
    }

    /// Reads what several processes have used so far, together; nil if one of them does not exist, or there are none. Of the
    /// most memory at once it is the sum, though each may have had it at another time.
    package init?(processes: [Int32]) {
        let usages = processes.compactMap { ProcessUsage(process: $0) }
        guard !usages.isEmpty, usages.count == processes.count else { return nil }
        cpuNanoseconds = usages.reduce(0) { $0 + $1.cpuNanoseconds }
        anonymousByteCount = usages.reduce(0) { $0 + $1.anonymousByteCount }
        fileByteCount = usages.reduce(0) { $0 + $1.fileByteCount }
        peakByteCount = usages.reduce(0) { $0 + $1.peakByteCount }
    }

    /// Time on processors that this process itself has used, in nanoseconds.
    package static var ownCPUNanoseconds: UInt64 {
        var time = timespec()
        // It fails only for a clock that does not exist.
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    private static func kibibytes(_ name: String, in status: String) -> UInt64 {
        for line in status.split(separator: "\n") where line.hasPrefix(name) {
            return (line.dropFirst(name.count).split(whereSeparator: \.isWhitespace).first.flatMap { UInt64($0) } ?? 0)
                * 1024
        }
        return 0
    }

    private static func read(_ path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = Bytes(repeating: 0, count: 16384)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
        return count > 0 ? Bytes(bytes[..<count]).text : nil
    }
}
