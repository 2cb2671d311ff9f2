internal import EtcdMessages
internal import GRPCCore
internal import Node
internal import Primitives

/// What serves the streams of one method. All is called on the loop's thread, for calls that are open.
///
/// A stream ends with `ended`, whoever ended it, unless the service itself finished it.
protocol StreamService: AnyObject {
    /// A client opened a stream.
    func opened(_ call: CallID)
    /// The client's message, or one of them. An error ends the stream with that status.
    func received(_ message: RawSpan, _ call: CallID) throws(EtcdError)
    /// The client sends no more.
    func halfClosed(_ call: CallID)
    /// The core has something for the stream, or the transport has taken the last message: the next may be sent, if the
    /// transport can take it.
    func ready(_ call: CallID)
    /// The core's answer to what the stream asked of it. An error ends the stream with that status.
    func answered(_ call: CallID, _ result: Result<Reply, EtcdError>) throws(EtcdError)
    /// The stream is over; nothing of it may be kept.
    func ended(_ call: CallID)
}

extension StreamService {
    /// Decodes a message of a stream, with grpc-go's text if it is none. It is not that of unary calls.
    func decode<Request: EtcdMessage>(
        _ decoder: MessageDecoder, _ type: Request.Type, _ message: RawSpan
    ) throws(EtcdError) -> Request {
        do throws(MessageError) {
            return try decoder.decode(type, message)
        } catch {
            throw EtcdError(.internal, "grpc: failed to unmarshal the received message: \(error)")
        }
    }
}
