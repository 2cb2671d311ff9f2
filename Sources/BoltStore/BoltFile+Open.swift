package import Environment
internal import Primitives

extension BoltFile {
    /// Opens a file, making it when it is absent or empty, and locks it.
    ///
    /// Both meta pages are read and the newest valid one counts (bbolt v1.4 `db.go`). All pages are then visited once: that
    /// finds damage before anyone is served, and the free pages, which are not kept in the file.
    ///
    /// - Throws: `.locked` if it is open elsewhere, `.corrupt` if it is damaged, cut short or no such file at all.
    package static func open(
        disk: any Disk, path: String, settings: BoltSettings = BoltSettings()
    ) throws(BoltError) -> BoltFile {
        let file = try openLocked(disk: disk, path: path, settings: settings)
        do throws(BoltError) {
            return try open(file, disk: disk, path: path, settings: settings)
        } catch {
            file.close()
            throw error
        }
    }

    private static func open(
        _ file: any DiskFile, disk: any Disk, path: String, settings: BoltSettings
    ) throws(BoltError) -> BoltFile {
        let fileByteCount = try onDisk { () throws(DiskError) in try file.byteCount() }
        let root = try newestMeta(of: file)
        guard root.highWaterMark > 2, root.highWaterMark <= UInt64(fileByteCount / root.pageSizeByteCount) else {
            throw .corrupt(
                "the file is cut short: \(root.highWaterMark) pages of \(root.pageSizeByteCount) bytes are in use, "
                    + "it has \(fileByteCount) bytes")
        }
        guard fileByteCount <= settings.reservedByteCount else {
            throw .tooLarge(reservedByteCount: settings.reservedByteCount)
        }
        let mapping = try onDisk { () throws(DiskError) in
            try file.map(reservedByteCount: settings.reservedByteCount)
        }
        let pages = PageSource(mapping: mapping, pageSizeByteCount: root.pageSizeByteCount)
        pages.table.grow(to: root.highWaterMark)
        var checksums: ChecksumFile?
        if settings.keepsChecksums {
            checksums = try ChecksumFile.open(disk: disk, path: path, meta: root, table: pages.table)
        }
        do throws(BoltError) {
            var walk = TreeWalk(
                pages: pages, highWaterMark: root.highWaterMark, recordsChecksums: settings.keepsChecksums)
            try walk.walk(root.rootPage)
            let storedFreeList = try storedFreeList(root, pages)
            if let storedFreeList { try walk.mark(storedFreeList) }
            if settings.keepsChecksums, checksums == nil || walk.hasRecordedChecksums {
                reached(.boltChecksumsMadeAnew)
                checksums?.file.close()
                checksums = nil
                checksums = try ChecksumFile.make(disk: disk, path: path, meta: root, table: pages.table)
            }
            return BoltFile(
                file: file, checksums: checksums, settings: settings, pages: pages, root: root,
                fileByteCount: fileByteCount, storedFreeList: storedFreeList, free: walk.unreached)
        } catch {
            checksums?.file.close()
            throw error
        }
    }

    /// Where the checksums of a file's pages are kept. They are moved with it; if they are lost they are made anew.
    package static func checksumsPath(of path: String) -> String { ChecksumFile.path(for: path) }

    // MARK: Making

    private static func openLocked(
        disk: any Disk, path: String, settings: BoltSettings
    ) throws(BoltError) -> any DiskFile {
        try onDisk { () throws(DiskError) in
            if try disk.exists(path) {
                let file = try disk.open(path, .readWrite)
                do throws(DiskError) {
                    try file.lock(.flock)
                    if try file.byteCount() > 0 { return file }
                } catch {
                    file.close()
                    throw error
                }
                file.close()
            }
            // Under another name until it is whole, so that a crash leaves no file that can never be opened.
            let temporary = path + ".tmp"
            let file = try disk.open(temporary, .create)
            do throws(DiskError) {
                try file.lock(.flock)
                try file.truncate(byteCount: 0)
                try file.write(newFile(pageSizeByteCount: settings.pageSizeByteCount), at: 0)
                try file.sync()
                try disk.rename(temporary, to: path)
                try disk.syncDirectory(parentDirectory(of: path))
            } catch {
                file.close()
                throw error
            }
            return file
        }
    }

    /// The bytes of a new file: two metas, an empty free list, an empty root (bbolt v1.4 `db.go`, `init`).
    static func newFile(pageSizeByteCount: Int) -> Bytes {
        assertAlways(BoltMeta.pageSizes.contains(pageSizeByteCount), "a page size that bbolt looks for")
        var bytes = Bytes()
        for transaction in UInt64(0)..<2 {
            let meta = BoltMeta(
                pageSizeByteCount: pageSizeByteCount, rootPage: PageID(3), rootSequence: 0, freeListPage: PageID(2),
                highWaterMark: 4, transaction: transaction)
            bytes += meta.page(id: PageID(transaction))
        }
        bytes += Bytes(pageHeader: PageID(2), flags: .freeList, count: 0, overflow: 0)
        bytes += Bytes(repeating: 0, count: 3 * pageSizeByteCount - bytes.count)
        bytes += Bytes(pageHeader: PageID(3), flags: .leaf, count: 0, overflow: 0)
        bytes += Bytes(repeating: 0, count: 4 * pageSizeByteCount - bytes.count)
        return bytes
    }

    // MARK: Meta pages

    /// The newest valid meta.
    private static func newestMeta(of file: any DiskFile) throws(BoltError) -> BoltMeta {
        let first = try meta(of: file, at: 0)
        // Meta page 1 is where the page size says, which only meta page 0 tells; without that it is searched for.
        let candidates = first.map { [$0.pageSizeByteCount] } ?? BoltMeta.pageSizes
        var second: BoltMeta?
        for pageSize in candidates where second == nil {
            second = try meta(of: file, at: pageSize)
            if second?.pageSizeByteCount != pageSize { second = nil }
        }
        guard let newest = [first, second].compactMap({ $0 }).max(by: { $0.transaction < $1.transaction }) else {
            throw .corrupt("neither meta page is valid")
        }
        if first == nil || second == nil { reached(.boltOneMetaLost) }
        guard newest.transaction < .max else { throw .corrupt("the last transaction there can be") }
        return newest
    }

    private static func meta(of file: any DiskFile, at offset: Int) throws(BoltError) -> BoltMeta? {
        let bytes = try onDisk { () throws(DiskError) in
            try file.read(at: offset + Page.headerByteCount, count: BoltMeta.byteCount)
        }
        return BoltMeta(bytes)
    }

    /// The pages of the free list that the file holds; nil if it holds none.
    private static func storedFreeList(_ root: BoltMeta, _ pages: PageSource) throws(BoltError) -> PageRun? {
        if root.freeListPage == .notStored { return nil }
        let id = root.freeListPage.rawValue
        guard id >= PageID.firstData.rawValue, id < root.highWaterMark else {
            throw .corrupt("the free list's page \(id) is not between 2 and the high-water mark")
        }
        let offset = Int(id) * root.pageSizeByteCount
        let page = unsafe Page(base: pages.mapping.base + offset, byteCount: root.pageSizeByteCount)
        guard page.id == id, page.flags == .freeList, UInt64(page.overflow) < root.highWaterMark - id else {
            throw .corrupt("page \(id) is not a free list")
        }
        return PageRun(first: id, count: page.overflow + 1)
    }
}
