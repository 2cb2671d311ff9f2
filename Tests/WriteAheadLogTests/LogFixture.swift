import Environment
import EtcdMessages
import Primitives
import SimulatedPlatform
import Testing

@testable import WriteAheadLog

let directory = "/data/member/wal"

/// The metadata of a default member, as in the vectors of docs.
var sampleMetadata: WALMetadata {
    var metadata = WALMetadata()
    metadata.nodeID = 0x8e9e_05c5_2164_694d
    metadata.clusterID = 0xcdf8_1819_4e3a_8c32
    return metadata
}

func entry(_ index: UInt64, term: UInt64, _ data: Bytes? = nil) -> RaftEntry {
    var entry = RaftEntry()
    entry.index = index
    entry.term = term
    entry.data = data
    return entry
}

func hardState(term: UInt64, vote: UInt64 = 0, commit: UInt64 = 0) -> HardState {
    var state = HardState()
    state.term = term
    state.vote = vote
    state.commit = commit
    return state
}

func snapshotRecord(_ index: UInt64, term: UInt64) -> WALSnapshot {
    var record = WALSnapshot()
    record.index = index
    record.term = term
    var confState = ConfState()
    confState.voters = [sampleMetadata.nodeID]
    record.confState = confState
    return record
}

func logSettings(segmentByteCount: Int) -> WALSettings {
    var settings = WALSettings()
    settings.segmentByteCount = segmentByteCount
    return settings
}

/// A disk with the directory that a log is made in.
func makeDisk(seed: UInt64 = 1) -> SimulatedDisk {
    let disk = SimulatedDisk(seed: seed)
    disk.placeDirectory("/data/member")
    return disk
}

func makeLog(_ disk: any Disk, segmentByteCount: Int = 16 << 10) throws(WALError) -> WALWriter {
    try WALWriter.create(
        disk: disk, directory: directory, metadata: sampleMetadata,
        settings: logSettings(segmentByteCount: segmentByteCount))
}

/// A log that goes on after a restart.
func reopenLog(
    _ disk: any Disk, from snapshot: WALSnapshot? = nil, segmentByteCount: Int = 16 << 10
) throws(WALError) -> (WALContents, WALWriter) {
    let contents = try WALReader.readToAppend(disk: disk, directory: directory, from: snapshot)
    let settings = logSettings(segmentByteCount: segmentByteCount)
    return (contents, try WALWriter.open(continuing: contents, disk: disk, settings: settings))
}

/// Paths of the segments on a disk, oldest first.
func segmentPaths(_ disk: any Disk) throws -> [String] {
    try disk.list(directory).filter { SegmentName($0) != nil }.map { "\(directory)/\($0)" }
}

extension SeededEntropy {
    /// Bytes none of which is zero, so that no part of them passes for a sector that was never written.
    mutating func nonzeroBytes(_ count: Int) -> Bytes {
        (0..<count).map { _ in UInt8.random(in: 1...255, using: &self) }
    }
}

func hexBytes(_ text: String) -> Bytes {
    let digits = text.filter { !$0.isWhitespace }
    return stride(from: 0, to: digits.count, by: 2).map { position in
        let start = digits.index(digits.startIndex, offsetBy: position)
        return UInt8(digits[start..<digits.index(start, offsetBy: 2)], radix: 16) ?? 0
    }
}
