internal import CGRPC
internal import CGRPCShim
internal import Glibc
internal import Synchronization

/// Where an acceptor hands accepted connections to the core. May be used from any thread, also after the server is closed:
/// then the connection is closed.
///
/// To the core it is a listener of the "external" kind: the core does not listen itself but makes an object that takes
/// descriptors (`grpc_core::TcpServerFdHandler`, see `CGRPCShim`). `@unchecked Sendable`: the object is used only under the
/// lock, and by the core only while the server is made.
@safe
package final class GRPCConnectionPort: @unchecked Sendable {
    /// The address of the listener, and the name of the argument under which the core looks for the place of its object.
    static let address = "external:martlet"

    private let isOpen = Mutex(false)
    /// Where the core writes its object. Allocated for the life of this one.
    private let handler: UnsafeMutablePointer<UnsafeMutableRawPointer?>

    init() {
        unsafe handler = .allocate(capacity: 1)
        unsafe handler.initialize(to: nil)
    }

    deinit {
        unsafe handler.deallocate()
    }

    var handlerSlot: UnsafeMutableRawPointer { unsafe UnsafeMutableRawPointer(handler) }

    /// Makes the listener of a server that was created with `handlerSlot` among its arguments, and has not started.
    func open(on server: OpaquePointer) throws(GRPCError) {
        let credentials = unsafe grpc_insecure_server_credentials_create()
        _ = unsafe grpc_server_add_http2_port(server, Self.address, credentials)
        unsafe grpc_server_credentials_release(credentials)
        guard unsafe handler.pointee != nil else { throw .listenerRefused }
        isOpen.withLock { $0 = true }
    }

    /// Hands over a connected, non-blocking socket of which nothing has been read. The descriptor is no longer the caller's.
    package func take(descriptor: Int32, listener: Int32) {
        isOpen.withLock { isOpen in
            if isOpen, let handler = unsafe handler.pointee {
                unsafe martlet_external_connection(handler, listener, descriptor)
            } else {
                _ = Glibc.close(descriptor)
            }
        }
    }

    /// No more connections: the core is about to free its object.
    func close() {
        isOpen.withLock { $0 = false }
    }
}
