internal import CProtobufC

/// protobuf-c's description of a message: its fields, their numbers and types.
@safe
package struct MessageSchema: @unchecked Sendable {
    // Unchecked because a pointer is not Sendable; this one is to a constant.
    let descriptor: UnsafePointer<ProtobufCMessageDescriptor>

    init(_ descriptor: UnsafePointer<ProtobufCMessageDescriptor>) {
        unsafe self.descriptor = descriptor
    }
}
