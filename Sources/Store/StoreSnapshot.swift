internal import BoltStore
package import Primitives

/// The store's file at one commit, read as a file of its own while writes go on: what a client saves and a new member is
/// sent.
///
/// Bytes are the same whenever they are read, but for those of free pages. Its pages are not reused before it is given back
/// with `Store.release(_:)`; it may be read on any thread.
package struct StoreSnapshot: Sendable {
    /// The records in it. Index, term and configuration of a snapshot are those found here (ordering rule 11).
    package let view: StoreView
    private let copy: BoltCopy
    /// The version whose schema it has, such as `3.6.0`; empty if it says none (etcd 3.5 and before).
    package let storageVersion: Bytes

    init(view: StoreView, copy: BoltCopy, storageVersion: Bytes?) {
        self.view = view
        self.copy = copy
        self.storageVersion = storageVersion ?? []
    }

    /// Length of the file in bytes, a multiple of the page size.
    package var byteCount: Int { copy.byteCount }

    /// The bytes from `offset` on: `count` of them, fewer only at the end.
    ///
    /// - Throws: `.disk` if they cannot be read, as after the store was closed.
    package func read(offset: Int, count: Int) throws(StoreError) -> Bytes {
        do throws(BoltError) {
            return try copy.read(offset: offset, count: count)
        } catch {
            throw StoreError(error)
        }
    }
}
