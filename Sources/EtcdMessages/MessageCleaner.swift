internal import CEtcdMessages
internal import CProtobufC
internal import Primitives

/// Rewrites a message that is good but not canonical into one that is, with the meaning that gogo's decoder gives it.
///
/// Unknown fields go; of a field that is not repeated the last value stays; the bytes of a message that is given in
/// pieces are joined, which is what merging them means; of a oneof only the field given last stays, and is not merged
/// with what came before it (gogo replaces it). The bytes must have passed the scan: only then is the depth of the
/// recursion here bounded.
///
/// The result is never longer than the message, and is written from its end.
@safe
struct MessageCleaner {
    /// A known field: its place in the descriptor, and where it stands.
    private struct Field {
        var index: Int
        /// The value, or the content if it has a length.
        var value: Range<Int>
        var isDelimited: Bool
    }

    private let base: UnsafePointer<UInt8>
    private var writer: BackwardWriter

    /// The rewritten form of a scanned message.
    static func clean(
        _ bytes: UnsafeRawBufferPointer, as descriptor: UnsafePointer<ProtobufCMessageDescriptor>
    ) throws(MessageError) -> Bytes {
        guard let base = bytes.baseAddress else { return [] }
        var failure: MessageError?
        let room = unsafe Bytes(unsafeUninitializedCapacity: bytes.count) { buffer, initializedCount in
            var cleaner = unsafe MessageCleaner(
                base: base.assumingMemoryBound(to: UInt8.self), writer: BackwardWriter(buffer, count: bytes.count))
            do throws(MessageError) {
                try unsafe cleaner.write([0..<bytes.count], as: descriptor)
            } catch {
                failure = error
            }
            let start = cleaner.writer.position
            let written = bytes.count - start
            if start > 0, let first = buffer.baseAddress {
                unsafe first.update(from: first + start, count: written)
            }
            initializedCount = written
        }
        if let failure { throw failure }
        return room
    }

    private init(base: UnsafePointer<UInt8>, writer: BackwardWriter) {
        unsafe self.base = base
        self.writer = writer
    }

    /// Writes a message given in pieces, in front of what is written.
    private mutating func write(
        _ pieces: [Range<Int>], as descriptor: UnsafePointer<ProtobufCMessageDescriptor>
    ) throws(MessageError) {
        let fields = try unsafe knownFields(pieces, of: descriptor)
        var seen: UInt64 = 0
        var oneofSeen = false
        for field in fields.reversed() {
            let description = unsafe descriptor.pointee.fields + field.index
            if unsafe description.pointee.label == PROTOBUF_C_LABEL_REPEATED {
                try unsafe write(field, [field.value], description)
                continue
            }
            if unsafe description.pointee.isInOneof {
                if !oneofSeen { try unsafe write(field, [field.value], description) }
                oneofSeen = true
                continue
            }
            guard seen & (1 << UInt64(field.index)) == 0 else { continue }
            seen |= 1 << UInt64(field.index)
            let isMessage = unsafe description.pointee.type == PROTOBUF_C_TYPE_MESSAGE
            let values = isMessage ? fields.filter { $0.index == field.index }.map(\.value) : [field.value]
            try unsafe write(field, values, description)
        }
    }

    private mutating func write(
        _ field: Field, _ values: [Range<Int>], _ description: UnsafePointer<ProtobufCFieldDescriptor>
    ) throws(MessageError) {
        let number = Int(unsafe description.pointee.id)
        guard field.isDelimited else {
            var cursor = unsafe WireCursor(base: base, position: field.value.lowerBound)
            let value = try cursor.varint(end: field.value.upperBound)
            let isBoolean = unsafe description.pointee.type == PROTOBUF_C_TYPE_BOOL
            writer.field(number, varint: isBoolean ? (value == 0 ? 0 : 1) : value)
            return
        }
        let end = writer.position
        if unsafe description.pointee.type == PROTOBUF_C_TYPE_MESSAGE {
            try unsafe write(values, as: description.pointee.messageDescriptor)
        } else {
            unsafe writer.raw(UnsafeRawBufferPointer(start: base + field.value.lowerBound, count: field.value.count))
        }
        writer.prefix(number, contentEnd: end)
    }

    private func knownFields(
        _ pieces: [Range<Int>], of descriptor: UnsafePointer<ProtobufCMessageDescriptor>
    ) throws(MessageError) -> [Field] {
        var fields: [Field] = []
        for piece in pieces {
            var cursor = unsafe WireCursor(base: base, position: piece.lowerBound)
            while cursor.position < piece.upperBound {
                let start = cursor.position
                let tag = try cursor.varint(end: piece.upperBound)
                guard let index = unsafe fieldIndex(of: Int32(truncatingIfNeeded: tag >> 3), in: descriptor) else {
                    cursor.position = start
                    try cursor.skipField(end: piece.upperBound)
                    continue
                }
                let isDelimited = tag & 7 == 2
                var valueStart = cursor.position
                if isDelimited {
                    let length = try cursor.length(end: piece.upperBound)
                    valueStart = cursor.position
                    cursor.position += length
                } else {
                    _ = try cursor.varint(end: piece.upperBound)
                }
                fields.append(Field(index: index, value: valueStart..<cursor.position, isDelimited: isDelimited))
            }
        }
        return fields
    }
}
