import Environment
import EtcdMessages
import GRPCCore
import Glibc
import Primitives
import Raft
import SimulatedPlatform
import Testing
import WriteAheadLog

@testable import Node
@testable import martlet

@Suite struct LogThreadTests {
    /// Writes an entry on the log's thread, with a fault on the disk, and answers what the loop hears.
    private func events(_ fault: DiskFault, atNext operation: DiskOperation) throws -> [LoopEvent] {
        let server = try GRPCServer(methods: [], settings: GRPCServerSettings())
        defer { server.close() }
        let disk = SimulatedDisk()
        var settings = WALSettings()
        settings.segmentByteCount = 4096
        let writer = try WALWriter.create(disk: disk, directory: "/wal", metadata: WALMetadata(), settings: settings)
        disk.inject(fault, atNext: operation)
        let mailbox = LoopMailbox(waker: server.waker)
        let thread = LogThread(writer: writer, disk: disk, mailbox: mailbox, clock: SimulatedClock())
        for index in 1...3 as ClosedRange<UInt64> {
            var entry = RaftEntry()
            entry.index = index
            entry.term = 1
            let mark = SyncMark(lastIndex: LogIndex(index), lastTerm: Term(1), term: Term(1), vote: .none)
            thread.write(LogBatch(entries: [entry], hardState: nil, mark: mark))
        }
        thread.stop()
        return mailbox.takeAll()
    }

    private func syncedIndexes(_ events: [LoopEvent]) -> [UInt64] {
        events.compactMap { if case .logSynced(let index, _) = $0 { index.rawValue } else { nil } }
    }

    @Test func aFullDiskStopsNothingWhileThereIsRoomInTheSegment() throws {
        let events = try events(.fail(.noSpace), atNext: .allocate)
        #expect(syncedIndexes(events) == [1, 2, 3] && events.count == 3)
    }

    @Test func aFailedWriteIsToldAndNothingIsWrittenAfterIt() throws {
        let events = try events(.fail(.inputOutput), atNext: .write)
        #expect(syncedIndexes(events).isEmpty && events.count == 3)
        #expect(events.allSatisfy { if case .failed = $0 { true } else { false } })
    }
}
