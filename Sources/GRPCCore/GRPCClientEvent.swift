package import Primitives

/// Something that has happened on a call of a client.
package enum GRPCClientEvent: Hashable, Sendable {
    /// A message from the server.
    case message(Bytes)
    /// The message given to `GRPCClientChannel.send` has been taken over by the transport.
    case sent
    /// The call is over, well or not. The last event of a call.
    case ended(GRPCStatus)
}

/// How a call ended: gRPC's number, and a text that is UTF-8 if the server keeps to the rules.
package struct GRPCStatus: Error, Hashable, Sendable {
    package let code: Int32
    package let message: Bytes

    package init(code: Int32, message: Bytes) {
        self.code = code
        self.message = message
    }

    package var isSuccess: Bool { code == StatusCode.ok.rawValue }

    /// The status as an etcd error; a number that gRPC does not know counts as `Unknown`.
    package var error: EtcdError { EtcdError(StatusCode(rawValue: code) ?? .unknown, message.text) }
}

/// A key and a value that go with a call.
package struct GRPCMetadataEntry: Hashable, Sendable {
    /// Lowercase letters, digits, `-`, `_` and `.`.
    package let key: String
    package let value: Bytes

    package init(_ key: String, _ value: String) {
        self.key = key
        self.value = Bytes(text: value)
    }
}
