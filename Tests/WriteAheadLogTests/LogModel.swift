import Checksums
import Environment
import EtcdMessages
import Primitives

@testable import WriteAheadLog

/// What a log should hold, and batches as Raft would write them.
struct LogModel {
    struct Batch {
        var state: HardState?
        var entries: [RaftEntry] = []
    }

    var entries: [RaftEntry] = []
    var state = HardState()
    var snapshots: [WALSnapshot] = []

    func term(at index: UInt64) -> UInt64 {
        index == 0 ? 0 : entries[Int(index) - 1].term
    }

    /// Makes up a batch and takes it in.
    mutating func nextBatch(_ entropy: inout SeededEntropy, maxByteCount: UInt64 = 700) -> Batch {
        let batch = proposal(&entropy, maxByteCount: maxByteCount)
        apply(batch)
        return batch
    }

    private func proposal(_ entropy: inout SeededEntropy, maxByteCount: UInt64) -> Batch {
        var next = state
        if state.term == 0 || entropy.next() % 8 == 0 {
            next.term += 1
            next.vote = entropy.next() % 3
        }
        var batch = Batch()
        var last = UInt64(entries.count)
        // A new leader replaces what was not committed.
        if next.term > state.term, last > state.commit { last -= entropy.next() % (last - state.commit + 1) }
        for _ in 0..<entropy.next() % 6 {
            last += 1
            var entry = entry(last, term: next.term)
            if entropy.next() % 8 > 0 { entry.data = entropy.nonzeroBytes(Int(entropy.next() % maxByteCount)) }
            if entropy.next() % 16 == 0, !(entry.data ?? []).isEmpty { entry.type = .confChange }
            batch.entries.append(entry)
        }
        let lastIndex = batch.entries.last?.index ?? UInt64(entries.count)
        if lastIndex > next.commit, entropy.next() % 2 == 0 {
            next.commit += entropy.next() % (lastIndex - next.commit + 1)
        }
        if next != state { batch.state = next }
        return batch
    }

    mutating func apply(_ batch: Batch) {
        for entry in batch.entries {
            if Int(entry.index) <= entries.count { entries.removeLast(entries.count - Int(entry.index) + 1) }
            entries.append(entry)
        }
        if let newState = batch.state { state = newState }
    }

    func matches(_ contents: WALContents) -> Bool {
        contents.entries == entries && contents.hardState == state && contents.metadata == sampleMetadata
            && contents.snapshots == [WALSnapshot()] + snapshots
    }
}

/// Frames put together record by record.
struct HandmadeLog {
    var bytes: Bytes = []
    private var crc = CRC32C()

    mutating func add(_ type: Int64, _ data: Bytes?) {
        var record = WALRecord()
        record.type = type
        record.data = data
        if let data { crc.update(data) }
        record.crc = crc.value
        let encoded = record.encoded()
        let length = FrameLength(recordByteCount: encoded.count)
        bytes += Bytes(bigEndian: length.encoded).reversed()
        bytes += encoded + Bytes(repeating: 0, count: length.paddedByteCount - encoded.count)
    }

    /// A segment's head.
    static var withHead: HandmadeLog {
        var log = HandmadeLog()
        log.add(4, nil)
        log.add(1, sampleMetadata.encoded())
        log.add(5, WALSnapshot().encoded())
        return log
    }
}
