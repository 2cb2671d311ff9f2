/// What answers the calls of clients. The server calls it on the loop thread only, from within `GRPCServer.poll`.
///
/// It may call any function of the server from within these, and answer at once or at any later time. It must not keep a
/// `message`: the bytes are the core's, and are gone when the function returns.
package protocol GRPCHandler: AnyObject {
    /// A unary call has come. Answer with `GRPCServer.reply` or `GRPCServer.fail`, now or later.
    func unaryCall(_ call: CallID, method: MethodIndex, message: RawSpan)

    /// A call of a server-streaming method has come. Answer with `GRPCServer.send`, then `GRPCServer.finish`.
    func serverStreamCall(_ call: CallID, method: MethodIndex, message: RawSpan)

    /// A bidirectional stream was opened. Its messages follow as `streamMessage`.
    func streamOpened(_ call: CallID, method: MethodIndex)

    /// The next message of a bidirectional stream.
    func streamMessage(_ call: CallID, message: RawSpan)

    /// The client will send no more on this bidirectional stream. The stream stays open for what the server sends, unless
    /// the client has gone for good: then `callEnded` follows.
    func streamHalfClosed(_ call: CallID)

    /// The message given to `GRPCServer.send` has been taken over by the transport: the next may follow.
    func sendCompleted(_ call: CallID)

    /// The call ended without our doing: the client cancelled it or went away, its deadline passed, or a message of a stream
    /// was too long. The number is stale, but `GRPCServer.method` still knows it.
    ///
    /// Not called for calls that were answered or finished.
    func callEnded(_ call: CallID)
}
