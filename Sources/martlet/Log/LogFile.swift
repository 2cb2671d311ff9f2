internal import Glibc
internal import Primitives

/// A log file that lines are appended to, and that is put aside and begun anew when it has grown, if that is wanted: under
/// a name with the time in it, such as `etcd-2026-11-25T22-49-05.844.log`, as etcd's (lumberjack's) are.
///
/// Used under the lock of `LogSink` alone. What cannot be written is lost: there is nowhere to say so.
final class LogFile: @unchecked Sendable {
    // Unchecked because of the variables, which are only touched under the sink's lock.
    private let path: String
    private let rotation: LogRotation?
    private var descriptor: Int32
    private var byteCount: Int

    init(path: String, rotation: LogRotation?) throws(ConfigurationError) {
        self.path = path
        self.rotation = rotation
        descriptor = Self.open(path)
        guard descriptor >= 0 else {
            let reason = unsafe String(cString: strerror(errno))
            throw ConfigurationError("open \(path): \(reason.prefix(1).lowercased())\(reason.dropFirst())")
        }
        byteCount = Self.byteCount(of: descriptor)
    }

    deinit {
        Glibc.close(descriptor)
    }

    private static func open(_ path: String) -> Int32 {
        unsafe Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
    }

    private static func byteCount(of descriptor: Int32) -> Int {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    func write(_ line: String) {
        var rest = Bytes(text: line)[...]
        if let rotation, byteCount > 0, byteCount + rest.count > rotation.maxByteCount { rotate(rotation) }
        byteCount += rest.count
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            rest.removeFirst(count)
        }
    }

    // MARK: Rotation

    /// The path in three parts: directory with its slash, name before the last dot, the dot and what follows.
    private var parts: (directory: Substring, stem: Substring, suffix: Substring) {
        let name = path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path[...]
        let directory = path[..<name.startIndex]
        guard let dot = name.lastIndex(of: ".") else { return (directory, name, "") }
        return (directory, name[..<dot], name[dot...])
    }

    private func rotate(_ rotation: LogRotation) {
        let parts = parts
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        let stamp = Self.stamp(now, isLocal: rotation.usesLocalTime)
        let aside = "\(parts.directory)\(parts.stem)-\(stamp)\(parts.suffix)"
        // If either fails, the file at hand is written on: better too long than lost.
        guard unsafe rename(path, aside) == 0 else { return }
        let next = Self.open(path)
        guard next >= 0 else { return }
        Glibc.close(descriptor)
        descriptor = next
        byteCount = Self.byteCount(of: next)
        removeOld(rotation, nowSeconds: now.tv_sec)
    }

    private func removeOld(_ rotation: LogRotation, nowSeconds: Int) {
        let parts = parts
        let directory = parts.directory.isEmpty ? "./" : String(parts.directory)
        guard let stream = unsafe opendir(directory) else { return }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                unsafe field.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: field.pointee)) {
                    unsafe String(cString: $0)
                }
            }
            if name.hasPrefix("\(parts.stem)-"), name.hasSuffix(parts.suffix), isStamped(name) { names.append(name) }
        }
        unsafe closedir(stream)
        // The times in the names sort as they follow one another.
        names.sort(by: >)
        for (index, name) in names.enumerated() {
            var status = stat()
            let isThere = unsafe stat(directory + name, &status) == 0
            let age = nowSeconds - status.st_mtim.tv_sec
            let isOld = rotation.maxAgeDays > 0 && isThere && age > rotation.maxAgeDays * 86_400
            let isTooMany = rotation.maxBackupCount > 0 && index >= rotation.maxBackupCount
            if isOld || isTooMany { unsafe unlink(directory + name) }
        }
    }

    /// Whether a name has the form of one that `rotate` gave.
    private func isStamped(_ name: String) -> Bool {
        let parts = parts
        let stamp = name.dropFirst(parts.stem.count + 1).dropLast(parts.suffix.count)
        let form = "0000-00-00T00-00-00.000"
        return stamp.count == form.count
            && zip(stamp, form).allSatisfy { $1 == "0" ? $0.isASCII && $0.isNumber : $0 == $1 }
    }

    private static func stamp(_ time: timespec, isLocal: Bool) -> String {
        var seconds = time.tv_sec
        var parts = unsafe tm()
        if isLocal { unsafe localtime_r(&seconds, &parts) } else { unsafe gmtime_r(&seconds, &parts) }
        func padded(_ number: Int, _ width: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        let date = unsafe [Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday)]
        let clock = unsafe [Int(parts.tm_hour), Int(parts.tm_min), Int(parts.tm_sec)]
        return padded(date[0], 4) + "-" + date[1...].map { padded($0, 2) }.joined(separator: "-") + "T"
            + clock.map { padded($0, 2) }.joined(separator: "-") + "." + padded(time.tv_nsec / 1_000_000, 3)
    }
}
