internal import Environment
internal import EtcdMessages
internal import Primitives
internal import SimulatedPlatform

/// The file of a snapshot that came over the network.
enum ReceivedSnapshot {
    /// Saves it durably, as the transport does before anyone hears of it. Answers where. A file of that name stays: it may be in
    /// use already.
    static func save(
        _ bytes: Bytes, of message: RaftMessage, in directory: String, on disk: SimulatedDisk
    ) throws(DiskError) -> String {
        let path = "\(directory)/\((message.snapshot?.metadata.index ?? 0).fixedHexadecimal).snap.db"
        let file = try disk.open(path + ".tmp", .create)
        defer { file.close() }
        try unsafe file.write(bytes.span.bytes, at: 0)
        try file.truncate(byteCount: bytes.count)
        try file.sync()
        if try disk.exists(path) {
            try disk.remove(path + ".tmp")
        } else {
            try disk.rename(path + ".tmp", to: path)
        }
        try disk.syncDirectory(directory)
        return path
    }
}
