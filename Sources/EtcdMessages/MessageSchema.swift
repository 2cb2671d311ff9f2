internal import CEtcdMessages
internal import CProtobufC

/// protobuf-c's description of a message: its fields, their numbers and types.
@safe
package struct MessageSchema: @unchecked Sendable {
    // Unchecked because a pointer is not Sendable; this one is to a constant.
    let descriptor: UnsafePointer<ProtobufCMessageDescriptor>

    init(_ descriptor: UnsafePointer<ProtobufCMessageDescriptor>) {
        unsafe self.descriptor = descriptor
    }

    /// The message's name without its package, as etcd's decoder says it.
    package var name: String {
        unsafe String(cString: descriptor.pointee.short_name)
    }

    /// Its fields, in the order of their numbers.
    package var fields: [FieldSchema] {
        (0..<Int(unsafe descriptor.pointee.n_fields)).map { unsafe FieldSchema(descriptor.pointee.fields[$0]) }
    }
}

/// protobuf-c's description of a field, for those that go through a message without knowing it.
package struct FieldSchema: Sendable {
    /// How a field is written.
    package enum Kind: Sendable {
        /// 64 bits, with or without a sign.
        case integer64
        /// 32 bits without a sign.
        case integer32
        /// 32 bits, with a sign extended to 64.
        case enumeration
        case boolean
        case bytes
        case message(MessageSchema)
    }

    package let number: Int
    /// The name in the .proto file.
    package let name: String
    package let kind: Kind
    package let isRepeated: Bool
    /// Whether the field is one of several of which only one can be set.
    package let isInOneof: Bool

    init(_ field: ProtobufCFieldDescriptor) {
        number = unsafe Int(field.id)
        name = unsafe String(cString: field.name)
        isRepeated = unsafe field.label == PROTOBUF_C_LABEL_REPEATED
        isInOneof = unsafe field.isInOneof
        switch unsafe field.type {
        case PROTOBUF_C_TYPE_BYTES: kind = .bytes
        case PROTOBUF_C_TYPE_BOOL: kind = .boolean
        case PROTOBUF_C_TYPE_ENUM: kind = .enumeration
        case PROTOBUF_C_TYPE_UINT32: kind = .integer32
        case PROTOBUF_C_TYPE_MESSAGE: kind = unsafe .message(MessageSchema(field.messageDescriptor))
        default: kind = .integer64
        }
    }
}

extension ProtobufCFieldDescriptor {
    var isInOneof: Bool {
        unsafe flags & PROTOBUF_C_FIELD_FLAG_ONEOF.rawValue != 0
    }

    /// The type of a field that is a message.
    var messageDescriptor: UnsafePointer<ProtobufCMessageDescriptor> {
        unsafe descriptor.assumingMemoryBound(to: ProtobufCMessageDescriptor.self)
    }

    /// The name of the field in Go, as it stands in the texts of etcd's errors: `prev_kv` is PrevKv, `member_ID`
    /// Member_ID.
    var goName: String {
        var result = ""
        var wordBegins = true
        let characters = unsafe Array(String(cString: name).utf8)
        for (index, byte) in characters.enumerated() {
            let isLower = UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte
            let next = index + 1 < characters.count ? characters[index + 1] : 0
            if byte == UInt8(ascii: "_"), UInt8(ascii: "a")...UInt8(ascii: "z") ~= next {
                wordBegins = true
                continue
            }
            result.unicodeScalars.append(UnicodeScalar(wordBegins && isLower ? byte - 32 : byte))
            wordBegins = false
        }
        return result
    }
}
