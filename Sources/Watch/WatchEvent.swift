internal import EtcdMessages
internal import MVCC
internal import Primitives

/// A change with the record before it: what one element of `WatchResponse.events` is made of.
///
/// The record is encoded once, when it is written; here it is only framed, and shared by all who watch the key:
///
/// ```
/// 5a len | 08 01 | 12 len record [18 revision] | 1a len previous record
///          ^ deletions        ^ deletions        ^ if asked for
/// ```
struct WatchEvent {
    let event: KeyEvent
    /// The record before the change; nil if there was none, or nobody asked when it was known.
    var previous: Bytes?

    var revision: Int64 { event.revision.main }
    /// Memory that the event keeps, in bytes, about.
    var heldByteCount: Int { event.record.count + event.key.count + (previous?.count ?? 0) + 128 }

    private static let eventsField = 11

    private var keyValueByteCount: Int {
        event.record.count + (event.isDeletion ? ProtoSize.field(3, varint: UInt64(bitPattern: revision)) : 0)
    }

    private func contentByteCount(withPrevious: Bool) -> Int {
        var byteCount = ProtoSize.field(2, contentByteCount: keyValueByteCount)
        if event.isDeletion { byteCount += ProtoSize.field(1, varint: 1) }
        if withPrevious, let previous { byteCount += ProtoSize.field(3, bytes: previous) }
        return byteCount
    }

    /// Length in a response, in bytes.
    func byteCount(withPrevious: Bool) -> Int {
        ProtoSize.field(Self.eventsField, contentByteCount: contentByteCount(withPrevious: withPrevious))
    }

    func write(to writer: inout ProtoWriter, withPrevious: Bool) {
        writer.field(Self.eventsField, contentByteCount: contentByteCount(withPrevious: withPrevious))
        if event.isDeletion { writer.field(1, varint: 1) }
        writer.field(2, contentByteCount: keyValueByteCount)
        writer.raw(event.record)
        if event.isDeletion { writer.field(3, varint: UInt64(bitPattern: revision)) }
        if withPrevious, let previous { writer.field(3, bytes: previous) }
    }
}
