#include "CGRPCShim.h"

#include <type_traits>

// What the headers of the gRPC core do not show: the class through which its "external" listener takes connections. It is as
// in gRPC 1.51, `src/core/lib/iomgr/tcp_server.h`; GRPCCore refuses any other version when a server is made, and a test sends
// a call through it.

struct grpc_byte_buffer;

namespace grpc_core {

class TcpServerFdHandler {
public:
    virtual ~TcpServerFdHandler() = default;
    // `pending_read`, which may be null, is what was read from the socket already.
    virtual void Handle(int listener_fd, int fd, grpc_byte_buffer *pending_read) = 0;
};

static_assert(sizeof(TcpServerFdHandler) == sizeof(void *), "an object with nothing but its table of functions");
static_assert(std::has_virtual_destructor<TcpServerFdHandler>::value, "Handle comes after the two destructors");

}  // namespace grpc_core

void martlet_external_connection(void *handler, int listener, int descriptor) {
    static_cast<grpc_core::TcpServerFdHandler *>(handler)->Handle(listener, descriptor, nullptr);
}
