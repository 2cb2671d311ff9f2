internal import Environment
internal import Logging
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

    private static let logger = Logger(label: "martlet")

    private let worker: Worker<Job>

    init(writer: WALWriter, disk: any Disk, mailbox: LoopMailbox, clock: any Clock) {
        let handover = Handover(writer)
        worker = Worker(name: "log") {
            let writer = handover.writer
            var unprepared: SegmentName?
            return { job, isIdle in
                do throws(NodeError) {
                    mailbox.put(try Self.run(job, writer, disk, clock))
                } catch {
                    mailbox.put(.failed(error))
                    return
                }
                // The next segment takes time to reserve; nobody waits for it now.
                if isIdle { Self.prepareNextSegment(writer, unless: &unprepared) }
            }
        }
    }

    private static func run(
        _ job: Job, _ writer: WALWriter, _ disk: any Disk, _ clock: any Clock
    ) throws(NodeError) -> LoopEvent {
        switch job {
        case .write(let batch):
            let timing = try batch.write(to: writer) { clock.monotonicNanoseconds() }
            return .logSynced(batch.lastIndex, timing)
        case .save(let snapshot):
            let timing = try snapshot.run(disk: disk, writer: writer) { clock.monotonicNanoseconds() }
            return .snapshotSaved(timing)
        }
    }

    /// Makes the next segment ahead, unless that was tried behind this one and failed. The disk may be full, which is no
    /// reason to stop: there is room in the segment that is written to, and space may be found before it is used up.
    private static func prepareNextSegment(_ writer: WALWriter, unless unprepared: inout SegmentName?) {
        guard writer.needsPreparation, unprepared != writer.lastSegment else { return }
        do throws(WALError) {
            try writer.prepareNextSegment()
        } catch {
            unprepared = writer.lastSegment
            logger.warning("the next segment of the log cannot be made ahead", metadata: ["error": "\(error)"])
        }
    }

    func write(_ batch: LogBatch) { worker.submit(.write(batch)) }
    func save(_ snapshot: SnapshotJob) { worker.submit(.save(snapshot)) }

    /// Waits until all that was given is written.
    func stop() { worker.stop() }
}
