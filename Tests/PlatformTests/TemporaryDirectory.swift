import Environment
import Glibc
import Platform

/// A new directory of this machine that is removed with everything in it when let go of.
final class TemporaryDirectory {
    let path: String
    let disk = RealDisk()

    init() {
        var template = Array("/tmp/martlet-platform-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { preconditionFailure("no temporary directory: errno \(errno)") }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit {
        try? disk.removeTree(path)
    }

    func path(_ name: String) -> String { "\(path)/\(name)" }
}

/// The error a call throws; nil if it throws none.
func diskError(_ body: () throws(DiskError) -> Void) -> DiskError.Kind? {
    do {
        try body()
        return nil
    } catch {
        return error.kind
    }
}
