internal import Primitives

/// What an operator, or a test, may choose about a gRPC server. The defaults are etcd's (etcd v3.6 `server/embed/config.go`,
/// `server/etcdserver/api/v3rpc/grpc.go`).
package struct GRPCServerSettings: Sendable {
    /// Greatest length in bytes of a message from a client; a longer one is refused with grpc-go's text.
    package var maxReceiveMessageByteCount = Limits.maxRequestByteCount + Limits.gRPCOverheadByteCount
    /// What a message may exceed that by, in bytes, before the core refuses it with a text of its own.
    ///
    /// The core cannot be given grpc-go's text, so it must first receive a message for us to refuse it: this bounds what one
    /// such call can make us hold.
    package var receiveBackstopByteCount = 4 * 1024 * 1024
    /// Greatest number of streams that a client may have open on one connection (`--max-concurrent-streams`).
    package var maxConcurrentStreams = UInt32.max
    /// Greatest number of calls being served at once, of all clients; further ones are refused with `ResourceExhausted`.
    ///
    /// etcd has no such bound. It is far above what clients do, and keeps a broken one from filling the memory.
    package var maxConcurrentCalls = 1 << 17
    /// Shortest time in milliseconds that a client must leave between two pings (`--grpc-keepalive-min-time`).
    package var keepaliveMinTimeMilliseconds: Int32 = 5000
    /// How long in milliseconds a connection is silent before the server pings it (`--grpc-keepalive-interval`).
    package var keepaliveIntervalMilliseconds: Int32 = 7_200_000
    /// How long in milliseconds the server waits for the answer to its ping (`--grpc-keepalive-timeout`).
    package var keepaliveTimeoutMilliseconds: Int32 = 20_000
    /// How long in milliseconds a new connection may take to complete HTTP/2's (and TLS's) handshake.
    package var handshakeTimeoutMilliseconds: Int32 = 10_000
    /// Greatest number of completions taken in one `poll`, so that the owner's other work is not held up.
    package var maxCompletionsPerPoll = 256
    /// How long in nanoseconds a unary call must have been waiting before its cancellation is watched for.
    ///
    /// Watching costs one more completion. Most calls are answered sooner, and need none.
    package var cancellationWatchDelayNanoseconds: UInt64 = 20_000_000
    /// How many calls of unknown methods the core may hand over before it is asked again.
    package var outstandingUnknownRequests = 2

    /// Whether the time is taken that each call lasts (`--metrics extensive`): two readings of the clock a call.
    package var measuresHandling = false

    package init() {}
}
