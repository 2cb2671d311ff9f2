package import EtcdMessages
package import GRPCCore
package import Primitives

/// A stream of typed messages between an `EtcdClient` and a server.
package struct EtcdStream<Request: EtcdMessage, Response: EtcdMessage> {
    /// What has come from the server.
    package enum Event: Equatable {
        case message(Response)
        /// The server ended the stream well.
        case finished
        /// The stream ended otherwise, or a message could not be decoded.
        case failed(EtcdError)
    }

    package let channel: GRPCClientChannel
    package let call: CallID

    package init(channel: GRPCClientChannel, call: CallID) {
        self.channel = channel
        self.call = call
    }

    /// Sends a message after those before it. Ignored if the stream is over.
    package func send(_ request: Request) {
        channel.send(call, message: request.encoded())
    }

    /// Tells the server that no more messages come.
    package func halfClose() {
        channel.halfClose(call)
    }

    /// Ends the stream from this side.
    package func cancel() {
        channel.cancel(call)
    }

    /// Waits for what comes next; nil when the time is up.
    package func next(timeoutNanoseconds: UInt64 = 10_000_000_000) -> Event? {
        while let event = channel.nextEvent(of: call, timeoutNanoseconds: timeoutNanoseconds) {
            switch event {
            case .sent: continue
            case .message(let message):
                switch EtcdClient.decode(message) as Result<Response, EtcdError> {
                case .success(let response): return .message(response)
                case .failure(let error): return .failed(error)
                }
            case .ended(let status): return status.isSuccess ? .finished : .failed(status.error)
            }
        }
        return nil
    }
}
