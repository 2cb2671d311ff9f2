internal import Environment
internal import Synchronization

/// Writes one transaction to the file, a disk operation at a time, while others go on reading.
///
/// It has immutable inputs only (the newest state, the changes, free pages lent to it) and touches nothing that the owner of
/// the file uses, so it may run on any thread; a simulator takes its steps one by one. What it made of the file is its
/// outcome, which the owner takes with `BoltFile.finish(_:)`.
///
/// ```
/// plan -> grow -> write pages ... -> write checksums ... -> sync, sync -> write meta -> sync -> outcome
/// ```
/// After an error nothing is retried (ordering rule 5): all that follows, and every later commit of the same file, fails
/// with that error.
package struct BoltCommitter: Sendable {
    /// What a transaction made of the file.
    package struct Outcome: Sendable {
        /// The new state, durable.
        let root: BoltMeta
        /// Pages that only older states lead to.
        let freed: [PageRun]
        /// What is left of the free pages lent.
        let remaining: PageRuns
        /// Length of the file.
        let fileByteCount: Int
    }

    private let input: CommitInput
    private let file: any DiskFile
    private let checksums: ChecksumFile?
    private let fuse: CommitFuse
    private var plan: CommitPlan?
    private var done = 0

    init(_ input: CommitInput, file: any DiskFile, checksums: ChecksumFile?, fuse: CommitFuse) {
        self.input = input
        self.file = file
        self.checksums = checksums
        self.fuse = fuse
    }

    /// Takes all steps.
    package mutating func run() throws(BoltError) -> Outcome {
        while true {
            if let outcome = try step() { return outcome }
        }
    }

    /// Takes the next step: plans the transaction, or does one disk operation. Answers the outcome after the last one.
    package mutating func step() throws(BoltError) -> Outcome? {
        if let failure = fuse.failure { throw failure }
        do throws(BoltError) {
            guard let plan else {
                plan = try CommitPlan(input)
                return nil
            }
            try onDisk { () throws(DiskError) in try perform(plan.effects[done]) }
            done += 1
            return done == plan.effects.count ? plan.outcome : nil
        } catch {
            fuse.blow(error)
            throw error
        }
    }

    private func perform(_ effect: CommitPlan.Effect) throws(DiskError) {
        switch effect {
        case .grow(let byteCount): try file.allocate(byteCount: byteCount)
        case .writePages(let bytes, let offset), .writeMeta(let bytes, let offset): try file.write(bytes, at: offset)
        case .writeChecksums(let bytes, let offset): try checksums?.file.write(bytes, at: offset)
        case .syncPages, .syncMeta: try file.sync()
        case .syncChecksums: try checksums?.file.sync()
        }
    }
}

/// The first error of any commit of a file, shared by its owner and its committers: there is no commit after it.
final class CommitFuse: Sendable {
    private let state = Mutex<BoltError?>(nil)

    var failure: BoltError? { state.withLock { $0 } }

    func blow(_ error: BoltError) {
        state.withLock { $0 = $0 ?? error }
    }
}
