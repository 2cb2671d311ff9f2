package import Environment
internal import Glibc
internal import Primitives

// Files and directories by name.
extension SimulatedDisk {
    package func open(_ path: String, _ mode: DiskOpenMode, permissions: UInt16) throws(DiskError) -> any DiskFile {
        trace(path)
        try beginWhole(.open, path: path, Int(permissions))
        let place = try self.place(of: path, .open)
        let file: FileNode
        switch (place.directory.live[place.name], mode) {
        case (.directory, _):
            throw failure(.isDirectory, .open, path)
        case (.file, .createNew):
            throw failure(.exists, .open, path)
        case (.file(let found), _):
            file = found
        case (nil, .readOnly), (nil, .readWrite):
            throw failure(.notFound, .open, path)
        case (nil, .create), (nil, .createNew):
            file = FileNode(number: nextNodeNumber(), permissions: permissions)
            change(EntryChange(removed: nil, added: place, node: .file(file)))
        }
        return SimulatedFile(disk: self, node: file, path: path, isWritable: mode != .readOnly)
    }

    package func makeDirectory(_ path: String) throws(DiskError) {
        trace(path)
        try beginWhole(.makeDirectory, path: path)
        var directory = root
        for name in components(of: path) {
            switch directory.live[name] {
            case .directory(let found): directory = found
            case .file: throw failure(.exists, .makeDirectory, path)
            case nil:
                let made = DirectoryNode(number: nextNodeNumber())
                let place = EntryPlace(directory: directory, name: name)
                change(EntryChange(removed: nil, added: place, node: .directory(made)))
                directory = made
            }
        }
    }

    package func list(_ directory: String) throws(DiskError) -> [String] {
        trace(directory)
        try beginWhole(.list, path: directory)
        let found = try self.directory(at: directory, .list)
        return found.live.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    package func status(_ path: String) throws(DiskError) -> DiskEntryStatus? {
        trace(path)
        try beginWhole(.status, path: path)
        switch node(at: path) {
        case nil: return nil
        case .directory: return DiskEntryStatus(isDirectory: true, byteCount: 0, permissions: 0o700)
        case .file(let file):
            return DiskEntryStatus(
                isDirectory: false, byteCount: file.live.byteCount, permissions: file.permissions)
        }
    }

    package func rename(_ source: String, to target: String) throws(DiskError) {
        trace(source)
        trace(target)
        try beginWhole(.rename, path: source)
        let from = try place(of: source, .rename)
        let to = try place(of: target, .rename)
        guard let node = from.directory.live[from.name] else { throw failure(.notFound, .rename, source) }
        let replaced = to.directory.live[to.name]
        if replaced?.number == node.number { return }
        if components(of: target).starts(with: components(of: source)) {
            // A directory cannot move into itself.
            throw failure(.other(EINVAL), .rename, source)
        }
        switch (node, replaced) {
        case (_, nil): break
        case (.file, .file(let file)): unlink(file)
        case (.file, .directory): throw failure(.isDirectory, .rename, target)
        case (.directory, .file): throw failure(.other(ENOTDIR), .rename, target)
        case (.directory, .directory(let directory)):
            if !directory.live.isEmpty { throw failure(.notEmpty, .rename, target) }
        }
        change(EntryChange(removed: from, added: to, node: node))
    }

    package func remove(_ path: String) throws(DiskError) {
        trace(path)
        try beginWhole(.remove, path: path)
        let place = try self.place(of: path, .remove)
        switch place.directory.live[place.name] {
        case nil: throw failure(.notFound, .remove, path)
        case .directory: throw failure(.isDirectory, .remove, path)
        case .file(let file):
            change(EntryChange(removed: place, added: nil, node: .file(file)))
            unlink(file)
        }
    }

    package func removeDirectory(_ path: String) throws(DiskError) {
        trace(path)
        try beginWhole(.removeDirectory, path: path)
        let place = try self.place(of: path, .removeDirectory)
        switch place.directory.live[place.name] {
        case nil: throw failure(.notFound, .removeDirectory, path)
        case .file: throw failure(.other(ENOTDIR), .removeDirectory, path)
        case .directory(let directory):
            if !directory.live.isEmpty { throw failure(.notEmpty, .removeDirectory, path) }
            change(EntryChange(removed: place, added: nil, node: .directory(directory)))
        }
    }

    package func syncDirectory(_ path: String) throws(DiskError) {
        trace(path)
        let fault = try begin(.syncDirectory, path: path)
        let directory = try self.directory(at: path, .syncDirectory)
        let isChosen = changesToSync(directory, in: pendingEntries)
        var chosen: [EntryChange] = []
        var others: [EntryChange] = []
        for (index, change) in pendingEntries.enumerated() {
            if isChosen[index] { chosen.append(change) } else { others.append(change) }
        }
        pendingEntries = others
        guard case .fail(let kind) = fault else {
            for change in chosen { change.makeDurable() }
            return
        }
        // Some arrive and the others never will; what depends on one that was lost is lost as well.
        var chooser = CrashChooser(.random(survivalPercent: 50), entropy: faultEntropy.split())
        for change in survivingEntries(of: chosen, &chooser) { change.makeDurable() }
        throw failure(kind, .syncDirectory, path)
    }

    // MARK: Paths

    func components(of path: String) -> [String] {
        assertAlways(path.utf8.first == UInt8(ascii: "/"), "not an absolute path: \(path)")
        return path.split(separator: "/").map(String.init)
    }

    func node(at path: String) -> DiskNode? {
        var node = DiskNode.directory(root)
        for name in components(of: path) {
            guard case .directory(let directory) = node, let next = directory.live[name] else { return nil }
            node = next
        }
        return node
    }

    private func directory(at path: String, _ operation: DiskOperation) throws(DiskError) -> DirectoryNode {
        switch node(at: path) {
        case .directory(let directory): return directory
        case .file: throw failure(.other(ENOTDIR), operation, path)
        case nil: throw failure(.notFound, operation, path)
        }
    }

    /// Where a path's last name stands, whether anything has that name or not.
    private func place(of path: String, _ operation: DiskOperation) throws(DiskError) -> EntryPlace {
        let names = components(of: path)
        guard let name = names.last else { throw failure(.isDirectory, operation, path) }
        var directory = root
        for name in names.dropLast() {
            switch directory.live[name] {
            case .directory(let next): directory = next
            case .file: throw failure(.other(ENOTDIR), operation, path)
            case nil: throw failure(.notFound, operation, path)
            }
        }
        return EntryPlace(directory: directory, name: name)
    }

    /// Carries a change out for all to see, and notes that it is not durable.
    private func change(_ change: EntryChange) {
        if let removed = change.removed { removed.directory.live[removed.name] = nil }
        if let added = change.added { added.directory.live[added.name] = change.node }
        pendingEntries.append(change)
    }

    func unlink(_ file: FileNode) {
        file.isLinked = false
        releaseIfUnused(file)
    }
}
