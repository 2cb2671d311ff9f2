internal import CGRPC

/// The settings of a server or a channel, in the form the core takes them.
///
/// Two that are never set: `GRPC_ARG_MINIMAL_STACK`, which would drop deadlines and size limits, and the poller, which is
/// epoll1 where Linux has it.
@safe
struct ChannelArguments {
    @safe
    private enum Value {
        case integer(Int32)
        case text(String)
        case pointer(UnsafeMutableRawPointer)
    }

    private var entries: [(key: String, value: Value)] = []

    init() {
        // Statistics that nobody asks for.
        add(0, forKey: GRPC_ARG_ENABLE_CHANNELZ)
        add(0, forKey: GRPC_ARG_MAX_CHANNEL_TRACE_EVENT_MEMORY_PER_NODE)
    }

    init(settings: GRPCServerSettings) {
        self.init()
        let backstop = settings.maxReceiveMessageByteCount + settings.receiveBackstopByteCount
        add(Int32(clamping: backstop), forKey: GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH)
        add(-1, forKey: GRPC_ARG_MAX_SEND_MESSAGE_LENGTH)
        // The core would unpack a compressed message however long it gets: `ReceivedMessage` does it within bounds.
        add(0, forKey: GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION)
        add(settings.keepaliveMinTimeMilliseconds, forKey: GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS)
        add(0, forKey: GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS)
        add(settings.keepaliveIntervalMilliseconds, forKey: GRPC_ARG_KEEPALIVE_TIME_MS)
        add(settings.keepaliveTimeoutMilliseconds, forKey: GRPC_ARG_KEEPALIVE_TIMEOUT_MS)
        add(settings.handshakeTimeoutMilliseconds, forKey: GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS)
        if let streams = Int32(exactly: settings.maxConcurrentStreams) {
            add(streams, forKey: GRPC_ARG_MAX_CONCURRENT_STREAMS)
        }
    }

    mutating func add(_ value: Int32, forKey key: String) {
        entries.append((key, .integer(value)))
    }

    mutating func add(_ text: String, forKey key: String) {
        entries.append((key, .text(text)))
    }

    /// The core keeps the pointer but neither copies nor frees what is there.
    mutating func add(pointer: UnsafeMutableRawPointer, forKey key: String) {
        unsafe entries.append((key, .pointer(pointer)))
    }

    /// Calls `body` with the arguments as the core wants them; it must not keep them.
    func withArguments<Result>(_ body: (UnsafePointer<grpc_channel_args>) -> Result) -> Result {
        var texts: [UnsafeMutablePointer<CChar>] = unsafe []
        defer { unsafe texts.forEach { unsafe gpr_free($0) } }
        func copied(_ text: String) -> UnsafeMutablePointer<CChar>? {
            guard let copy = unsafe gpr_strdup(text) else { return nil }
            unsafe texts.append(copy)
            return unsafe copy
        }
        var arguments: [grpc_arg] = unsafe []
        for entry in entries {
            let key = unsafe copied(entry.key)
            switch entry.value {
            case .integer(let value): unsafe arguments.append(martlet_integer_argument(key, value))
            case .text(let text): unsafe arguments.append(martlet_string_argument(key, copied(text)))
            case .pointer(let pointer): unsafe arguments.append(martlet_pointer_argument(key, pointer))
            }
        }
        return unsafe arguments.withUnsafeMutableBufferPointer { buffer in
            var list = unsafe grpc_channel_args(num_args: buffer.count, args: buffer.baseAddress)
            return unsafe body(&list)
        }
    }
}
