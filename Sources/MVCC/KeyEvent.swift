package import Primitives

/// One change of a key, as those who watch the key hear of it.
package struct KeyEvent: Sendable {
    package let revision: Revision
    package let isDeletion: Bool
    /// Whether the key was not there before.
    package let isCreation: Bool
    package let key: Bytes
    /// The record as stored, `mvccpb.KeyValue`; of a deletion it has only the key.
    package let record: Bytes

    /// The same without the record: to find out who wants it before it is copied.
    package struct Head {
        package let revision: Revision
        package let isDeletion: Bool
        package let isCreation: Bool
        package let key: Bytes
    }

    package init(_ head: Head, record: Bytes) {
        revision = head.revision
        isDeletion = head.isDeletion
        isCreation = head.isCreation
        key = head.key
        self.record = record
    }

    /// What a write changed.
    ///
    /// - Throws: `.corrupt` if the change has no record, which only a store that was damaged could have made.
    package init(_ change: RecordChange) throws(MVCCError) {
        let fields = try MVCCStore.parse(change.record)
        revision = change.revision
        isDeletion = change.isTombstone
        isCreation = !change.isTombstone && fields.createRevision == change.revision.main
        key = Bytes(change.record[fields.key])
        record = change.record
    }
}
