internal import Primitives

/// A write under way: all its changes have one main revision, the next, and count up in the sub part.
struct WriteTransaction {
    /// The revision of the store when it began.
    let beginRevision: Int64
    var changes: [RecordChange] = []

    /// The main revision of its changes.
    var revision: Int64 { beginRevision + 1 }
    /// What a read within it sees as current, and a header within it says.
    var currentRevision: Int64 { changes.isEmpty ? beginRevision : revision }
    /// The revision of its next change.
    var nextRevision: Revision { Revision(main: revision, sub: Int64(changes.count)) }
}
