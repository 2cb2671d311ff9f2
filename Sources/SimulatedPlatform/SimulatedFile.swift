internal import Environment
internal import Glibc
internal import Primitives

/// An open file of a simulated disk.
final class SimulatedFile: DiskFile, @unchecked Sendable {
    // Unchecked for the reason given at `SimulatedDisk`.

    let path: String
    private let disk: SimulatedDisk
    private let node: FileNode
    private let isWritable: Bool
    /// Tells this open file from others of the same file, as the holder of locks.
    private let handle: Int
    private var isClosed = false
    private var mappings: [SimulatedMapping] = []

    /// No file may grow beyond this, so no more than this is ever reserved for a mapping, whatever was asked for.
    private static let byteCountLimit = 16 << 30

    init(disk: SimulatedDisk, node: FileNode, path: String, isWritable: Bool) {
        self.disk = disk
        self.node = node
        self.path = path
        self.isWritable = isWritable
        handle = disk.nextHandle()
        node.openCount += 1
    }

    deinit {
        close()
    }

    func byteCount() throws(DiskError) -> Int {
        try beginWhole(.byteCount)
        return node.live.byteCount
    }

    func read(into destination: inout MutableRawSpan, at offset: Int) throws(DiskError) -> Int {
        try beginWhole(.read, offset, destination.byteCount)
        try require(offset >= 0, .read)
        return node.live.read(into: &destination, at: offset)
    }

    func write(_ bytes: RawSpan, at offset: Int) throws(DiskError) {
        disk.trace(bytes)
        let fault = try begin(.write, offset)
        try requireWritable(.write)
        try require(offset >= 0, .write)
        let (end, overflows) = offset.addingReportingOverflow(bytes.byteCount)
        if overflows || end > SimulatedFile.byteCountLimit { throw failure(.other(EFBIG), .write) }
        let limit = disk.byteCountLimit(of: node)
        if end > limit {
            write(sectorsOf: bytes, at: offset, before: max(offset, limit))
            throw failure(.noSpace, .write)
        }
        switch fault {
        case nil, .crash:
            change { node.write(bytes, at: offset) }
        case .fail(let kind):
            write(someSectorsOf: bytes, at: offset)
            throw failure(kind, .write)
        case .dropWrite:
            change { node.setByteCount(max(node.live.byteCount, end)) }
        case .misdirectWrite(let toOffset):
            change {
                node.setByteCount(max(node.live.byteCount, end))
                node.write(bytes, at: toOffset)
            }
        }
    }

    /// What a write that fails may do: a number of sectors from the front, none or all of them too.
    private func write(someSectorsOf bytes: RawSpan, at offset: Int) {
        let size = SparseImage.sectorByteCount
        let first = offset / size
        let kept = Int.random(in: 0...(offset + bytes.byteCount + size - 1) / size - first, using: &disk.faultEntropy)
        write(sectorsOf: bytes, at: offset, before: min((first + kept) * size, offset + bytes.byteCount))
    }

    /// Writes what comes before a place in the file, as far as its sectors are whole.
    private func write(sectorsOf bytes: RawSpan, at offset: Int, before end: Int) {
        let lastEnd = end / SparseImage.sectorByteCount * SparseImage.sectorByteCount
        let count = end == offset + bytes.byteCount ? bytes.byteCount : max(0, lastEnd - offset)
        change { node.write(bytes.extracting(first: count), at: offset) }
    }

    func allocate(byteCount: Int) throws(DiskError) {
        try beginWhole(.allocate, byteCount)
        if byteCount > node.live.byteCount { try resize(byteCount, .allocate) }
    }

    func truncate(byteCount: Int) throws(DiskError) {
        try beginWhole(.truncate, byteCount)
        try resize(byteCount, .truncate)
    }

    private func resize(_ byteCount: Int, _ operation: DiskOperation) throws(DiskError) {
        try requireWritable(operation)
        try require(byteCount >= 0, operation)
        if byteCount > SimulatedFile.byteCountLimit { throw failure(.other(EFBIG), operation) }
        if byteCount > node.live.byteCount, byteCount > disk.byteCountLimit(of: node) {
            throw failure(.noSpace, operation)
        }
        change { node.setByteCount(byteCount) }
    }

    func sync() throws(DiskError) {
        guard case .fail(let kind) = try begin(.sync) else { return node.sync() }
        var chooser = CrashChooser(.random(survivalPercent: 50), entropy: disk.faultEntropy.split())
        node.failSync(&chooser)
        throw failure(kind, .sync)
    }

    func lock(_ kind: DiskLock) throws(DiskError) {
        try beginWhole(.lock, kind == .flock ? 0 : 1)
        switch kind {
        case .flock:
            if let holder = node.flockHolder, holder != handle { throw failure(.locked, .lock) }
            node.flockHolder = handle
        case .openFileDescription:
            // A write lock can be had only through a file open for writing.
            try requireWritable(.lock)
            if let holder = node.openFileDescriptionLockHolder, holder != handle { throw failure(.locked, .lock) }
            node.openFileDescriptionLockHolder = handle
        }
    }

    func map(reservedByteCount: Int) throws(DiskError) -> FileMapping {
        try beginWhole(.map, reservedByteCount)
        try require(reservedByteCount > 0, .map)
        let reserved = min(reservedByteCount, SimulatedFile.byteCountLimit)
        guard let mapping = SimulatedMapping(reservedByteCount: reserved) else { throw failure(.other(ENOMEM), .map) }
        node.attach(mapping)
        mappings.append(mapping)
        return unsafe FileMapping(base: UnsafeRawPointer(mapping.base), reservedByteCount: reservedByteCount)
    }

    /// Changes nothing: the memory of a simulated mapping is the file, not a copy that could be read again.
    func releaseMappedPages() {}

    func close() {
        if isClosed { return }
        isClosed = true
        for mapping in mappings { node.detach(mapping) }
        mappings = []
        if node.flockHolder == handle { node.flockHolder = nil }
        if node.openFileDescriptionLockHolder == handle { node.openFileDescriptionLockHolder = nil }
        node.openCount -= 1
        disk.releaseIfUnused(node)
    }

    // MARK: Helpers

    private func begin(_ operation: DiskOperation, _ argument: Int = 0) throws(DiskError) -> DiskFault? {
        let fault = try disk.begin(operation, path: path, node.number, argument)
        try requireOpen(operation)
        return fault
    }

    private func beginWhole(
        _ operation: DiskOperation, _ first: Int = 0, _ second: Int = 0
    ) throws(DiskError) {
        disk.trace(second)
        if case .fail(let kind) = try begin(operation, first) { throw failure(kind, operation) }
    }

    private func requireOpen(_ operation: DiskOperation) throws(DiskError) {
        if isClosed { throw failure(.other(EBADF), operation) }
    }

    private func requireWritable(_ operation: DiskOperation) throws(DiskError) {
        if !isWritable { throw failure(.other(EBADF), operation) }
    }

    private func require(_ isValid: Bool, _ operation: DiskOperation) throws(DiskError) {
        if !isValid { throw failure(.other(EINVAL), operation) }
    }

    private func failure(_ kind: DiskError.Kind, _ operation: DiskOperation) -> DiskError {
        disk.failure(kind, operation, path)
    }

    private func change(_ change: () -> Void) {
        disk.changing(node, change)
    }
}
