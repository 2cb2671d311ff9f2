internal import Environment
internal import Primitives

// Fault model. This is what a program on this disk must be ready for; docs/internals/simulation.md says the same at length.
//
// What is promised:
// * After `sync` of a file succeeded, its contents and length at that moment are found after every loss of power.
// * After `syncDirectory` succeeded, so are the names in that directory. Nothing else makes a name durable: a file that was
//   synced in a directory that was not may be gone.
// * A 512-byte sector is written whole or not at all.
// * Changes of one name, of one file's names, or of one file's length become durable in the order in which they were made.
//   A rename is one change: the old or the new is found, never neither.
// * When only the process dies, everything it wrote is still there; its locks and mappings are not.
// * Reads show what was written last, through the file and through mappings of it alike.
//
// What may happen when power is lost (`CrashPolicy`):
// * An unsynced write survives whole, in any of its sectors, or not at all, whatever was written after it.
// * The length of a file is one thing and its contents another. A file may be found longer, with zeros where data should
//   be, or too short for data that did arrive.
// * Unsynced changes of different names survive in any combination.
//
// What may happen to a call, any call, at any time (`DiskFault`):
// * It fails with any error, once. What it fails with says nothing of the next call.
// * A write that fails may have written any part from the front that ends with a sector, or all, for want of space too:
//   there is only so much (`capacityByteCount`), which may become less or more while a program runs.
// * A sync that failed has made some things durable and will never make the others so, however often it is repeated,
//   while reads go on showing them: Linux marks pages clean after a write error.
// * A write is reported done and never arrives, or arrives elsewhere in its file. Syncs do not notice.
// * It takes as long as `DiskLatency` draws for it, now and then a thousand times as long as usual. The disk only keeps
//   account; who runs the machine lets the time pass.
//
// What may happen behind the program's back (`flipBit`, `replace`, `lose`):
// * What is stored, synced or not, becomes something else: flipped bits, older bytes, those of another place; and shows in
//   reads and mappings from then on. A name is gone, and what it led to with it, unless it is open.
//
// What may not:
// * A sync that succeeded does not lie, but for writes that were lost before it.
// * Reads do not return now this and now that: what is wrong stays wrong.
// * Bytes are not torn within a sector; sectors that were not being written hold no garbage after a crash.
// * Calls do not overlap: each is done before the next begins, whichever thread of the machine makes it.
// * There are no access times and permissions to speak of, no symbolic and hard links, no blocks of sparse files (a file
//   occupies its whole length), and no quotas of inodes.

/// The disk of one simulated machine, in memory.
///
/// Every call is numbered from 1 and mixed into `traceHash`, so that a fault can be put at any call of a run and the same
/// run be known to be the same. A clone is what would be found if power were lost, or the process killed, right now; it
/// can be taken at any time and leaves this disk as it is.
package final class SimulatedDisk: Disk, @unchecked Sendable {
    // Unchecked because the simulation is single-threaded: the disk, its files and its clones are used from one thread at a
    // time, and whoever moves them between threads brings the order.

    /// How many calls were made; the next one is number `operationCount + 1`.
    package private(set) var operationCount = 0
    /// A hash of all calls so far, with their arguments, the bytes written and the errors thrown.
    package private(set) var traceHash = TraceHash()
    /// Called before each call is carried out, with its number; the place to take clones. One that captures this disk other
    /// than `unowned` keeps both for ever.
    package var beforeOperation: ((_ number: Int, _ operation: DiskOperation) -> Void)?
    /// How much fits on the disk; nil for no limit.
    package var capacityByteCount: Int?
    /// What the files take, each in whole pages of 4096 bytes.
    package private(set) var usedByteCount = 0
    /// Whether power was lost.
    package private(set) var hasCrashed = false

    private var countByOperation = [Int](repeating: 0, count: DiskOperation.allCases.count)
    private var faults: [Int: DiskFault] = [:]
    private var faultsAtNext: [DiskOperation: (fault: DiskFault, path: String, leastOffset: Int)] = [:]
    /// Faults that came to pass and were not taken.
    private var metFaults: [MetFault] = []
    /// How long calls take; nil for no time.
    package var latency: DiskLatency?
    private var busyNanoseconds: UInt64 = 0
    /// Decides how much of a failed call was done.
    var faultEntropy: SeededEntropy
    let root: DirectoryNode
    var pendingEntries: [EntryChange] = []
    private var lastNodeNumber: Int
    private var lastHandle = 0

    /// An empty disk. The seed decides what a failed write or sync leaves behind.
    package init(seed: UInt64 = 0, capacityByteCount: Int? = nil) {
        faultEntropy = SeededEntropy(seed: seed)
        self.capacityByteCount = capacityByteCount
        root = DirectoryNode(number: 0)
        lastNodeNumber = 0
    }

    /// A disk with these files, copied from those of `original`.
    init(root: DirectoryNode, pendingEntries: [EntryChange], of original: SimulatedDisk) {
        // A copy of the generator: taking a clone must not disturb the run.
        faultEntropy = original.faultEntropy
        capacityByteCount = original.capacityByteCount
        self.root = root
        self.pendingEntries = pendingEntries
        lastNodeNumber = original.lastNodeNumber
        for file in reachableNodes().files where file.isLinked { usedByteCount += file.occupiedByteCount }
    }

    // MARK: Faults

    /// Puts a fault at the call of this number, which must be yet to come.
    package func inject(_ fault: DiskFault, at number: Int) {
        assertAlways(number > operationCount, "a fault for a call that was already made")
        faults[number] = fault
    }

    /// Puts a fault at the next call of this sort.
    ///
    /// - Parameters:
    ///   - path: only if it is about this file, or what is in this directory; empty for all.
    ///   - leastOffset: only from this place in a file on.
    package func inject(
        _ fault: DiskFault, atNext operation: DiskOperation, under path: String = "", leastOffset: Int = 0
    ) {
        faultsAtNext[operation] = (fault, path, leastOffset)
    }

    /// Whether there are faults that have not come to pass.
    package var hasFaults: Bool { !faults.isEmpty || !faultsAtNext.isEmpty }

    /// A fault that came to pass.
    package struct MetFault: Sendable {
        package let fault: DiskFault
        package let operation: DiskOperation
        package let path: String
    }

    /// The faults that came to pass since the last call.
    package func takeMetFaults() -> [MetFault] {
        defer { metFaults = [] }
        return metFaults
    }

    /// How long the calls since the last question took, in nanoseconds.
    package func takeBusyNanoseconds() -> UInt64 {
        defer { busyNanoseconds = 0 }
        return busyNanoseconds
    }

    /// Takes back all faults that did not come to pass.
    package func removeFaults() {
        faults = [:]
        faultsAtNext = [:]
    }

    /// How many calls of this sort were made.
    package func count(of operation: DiskOperation) -> Int {
        countByOperation[Int(operation.rawValue)]
    }

    /// Takes the power away: all later calls fail.
    package func crash() {
        hasCrashed = true
    }

    /// Begins a call: numbers and traces it, and tells what is to go wrong. Throws only if there is no power.
    func begin(
        _ operation: DiskOperation, path: @autoclosure () -> String, _ first: Int = 0, _ second: Int = 0
    ) throws(DiskError) -> DiskFault? {
        operationCount += 1
        if let beforeOperation { beforeOperation(operationCount, operation) }
        countByOperation[Int(operation.rawValue)] += 1
        traceHash.mix(UInt64(operation.rawValue))
        traceHash.mix(first)
        traceHash.mix(second)
        var fault: DiskFault?
        if !faults.isEmpty { fault = faults.removeValue(forKey: operationCount) }
        if fault == nil, !faultsAtNext.isEmpty { fault = takeFault(operation, path(), offset: second) }
        latency?.spend(on: operation, &busyNanoseconds)
        if case .crash = fault { hasCrashed = true }
        if hasCrashed { throw failure(.crashed, operation, path()) }
        if let fault {
            metFaults.append(MetFault(fault: fault, operation: operation, path: path()))
            switch fault {
            case .dropWrite, .misdirectWrite:
                assertAlways(operation == .write, "a fault for writes at call \(operationCount), a \(operation)")
            case .fail, .crash: break
            }
        }
        return fault
    }

    private func takeFault(_ operation: DiskOperation, _ path: String, offset: Int) -> DiskFault? {
        guard let waiting = faultsAtNext[operation], offset >= waiting.leastOffset,
            waiting.path.isEmpty || path == waiting.path || path.hasPrefix(waiting.path + "/")
        else {
            return nil
        }
        faultsAtNext[operation] = nil
        return waiting.fault
    }

    /// Begins a call that either fails as a whole or not at all.
    func beginWhole(
        _ operation: DiskOperation, path: @autoclosure () -> String, _ first: Int = 0, _ second: Int = 0
    ) throws(DiskError) {
        if case .fail(let kind) = try begin(operation, path: path(), first, second) {
            throw failure(kind, operation, path())
        }
    }

    /// An error, traced.
    func failure(_ kind: DiskError.Kind, _ operation: DiskOperation, _ path: String) -> DiskError {
        let error = DiskError(kind, operation: "\(operation)", path: path)
        traceHash.mix("\(kind)")
        return error
    }

    func trace(_ bytes: RawSpan) { traceHash.mix(bytes) }

    func trace(_ text: String) { traceHash.mix(text) }

    func trace(_ number: Int) { traceHash.mix(number) }

    // MARK: Space

    func nextNodeNumber() -> Int {
        lastNodeNumber += 1
        return lastNodeNumber
    }

    func nextHandle() -> Int {
        lastHandle += 1
        return lastHandle
    }

    /// How long a file may become; `Int.max` if there is no limit.
    func byteCountLimit(of file: FileNode) -> Int {
        guard let capacityByteCount else { return .max }
        return max(0, file.occupiedByteCount + capacityByteCount - usedByteCount)
    }

    /// Changes a file, keeping account of what it takes.
    func changing(_ file: FileNode, _ change: () -> Void) {
        let before = file.occupiedByteCount
        change()
        usedByteCount += file.occupiedByteCount - before
    }

    /// Takes the space of a file that is put in place.
    func occupy(_ file: FileNode) {
        usedByteCount += file.occupiedByteCount
    }

    /// Gives the space of a file back once neither a name nor an open file leads to it.
    func releaseIfUnused(_ file: FileNode) {
        if !file.isLinked, file.openCount == 0 { usedByteCount -= file.occupiedByteCount }
    }
}
