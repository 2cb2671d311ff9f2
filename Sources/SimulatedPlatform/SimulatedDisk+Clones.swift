package import Environment
internal import Primitives

// What is found after a crash.
extension SimulatedDisk {
    /// The disk as found when the machine starts again after power was lost now. Everything on it is durable.
    ///
    /// Decisions are made in a fixed order, whatever they are: changes of directories as they were made, then files as they
    /// were created and in each its changes in order; of a write first its sectors, then the length if it grew.
    package func crashClone(_ policy: CrashPolicy, entropy: inout SeededEntropy) -> SimulatedDisk {
        var chooser = CrashChooser(policy, entropy: entropy.split())
        return crashClone(&chooser)
    }

    /// How many yes-or-no decisions a loss of power now would take; see `CrashPolicy.choices`.
    package var crashDecisionCount: Int {
        var chooser = CrashChooser(.choices(0), entropy: SeededEntropy(seed: 0))
        _ = crashClone(&chooser)
        return chooser.decisionCount
    }

    private func crashClone(_ chooser: inout CrashChooser) -> SimulatedDisk {
        let kept = survivingEntries(of: pendingEntries, &chooser)
        // Files that no surviving name leads to are decided on too, so that each decision has its place.
        let nodes = reachableNodes()
        var copies = NodeCopies()
        for file in nodes.files {
            let copy = FileNode(
                number: file.number, permissions: file.permissions, durable: file.survivors(&chooser))
            copies.files[file.number] = copy
        }
        copies.addDirectories(like: nodes.directories)
        for directory in nodes.directories {
            copies.directory(directory).durable = directory.durable.mapValues { copies.node($0) }
        }
        for change in kept { copies.change(change).makeDurable() }
        for directory in nodes.directories {
            let copy = copies.directory(directory)
            copy.live = copy.durable
        }
        return SimulatedDisk(root: copies.directory(root), pendingEntries: [], of: self)
    }

    /// The disk as a process finds it that starts again after this one was killed (`kill -9`): everything written is there,
    /// what was not synced still is not, and all locks are gone.
    package func processCrashClone() -> SimulatedDisk {
        let nodes = reachableNodes()
        var copies = NodeCopies()
        for file in nodes.files { copies.files[file.number] = FileNode(afterProcessCrashOf: file) }
        copies.addDirectories(like: nodes.directories)
        for directory in nodes.directories {
            let copy = copies.directory(directory)
            copy.durable = directory.durable.mapValues { copies.node($0) }
            copy.live = directory.live.mapValues { copies.node($0) }
        }
        let pending = pendingEntries.map { copies.change($0) }
        return SimulatedDisk(root: copies.directory(root), pendingEntries: pending, of: self)
    }

    /// All that a crash could leave reachable, each once and by number: what names lead to now, what durable names lead to,
    /// and what changes that are not durable are about.
    func reachableNodes() -> (files: [FileNode], directories: [DirectoryNode]) {
        var files: [Int: FileNode] = [:]
        var directories: [Int: DirectoryNode] = [:]
        var waiting = [DiskNode.directory(root)] + pendingEntries.map(\.node)
        while let node = waiting.popLast() {
            switch node {
            case .file(let file): files[file.number] = file
            case .directory(let directory):
                if directories.updateValue(directory, forKey: directory.number) != nil { continue }
                waiting += directory.live.values
                waiting += directory.durable.values
            }
        }
        return (
            files.values.sorted { $0.number < $1.number }, directories.values.sorted { $0.number < $1.number }
        )
    }
}

/// The files and directories of a clone, by the numbers they share with what they were copied from.
private struct NodeCopies {
    var files: [Int: FileNode] = [:]
    private var directories: [Int: DirectoryNode] = [:]

    mutating func addDirectories(like originals: [DirectoryNode]) {
        for original in originals { directories[original.number] = DirectoryNode(number: original.number) }
    }

    func directory(_ original: DirectoryNode) -> DirectoryNode {
        guard let copy = directories[original.number] else { unreachable("a directory that was not copied") }
        return copy
    }

    func node(_ original: DiskNode) -> DiskNode {
        switch original {
        case .directory(let directory): return .directory(self.directory(directory))
        case .file(let file):
            guard let copy = files[file.number] else { unreachable("a file that was not copied") }
            return .file(copy)
        }
    }

    func change(_ original: EntryChange) -> EntryChange {
        func place(_ original: EntryPlace) -> EntryPlace {
            EntryPlace(directory: directory(original.directory), name: original.name)
        }
        return EntryChange(
            removed: original.removed.map(place), added: original.added.map(place), node: node(original.node))
    }
}
