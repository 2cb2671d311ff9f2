package import EtcdMessages
package import GRPCCore
package import Primitives

/// A client of etcd's gRPC API over the gRPC C core, for tests, benchmarks and tools: one connection, driven by one thread.
///
/// ```swift
/// let client = EtcdClient(try ListenAddress(parsing: "127.0.0.1:2379"))
/// var request = PutRequest()
/// request.key = Bytes(text: "key")
/// let answer: Result<PutResponse, EtcdError> = client.call("/etcdserverpb.KV/Put", request)
/// client.close()
/// ```
package final class EtcdClient {
    /// The connection, for many calls at once.
    package let channel: GRPCClientChannel
    /// Goes with every call: `token`, `hasleader` and the like.
    package var metadata: [GRPCMetadataEntry] = []
    /// How long a unary call may take, in nanoseconds.
    package var timeoutNanoseconds: UInt64 = 10_000_000_000

    /// A client of the server at an address, which is connected to with the first call.
    package init(_ address: ListenAddress) {
        channel = GRPCClientChannel(address)
    }

    /// Ends all calls and frees the connection. Must be called.
    package func close() {
        channel.close()
    }

    /// Makes a unary call and waits for its answer.
    ///
    /// It fails with what the server answers, `DeadlineExceeded` when the time is up, `Unavailable` if the server cannot be
    /// reached, and `Internal` if the answer cannot be decoded.
    package func call<Request: EtcdMessage, Response: EtcdMessage>(
        _ path: String, _ request: Request, returning: Response.Type = Response.self
    ) -> Result<Response, EtcdError> {
        channel.call(path, message: request.encoded(), metadata: metadata, timeoutNanoseconds: timeoutNanoseconds)
            .mapError(\.error)
            .flatMap(Self.decode)
    }

    /// Opens a bidirectional stream, such as `/etcdserverpb.Watch/Watch`.
    package func openStream<Request: EtcdMessage, Response: EtcdMessage>(
        _ path: String, sending: Request.Type = Request.self, receiving: Response.Type = Response.self
    ) -> EtcdStream<Request, Response> {
        EtcdStream(channel: channel, call: channel.openStream(path, metadata: metadata))
    }

    /// Calls a server-streaming method, such as `/etcdserverpb.Maintenance/Snapshot`.
    package func startServerStream<Request: EtcdMessage, Response: EtcdMessage>(
        _ path: String, _ request: Request, receiving: Response.Type = Response.self
    ) -> EtcdStream<Request, Response> {
        EtcdStream(
            channel: channel,
            call: channel.startServerStream(path, message: request.encoded(), metadata: metadata))
    }

    /// Decodes an answer.
    package static func decode<Response: EtcdMessage>(_ message: Bytes) -> Result<Response, EtcdError> {
        do throws(MessageError) {
            return .success(try Response(decoding: message))
        } catch {
            return .failure(EtcdError(.internal, "grpc: failed to unmarshal the received message: \(error)"))
        }
    }
}
