internal import Environment
internal import Primitives

/// What a name can lead to.
enum DiskNode {
    case file(FileNode)
    case directory(DirectoryNode)

    var number: Int {
        switch self {
        case .file(let file): file.number
        case .directory(let directory): directory.number
        }
    }
}

/// A directory of a simulated disk: what its readers see and what would survive a loss of power.
final class DirectoryNode {
    let number: Int
    var live: [String: DiskNode] = [:]
    var durable: [String: DiskNode] = [:]

    init(number: Int) {
        self.number = number
    }
}

/// A name in a directory.
struct EntryPlace {
    let directory: DirectoryNode
    let name: String

    func isSame(as other: EntryPlace) -> Bool {
        directory === other.directory && name == other.name
    }
}

/// A change of directories that is not durable yet: a name gone, a name made, or for a rename both at once.
struct EntryChange {
    let removed: EntryPlace?
    let added: EntryPlace?
    let node: DiskNode

    func touches(_ directory: DirectoryNode) -> Bool {
        removed?.directory === directory || added?.directory === directory
    }

    /// Whether this one cannot be durable without `earlier`: they are about the same name. Changes of one file always are,
    /// each starting from where the one before left it.
    ///
    /// This is what makes a rename leave the old or the new, never neither: no order of arrival of changes to one name
    /// is possible but the one they were made in, as in the journal of a file system.
    func depends(on earlier: EntryChange) -> Bool {
        for mine in [removed, added] {
            for other in [earlier.removed, earlier.added] {
                if let mine, let other, mine.isSame(as: other) { return true }
            }
        }
        return false
    }

    /// Carries the change out on what is durable. It may find that a failed sync has undone what it builds on.
    func makeDurable() {
        if let removed, removed.directory.durable[removed.name]?.number == node.number {
            removed.directory.durable[removed.name] = nil
        }
        if let added { added.directory.durable[added.name] = node }
    }
}

/// Which of the pending changes a sync of one directory makes durable: those in it, and what they depend on.
func changesToSync(_ directory: DirectoryNode, in pending: [EntryChange]) -> [Bool] {
    var isChosen = pending.map { $0.touches(directory) }
    for index in pending.indices.reversed() where isChosen[index] {
        for earlier in 0..<index where pending[index].depends(on: pending[earlier]) {
            isChosen[earlier] = true
        }
    }
    return isChosen
}

/// Which of some changes a loss of power leaves, in order: those decided for, unless they depend on one that is lost.
func survivingEntries(of pending: [EntryChange], _ chooser: inout CrashChooser) -> [EntryChange] {
    var lost: [EntryChange] = []
    var kept: [EntryChange] = []
    for (place, change) in pending.enumerated() {
        chooser.isLatest = place == pending.count - 1
        if chooser.keepEntry(), !lost.contains(where: { change.depends(on: $0) }) {
            kept.append(change)
        } else {
            lost.append(change)
        }
    }
    return kept
}
