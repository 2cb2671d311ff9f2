#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Gives a connected socket to the core's handler object of an "external" listener.
///
/// `handler` is the `grpc_core::TcpServerFdHandler` that the core (gRPC 1.51) wrote to the place named by the channel
/// argument; `listener` is the descriptor that accepted the connection. The core owns `descriptor` from now on.
void martlet_external_connection(void *handler, int listener, int descriptor);

/// What the core calls when a batch is done, from whatever thread; it must stay where it is until then.
typedef struct martlet_completion {
    /// The core's own closure.
    uintptr_t closure[16];
    void (*function)(void *context, uintptr_t tag, int succeeded);
    void *context;
    uintptr_t tag;
} martlet_completion;

/// Starts a batch (`grpc_op`s of a `grpc_call`) that ends with a call of the completion's function. Returns the core's error
/// number. Only within `martlet_within_core`.
int martlet_execute_batch(void *call, const void *operations, size_t count, martlet_completion *completion);

/// Calls `body` at once, on this thread. What it has the core do is put off to its end and done together: all that is sent on
/// one connection leaves in one piece.
void martlet_within_core(void (*body)(void *context), void *context);

/// Stops the core's mutexes from checking the order in which they are locked, a debugging aid that Debian's build of abseil
/// leaves on. Measured on unary calls: 7 % of the server's CPU.
void martlet_skip_lock_order_checks(void);

/// Unpacks gzip (`is_gzip`) or zlib data into at most `capacity` bytes. Returns how many there were, -1 if the data is broken
/// or cut short, -2 if there are more than `capacity`.
ptrdiff_t martlet_inflate(const uint8_t *input, size_t input_length, int is_gzip, uint8_t *output, size_t capacity);

/// How much room `martlet_gzip` may need for so much data.
size_t martlet_gzip_bound(size_t length);

/// Packs data with gzip at its fastest. Returns the length, or -1 if there is no memory or not enough room.
ptrdiff_t martlet_gzip(const uint8_t *input, size_t input_length, uint8_t *output, size_t capacity);

// Linux calls that Swift's view of the C library leaves out. They return -1 and set errno as the calls they stand for.

/// Accepts a connection whose descriptor neither blocks nor is inherited by other programs.
int martlet_accept(int listener);

int martlet_epoll_create(void);

/// Waits for input on a descriptor: as long as there is some, or (`on_change`) whenever more has come.
int martlet_epoll_add(int epoll, int descriptor, int on_change);

int martlet_epoll_remove(int epoll, int descriptor);

/// Writes up to `count` descriptors with input to `ready`, and returns how many. One whose peer sends no more is written as
/// its complement, which is negative.
int martlet_epoll_wait(int epoll, int *ready, int count, int timeout_milliseconds);

/// A descriptor that has input once `martlet_event_signal` was called.
int martlet_event_create(void);

int martlet_event_signal(int event);

#ifdef __cplusplus
}
#endif
