package import Environment
internal import Primitives

/// Small files of text.
package enum TextFile {
    /// More than this is no configuration.
    private static let maxByteCount = 16 << 20

    /// The whole text of a file; what is no UTF-8 in it becomes replacement characters.
    package static func read(_ path: String) throws(DiskError) -> String {
        let file = try RealDisk().open(path, .readOnly, permissions: 0)
        defer { file.close() }
        let byteCount = try file.byteCount()
        guard byteCount <= maxByteCount else { throw DiskError(.other(27), operation: "read", path: path) }
        var bytes = Bytes(repeating: 0, count: byteCount)
        var span = bytes.mutableSpan
        var raw = unsafe span.mutableBytes
        let count = try file.read(into: &raw, at: 0)
        return Bytes(bytes[..<count]).text
    }
}
