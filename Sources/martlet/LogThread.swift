internal import Environment
internal import Node
internal import Platform
internal import Primitives
internal import WriteAheadLog

/// The thread that owns the write-ahead log: it writes and syncs batches, and records snapshots.
struct LogThread {
    private enum Job: Sendable {
        case write(LogBatch)
        case save(SnapshotJob)
    }

    /// Carries the log over to its thread, which alone uses it from then on.
    private final class Handover: @unchecked Sendable {
        let writer: WALWriter

        init(_ writer: WALWriter) {
            self.writer = writer
        }
    }

    private let worker: Worker<Job>

    init(writer: WALWriter, disk: any Disk, mailbox: LoopMailbox) {
        let handover = Handover(writer)
        worker = Worker(name: "log") {
            let writer = handover.writer
            return { job, isIdle in
                do throws(NodeError) {
                    mailbox.put(try Self.run(job, writer, disk))
                    // The next segment takes time to reserve; nobody waits for it now.
                    if isIdle { try Self.prepareNextSegment(writer) }
                } catch {
                    mailbox.put(.failed(error))
                }
            }
        }
    }

    private static func run(_ job: Job, _ writer: WALWriter, _ disk: any Disk) throws(NodeError) -> LoopEvent {
        switch job {
        case .write(let batch):
            try batch.write(to: writer)
            return .logSynced(batch.lastIndex)
        case .save(let snapshot):
            try snapshot.run(disk: disk, writer: writer)
            return .snapshotSaved
        }
    }

    private static func prepareNextSegment(_ writer: WALWriter) throws(NodeError) {
        do throws(WALError) {
            if writer.needsPreparation { try writer.prepareNextSegment() }
        } catch {
            throw .log(error)
        }
    }

    func write(_ batch: LogBatch) { worker.submit(.write(batch)) }
    func save(_ snapshot: SnapshotJob) { worker.submit(.save(snapshot)) }

    /// Waits until all that was given is written.
    func stop() { worker.stop() }
}
