internal import Apply
internal import Primitives
internal import Store

/// How far the snapshot is that a leader sent and this member is to go on from. At most one at a time.
struct PendingInstallation {
    enum Stage {
        case none
        /// Its file is being proven and opened elsewhere. Raft does not know of it.
        case preparing(SnapshotPreparation)
        /// Raft has accepted it: its log begins behind it, and nothing is applied before the store has it.
        case accepted(PreparedSnapshot.Opened, path: String)
        /// Its record is being written.
        case recording(PreparedSnapshot.Opened, path: String)
        /// It is on disk, and waits for the running commit of the store that it takes the place of.
        case placed(PreparedSnapshot.Opened)
    }

    var stage = Stage.none
    /// The newest that came meanwhile.
    private(set) var next: SnapshotPreparation?

    var isIdle: Bool { if case .none = stage { true } else { false } }
    var isPreparing: Bool { if case .preparing = stage { true } else { false } }

    /// Whether the file at a path is on its way to become the member's own.
    func uses(_ path: String) -> Bool {
        switch stage {
        case .none, .placed: next?.path == path
        case .preparing(let preparation): preparation.path == path || next?.path == path
        case .accepted(_, let own), .recording(_, let own): own == path || next?.path == path
        }
    }

    /// Keeps one that came while another is under way, or the one kept before if that goes further. Answers which is of no use.
    mutating func keep(_ preparation: SnapshotPreparation) -> SnapshotPreparation? {
        if let next, next.index > preparation.index { return preparation }
        defer { next = preparation }
        return next
    }

    mutating func takeNext() -> SnapshotPreparation? {
        defer { next = nil }
        return next
    }

    /// The store that has been opened and is not yet the member's; nil if there is none.
    var openedStore: Store? {
        switch stage {
        case .none, .preparing: nil
        case .accepted(let opened, _), .recording(let opened, _), .placed(let opened): opened.applier.store
        }
    }
}
