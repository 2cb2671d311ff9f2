internal import Environment
internal import Primitives

/// Writes one transaction to the file, a disk operation at a time, while others go on reading.
///
/// It has immutable inputs only (the newest state, the changes, free pages lent to it) and touches nothing that the owner of
/// the file uses, so it may run on any thread; a simulator takes its steps one by one. What it made of the file is its
/// outcome, which the owner takes with `BoltFile.finish(_:)`.
///
/// ```
/// plan -> grow -> write pages ... -> write checksums ... -> sync, sync -> write meta -> sync -> (cut off) -> outcome
/// ```
/// After an error nothing is retried (ordering rule 5): this committer fails with the same error for good, and since it will
/// never be finished, the file begins no other.
package struct BoltCommitter: Sendable {
    /// What a transaction made of the file.
    package struct Outcome: Sendable {
        /// The new state, durable.
        let root: BoltMeta
        /// Pages that only older states lead to.
        let freed: [FreedRun]
        /// What is left of the free pages lent.
        let remaining: PageRuns
        /// Length of the file.
        let fileByteCount: Int
        /// What came of the slice of a defragmentation; nil if none is under way.
        let relocation: RelocationResult?
    }

    private let input: CommitInput
    private let file: any DiskFile
    private let checksums: ChecksumFile?
    private(set) var plan: CommitPlan?
    private(set) var done = 0
    private var failure: BoltError?

    /// - Parameter failure: why there is nothing it may do.
    init(_ input: CommitInput, file: any DiskFile, checksums: ChecksumFile?, failure: BoltError? = nil) {
        self.input = input
        self.file = file
        self.checksums = checksums
        self.failure = failure
    }

    /// Takes all steps.
    package mutating func run() throws(BoltError) -> Outcome {
        while true {
            if let outcome = try step() { return outcome }
        }
    }

    /// Takes the next step: plans the transaction, or does one disk operation. Answers the outcome after the last one.
    package mutating func step() throws(BoltError) -> Outcome? {
        if let failure { throw failure }
        do throws(BoltError) {
            guard let plan else {
                plan = try CommitPlan(input)
                return nil
            }
            assertAlways(done < plan.effects.count, "no step after the last")
            try onDisk { () throws(DiskError) in
                do throws(DiskError) {
                    try perform(plan.effects[done])
                } catch {
                    #if Simulation
                    if Canary.fullDisksIgnored.isChosen, error.kind == .noSpace { return }
                    #endif
                    throw error
                }
            }
            done += 1
            return done == plan.effects.count ? plan.outcome : nil
        } catch {
            failure = error
            throw error
        }
    }

    private func perform(_ effect: CommitPlan.Effect) throws(DiskError) {
        switch effect {
        case .grow(let byteCount): try file.allocate(byteCount: byteCount)
        case .writePages(let bytes, let offset), .writeMeta(let bytes, let offset): try file.write(bytes, at: offset)
        case .writeChecksums(let bytes, let offset): try checksums?.file.write(bytes, at: offset)
        case .syncPages:
            #if Simulation
            if Canary.rootBeforePages.isChosen { return }
            #endif
            try file.sync()
        case .syncMeta: try file.sync()
        case .syncChecksums: try checksums?.file.sync()
        case .truncate(let byteCount): try file.truncate(byteCount: byteCount)
        }
    }
}
