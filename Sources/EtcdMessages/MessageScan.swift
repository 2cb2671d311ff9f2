internal import CEtcdMessages
internal import CProtobufC

/// What is known of a message once it was gone through.
struct MessageScan: Equatable {
    /// Whether the bytes may be handed on as they are, see `MessageScanner`.
    var isCanonical = true
    /// Greatest sum of what protobuf-c allocates for the message. Of no meaning unless it is canonical.
    var unpackedByteCount = 0
}

/// Goes once over bytes that may come from anywhere, and finds out whether they are a message, before protobuf-c sees
/// them.
///
/// protobuf-c goes down into nested messages by recursion without a limit, refuses or misreads some of what etcd's own
/// decoder takes, and lets a message of 2 MiB ask for any amount of memory. This pass does not recurse and allocates
/// nothing: the messages that are open are frames in memory kept from one message to the next.
///
/// ```
/// frame 0   TxnRequest    [.....................................]end
/// frame 1     RequestOp         [.......................]end
/// frame 2       PutRequest          [...............]end
///                                        ^ position
/// ```
///
/// A message is *canonical* if it holds known fields only, every field that is not repeated at most once, at most one
/// field of every `oneof`, tags and lengths of at most five bytes and booleans of one byte; within its messages too.
/// Every decoder of protobuf reads such bytes alike: protobuf-c, gogo (etcd up to 3.6) and google's (3.7). So they may
/// be put into a log entry as they are, and unpacked by protobuf-c as they are. Order of fields, zeros that could be
/// left out and padded numbers do not matter: no decoder minds them, and a member re-encodes what it stores.
@safe
struct MessageScanner: ~Copyable {
    /// A message that was begun.
    @unsafe
    private struct Frame {
        var descriptor: UnsafePointer<ProtobufCMessageDescriptor>
        /// Where its bytes end.
        var end: Int
        /// The fields seen, by place in the descriptor; the highest bit stands for the oneof.
        var seen: UInt64
        var fieldCount: Int
    }

    /// A message has no more fields than this, and no more than one oneof: it holds for all of etcd's, and is tested.
    static let maxFieldCount = 63
    private static let oneofBit: UInt64 = 1 << 63

    private var frames: UnsafeMutablePointer<Frame>
    private var frameCapacity = 16
    private var depth = 0
    private var scan = MessageScan()

    init() {
        unsafe frames = .allocate(capacity: frameCapacity)
    }

    deinit {
        unsafe frames.deallocate()
    }

    /// - Parameters:
    ///   - maxDepth: how deep messages may stand within messages; the outermost is at depth 1.
    /// - Throws: why the bytes are not a message of this type, with the first fault in the order of the bytes.
    mutating func scan(
        _ bytes: UnsafeRawBufferPointer, as descriptor: UnsafePointer<ProtobufCMessageDescriptor>, maxDepth: Int
    ) throws(MessageError) -> MessageScan {
        scan = MessageScan()
        depth = 0
        try unsafe open(descriptor, end: bytes.count, maxDepth: maxDepth)
        guard let base = bytes.baseAddress else { return scan }
        var cursor = unsafe WireCursor(base: base.assumingMemoryBound(to: UInt8.self), position: 0)
        while depth > 0 {
            if cursor.position < (unsafe frames[depth - 1].end) {
                try scanField(&cursor, maxDepth: maxDepth)
            } else {
                close()
            }
        }
        return scan
    }

    /// Goes over one field; into it, if it is a message.
    @inline(__always)
    private mutating func scanField(_ cursor: inout WireCursor, maxDepth: Int) throws(MessageError) {
        let frame = unsafe frames + (depth - 1)
        let end = unsafe frame.pointee.end
        let start = cursor.position
        let tag = try cursor.varint(end: end)
        let wireType = Int(tag & 7)
        // Go keeps 32 bits of the number, so that one beyond them may be known again.
        let number = Int32(truncatingIfNeeded: tag >> 3)
        guard wireType != 4, number > 0 else { throw unsafe badTag(tag, of: frame.pointee.descriptor) }
        guard let index = unsafe fieldIndex(of: number, in: frame.pointee.descriptor) else {
            scan.isCanonical = false
            cursor.position = start
            return try cursor.skipField(end: end)
        }
        let field = unsafe frame.pointee.descriptor.pointee.fields + index
        if cursor.position - start > 5 { scan.isCanonical = false }
        unsafe note(field, at: index, in: frame)
        switch wireType {
        case 0:
            try unsafe scanVarint(&cursor, field, end: end)
        case 2:
            try unsafe scanDelimited(&cursor, field, end: end, maxDepth: maxDepth)
        default:
            throw unsafe wrongWireType(wireType, field)
        }
    }

    /// Marks a field as seen in its message.
    @inline(__always)
    private mutating func note(
        _ field: UnsafePointer<ProtobufCFieldDescriptor>, at index: Int, in frame: UnsafeMutablePointer<Frame>
    ) {
        let bit = unsafe field.pointee.isInOneof ? Self.oneofBit : 1 << UInt64(truncatingIfNeeded: index)
        let isFirst = unsafe frame.pointee.seen & bit == 0
        unsafe frame.pointee.seen |= bit
        unsafe frame.pointee.fieldCount += 1
        guard unsafe field.pointee.label == PROTOBUF_C_LABEL_REPEATED else {
            if !isFirst { scan.isCanonical = false }
            return
        }
        // The array is allocated once, and may be rounded up.
        if isFirst { scan.unpackedByteCount += MessageArena.alignment }
    }

    @inline(__always)
    private mutating func scanVarint(
        _ cursor: inout WireCursor, _ field: UnsafePointer<ProtobufCFieldDescriptor>, end: Int
    ) throws(MessageError) {
        guard unsafe field.pointee.isVarint else { throw unsafe wrongWireType(0, field) }
        let start = cursor.position
        _ = try cursor.varint(end: end)
        if unsafe field.pointee.type == PROTOBUF_C_TYPE_BOOL, cursor.position - start > 1 { scan.isCanonical = false }
        if unsafe field.pointee.label == PROTOBUF_C_LABEL_REPEATED {
            scan.unpackedByteCount += unsafe field.pointee.elementByteCount
        }
    }

    @inline(__always)
    private mutating func scanDelimited(
        _ cursor: inout WireCursor, _ field: UnsafePointer<ProtobufCFieldDescriptor>, end: Int, maxDepth: Int
    ) throws(MessageError) {
        let isRepeated = unsafe field.pointee.label == PROTOBUF_C_LABEL_REPEATED
        guard unsafe isRepeated || !field.pointee.isVarint else { throw unsafe wrongWireType(2, field) }
        let start = cursor.position
        let length = try cursor.length(end: end)
        if cursor.position - start > 5 { scan.isCanonical = false }
        let contentEnd = cursor.position + length
        var elementCount = 1
        switch unsafe field.pointee.type {
        case PROTOBUF_C_TYPE_BYTES:
            scan.unpackedByteCount += MessageArena.aligned(length)
            cursor.position = contentEnd
        case PROTOBUF_C_TYPE_MESSAGE:
            try unsafe open(field.pointee.messageDescriptor, end: contentEnd, maxDepth: maxDepth)
        default:
            elementCount = 0
            while cursor.position < contentEnd {
                _ = try cursor.varint(end: contentEnd)
                elementCount += 1
            }
        }
        if isRepeated { scan.unpackedByteCount += unsafe elementCount * field.pointee.elementByteCount }
    }

    /// Begins a message, which is the one that fields are read of until it is closed.
    @inline(__always)
    private mutating func open(
        _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>, end: Int, maxDepth: Int
    ) throws(MessageError) {
        guard depth < maxDepth else { throw .nestedTooDeeply(limit: maxDepth) }
        if depth == frameCapacity { growFrames() }
        unsafe (frames + depth).initialize(to: Frame(descriptor: descriptor, end: end, seen: 0, fieldCount: 0))
        depth += 1
        scan.unpackedByteCount += unsafe MessageArena.aligned(descriptor.pointee.sizeof_message)
    }

    /// Ends the innermost message.
    @inline(__always)
    private mutating func close() {
        depth -= 1
        let fieldCount = unsafe frames[depth].fieldCount
        if fieldCount > Self.firstSlabCount { scan.unpackedByteCount += Self.slabByteCount(fieldCount) }
    }

    private mutating func growFrames() {
        let larger = UnsafeMutablePointer<Frame>.allocate(capacity: 2 * frameCapacity)
        unsafe larger.moveInitialize(from: frames, count: depth)
        unsafe frames.deallocate()
        unsafe frames = larger
        frameCapacity *= 2
    }

    // MARK: What protobuf-c 1.4 allocates

    /// How many fields of a message it notes on its stack.
    private static let firstSlabCount = 16
    /// Size in bytes of a noted field.
    private static let slabElementByteCount = 32

    /// Bytes of the slabs in which a message's fields beyond the first are noted, each twice as large as the one
    /// before.
    private static func slabByteCount(_ fieldCount: Int) -> Int {
        var slabCount = firstSlabCount
        var total = firstSlabCount
        while total < fieldCount {
            slabCount *= 2
            total += slabCount
        }
        return (total - firstSlabCount) * slabElementByteCount
    }

    // MARK: Errors

    private func badTag(
        _ tag: UInt64, of descriptor: UnsafePointer<ProtobufCMessageDescriptor>
    ) -> MessageError {
        let name = unsafe String(cString: descriptor.pointee.short_name)
        guard tag & 7 != 4 else { return .malformed("\(name): wiretype end group for non-group") }
        return .malformed("\(name): illegal tag \(Int32(truncatingIfNeeded: tag >> 3)) (wire type \(tag))")
    }

    private func wrongWireType(
        _ wireType: Int, _ field: UnsafePointer<ProtobufCFieldDescriptor>
    ) -> MessageError {
        unsafe .malformed("wrong wireType = \(wireType) for field \(field.pointee.goName)")
    }
}

/// A field's place in its message's descriptor.
@inline(__always)
func fieldIndex(of number: Int32, in descriptor: UnsafePointer<ProtobufCMessageDescriptor>) -> Int? {
    // Runs of numbers in rising order; the one behind the last holds the count of all fields.
    let ranges = unsafe descriptor.pointee.field_ranges
    guard let ranges = unsafe ranges else { return nil }
    var low = 0
    var high = Int(unsafe descriptor.pointee.n_field_ranges)
    while low < high {
        let middle = (low + high) / 2
        let firstNumber = unsafe ranges[middle].start_value
        if number < firstNumber {
            high = middle
            continue
        }
        let firstIndex = Int(unsafe ranges[middle].orig_index)
        let index = firstIndex + Int(number - firstNumber)
        if index < Int(unsafe ranges[middle + 1].orig_index) { return index }
        low = middle + 1
    }
    return nil
}

extension ProtobufCFieldDescriptor {
    /// Whether values are written as varints: true for all but bytes and messages, as no message of etcd's has other
    /// numbers.
    @inline(__always)
    var isVarint: Bool {
        unsafe type != PROTOBUF_C_TYPE_BYTES && type != PROTOBUF_C_TYPE_MESSAGE
    }

    /// Size of an element of a repeated field as protobuf-c unpacks it.
    @inline(__always)
    var elementByteCount: Int {
        switch unsafe type {
        case PROTOBUF_C_TYPE_BYTES: unsafe MemoryLayout<ProtobufCBinaryData>.size
        case PROTOBUF_C_TYPE_ENUM, PROTOBUF_C_TYPE_UINT32, PROTOBUF_C_TYPE_BOOL: 4
        default: 8
        }
    }
}
