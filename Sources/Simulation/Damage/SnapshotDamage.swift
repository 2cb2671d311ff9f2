internal import Environment
internal import Primitives
internal import SimulatedPlatform

/// What becomes of the file of a snapshot between the disk that it is read from and the one that it is written to. Whatever it is, the
/// receiver finds that the file is not what was sent, keeps nothing of it, and its leader sends it again.
///
/// All other packets arrive as they were sent, or not at all (`SimulatedNetwork` says why).
enum SnapshotDamage: String, CaseIterable {
    // On its way
    case bit = "snapshot: bit"
    case cut = "snapshot: cut"
    case blockRepeated = "snapshot: block repeated"
    case blockMoved = "snapshot: block moved"
    // At the receiver's disk
    case writeLost = "snapshot: lost write"
    case writeMisdirected = "snapshot: misdirected write"

    private static let blockByteCount = 4096

    /// What arrives.
    func changed(_ sent: Bytes, _ entropy: inout SeededEntropy) -> Bytes {
        var bytes = sent
        guard !bytes.isEmpty else { return bytes }
        let blockCount = max(1, bytes.count / Self.blockByteCount)
        switch self {
        case .bit: bytes[entropy.below(bytes.count)] ^= 1 << UInt8(entropy.below(8))
        case .cut: bytes.removeLast(1 + entropy.below(bytes.count))
        case .blockRepeated:
            let range = block(entropy.below(blockCount), of: bytes)
            bytes.insert(contentsOf: Bytes(bytes[range]), at: range.upperBound)
        case .blockMoved:
            let (from, to) = (block(entropy.below(blockCount), of: sent), block(entropy.below(blockCount), of: sent))
            let count = min(from.count, to.count)
            bytes.replaceSubrange(to.prefix(count), with: sent[from.prefix(count)])
        case .writeLost, .writeMisdirected: break
        }
        return bytes
    }

    private func block(_ number: Int, of bytes: Bytes) -> Range<Int> {
        let start = number * Self.blockByteCount
        return start..<min(bytes.count, start + Self.blockByteCount)
    }

    /// What becomes of the write of a piece to this place in the file; nil if nothing does.
    func fault(at offset: Int, _ entropy: inout SeededEntropy) -> DiskFault? {
        switch self {
        case .bit, .cut, .blockRepeated, .blockMoved: nil
        case .writeLost: .dropWrite
        case .writeMisdirected: .misdirectWrite(toOffset: entropy.below(offset + 1))
        }
    }
}
