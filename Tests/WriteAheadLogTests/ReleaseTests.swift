import EtcdMessages
import Primitives
import SimulatedPlatform
import Testing

@testable import WriteAheadLog

/// Ordering rule 6: the log gives up segments only behind the record of the snapshot that covers them. The log itself sees to
/// it: a caller in the wrong order ends the process before anything is gone.
@Suite struct ReleaseTests {
    /// A log of several segments, the entries 1 to 40 in it.
    private static func longLog() throws -> WALWriter {
        let writer = try makeLog(makeDisk(), segmentByteCount: 512)
        for index in 1...40 as ClosedRange<UInt64> {
            try writer.append(state: hardState(term: 1, commit: index), entries: [entry(index, term: 1, [1, 2, 3])])
            try writer.sync()
        }
        return writer
    }

    @Test func segmentsAreNotReleasedBeforeASnapshotIsRecorded() async {
        await #expect(processExitsWith: .failure) {
            let writer = try ReleaseTests.longLog()
            writer.releaseSegments(through: LogIndex(20))
        }
    }

    @Test func segmentsAreNotReleasedBeyondTheSnapshotThatIsRecorded() async {
        await #expect(processExitsWith: .failure) {
            let writer = try ReleaseTests.longLog()
            try writer.saveSnapshot(snapshotRecord(19, term: 1))
            writer.releaseSegments(through: LogIndex(20))
        }
    }

    /// The same steps in the right order end well: the others end for the order alone.
    @Test func behindTheRecordTheyAre() async {
        await #expect(processExitsWith: .success) {
            let writer = try ReleaseTests.longLog()
            let held = writer.heldSegmentCount
            try writer.saveSnapshot(snapshotRecord(20, term: 1))
            writer.releaseSegments(through: LogIndex(20))
            precondition(writer.heldSegmentCount < held)
        }
    }
}
