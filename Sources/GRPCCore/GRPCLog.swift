internal import CGRPC
internal import Primitives
internal import Synchronization

/// What the gRPC core has to say. It writes to standard error, in a form of its own, until someone else takes it over.
package enum GRPCLog {
    /// How grave the core holds a message.
    package enum Severity: Hashable, Sendable {
        case debug
        case info
        case error
    }

    /// Takes a severity and a line of text; called on any thread.
    package typealias Sink = @Sendable (Severity, String) -> Void

    private static let sink = Mutex<Sink?>(nil)

    /// Sends everything the core logs from now on to `sink`: errors only, unless the environment's `GRPC_VERBOSITY` asks for
    /// more.
    package static func redirect(to sink: @escaping Sink) {
        assertAlways(GRPCLibrary.isStarted)
        Self.sink.withLock { $0 = sink }
        unsafe gpr_set_log_function { arguments in
            guard let arguments = unsafe arguments, let text = unsafe arguments.pointee.message else { return }
            let severity: Severity =
                switch unsafe arguments.pointee.severity {
                case GPR_LOG_SEVERITY_ERROR: .error
                case GPR_LOG_SEVERITY_INFO: .info
                default: .debug
                }
            let sink = GRPCLog.sink.withLock { $0 }
            sink?(severity, unsafe String(cString: text))
        }
    }
}
