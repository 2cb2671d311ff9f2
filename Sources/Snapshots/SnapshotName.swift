package import Primitives

/// The names of snapshot files: by term and index, so that the newest sorts last.
///
///     0000000000000002-0000000000000065.snap     Raft's snapshot at entry 0x65 of term 2
///     0000000000000065.snap.db                   the store's file that a leader sent with one
///
/// (etcd v3.6 `server/etcdserver/api/snap`.)
package struct SnapshotName: Equatable, Comparable, Sendable, CustomStringConvertible {
    package var term: Term
    package var index: LogIndex

    package init(term: Term, index: LogIndex) {
        self.term = term
        self.index = index
    }

    /// Reads the name of a `.snap` file; nil if it is not just such a one.
    package init?(_ name: String) {
        let bytes = Bytes(text: name)
        guard bytes.count == 38, bytes[16] == UInt8(ascii: "-"), name.utf8.suffix(5).elementsEqual(".snap".utf8),
            let term = UInt64(fixedHexadecimal: bytes[0..<16]), let index = UInt64(fixedHexadecimal: bytes[17..<33])
        else { return nil }
        self.init(term: Term(term), index: LogIndex(index))
    }

    package var description: String { "\(term.rawValue.fixedHexadecimal)-\(index.rawValue.fixedHexadecimal).snap" }

    package static func < (left: SnapshotName, right: SnapshotName) -> Bool {
        (left.term, left.index) < (right.term, right.index)
    }

    /// The name of the store's file that came with a snapshot.
    package static func database(index: LogIndex) -> String { "\(index.rawValue.fixedHexadecimal).snap.db" }

    /// Whether a name is that of such a file with something after it: its page checksums, say.
    static func isBesideDatabase(_ name: String) -> Bool {
        name.utf8.count > 24 && databaseIndex(String(name.prefix(24))) != nil
    }

    /// Reads the name of a store's file that came with a snapshot; nil if it is not just such a one.
    package static func databaseIndex(_ name: String) -> LogIndex? {
        let bytes = Bytes(text: name)
        guard bytes.count == 24, name.utf8.suffix(8).elementsEqual(".snap.db".utf8) else { return nil }
        return UInt64(fixedHexadecimal: bytes[0..<16]).map { LogIndex($0) }
    }
}
