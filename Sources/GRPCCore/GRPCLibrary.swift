internal import CGRPC
internal import CGRPCShim

/// The gRPC core as a whole.
enum GRPCLibrary {
    /// Starts the core once for the process. It is never shut down: its clean-up runs on a thread of its own and would race
    /// with the next start.
    static let isStarted: Bool = {
        martlet_skip_lock_order_checks()
        grpc_init()
        return true
    }()

    /// The version of the core itself, which has its own numbers: gRPC 1.51 has core 29.
    static var version: String {
        guard let text = unsafe grpc_version_string() else { return "" }
        return unsafe String(cString: text)
    }

    /// Whether the core is the one that `CGRPCShim` describes.
    static var isSupported: Bool { version.hasPrefix("29.") }
}
