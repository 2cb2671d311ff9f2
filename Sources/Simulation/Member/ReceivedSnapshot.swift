internal import Checksums
internal import Environment
internal import EtcdMessages
internal import Primitives
internal import SimulatedPlatform
internal import Snapshots

/// The file of a snapshot that came over the network, saved as the transport saves it: piece by piece, durably, and only if it is
/// what was sent.
struct ReceivedSnapshot {
    let disk: SimulatedDisk
    let clock: SimulatedClock
    let directory: String
    let message: RaftMessage
    /// The file as its sender had it.
    let bytes: Bytes

    /// Saves the file, of which something may become another on its way or as it is written. Answers where it is, or why it is
    /// nowhere.
    ///
    /// - Throws: if a file was kept that is not what was sent.
    func save(
        _ damage: SnapshotDamage? = nil, _ entropy: inout SeededEntropy
    ) throws(SimulationFailure) -> Result<String, ReceivedDatabaseError> {
        let temporary = "\(directory)/tmp\(disk.operationCount).snap.db"
        let file = ReceivedDatabase(
            disk: disk, clock: clock, directory: directory, temporary: temporary,
            index: LogIndex(message.snapshot?.metadata.index ?? 0), maxByteCount: .max)
        let arrived = damage?.changed(bytes, &entropy) ?? bytes
        let pieceByteCount = max(4096, arrived.count / 4)
        let offsets = Array(stride(from: 0, to: arrived.count, by: pieceByteCount))
        // Not the first: what is lost of it may have been nothing but zeros, as files begin.
        let harmed = damage != nil && offsets.count > 1 ? 1 + entropy.below(offsets.count - 1) : 0
        for (number, offset) in offsets.enumerated() {
            if number == harmed, let fault = damage?.fault(at: offset, &entropy) {
                disk.inject(fault, atNext: .write, under: temporary)
            }
            file.write(Bytes(arrived[offset..<min(arrived.count, offset + pieceByteCount)]))
        }
        let isDamaged = damage != nil && disk.contents(of: temporary) != bytes
        switch file.finish(checksum: CRC32C.checksum(bytes)) {
        case .success(let written):
            guard !isDamaged else {
                throw SimulationFailure("a snapshot was kept that is not what was sent: \(damage?.rawValue ?? "")")
            }
            return .success(written.path)
        case .failure(let error): return .failure(error)
        }
    }
}
