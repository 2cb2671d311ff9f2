#include <assert.h>
#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/slice.h>

#include "CGRPCShim.h"

// What the headers of the gRPC core do not show: batches whose end calls a function instead of going through a completion
// queue. It is as in gRPC 1.51 (`src/core/lib/surface/call.h`, `src/core/lib/iomgr/closure.h`); GRPCCore refuses any other
// version when a server is made, and every stream in the tests goes through it.

struct grpc_closure;

grpc_call_error grpc_call_start_batch_and_execute(
    grpc_call *call, const grpc_op *operations, size_t count, grpc_closure *closure);

namespace {

// `grpc_closure`. The core writes to the first and the fourth member, and in debug builds to some that follow.
struct Closure {
    void *next;
    void (*function)(void *argument, const uintptr_t *error);
    void *argument;
    uintptr_t error;
    uintptr_t others[4];
};

static_assert(sizeof(Closure) <= sizeof(martlet_completion::closure), "room for the core's closure");

// `error` is an `absl::Status`, which is passed by its address; all zeros is success.
void completed(void *argument, const uintptr_t *error) {
    auto *completion = static_cast<martlet_completion *>(argument);
    completion->function(completion->context, completion->tag, *error == 0 ? 1 : 0);
}

}  // namespace

int martlet_execute_batch(void *call, const void *operations, size_t count, martlet_completion *completion) {
    auto *closure = reinterpret_cast<Closure *>(completion->closure);
    *closure = {};
    closure->function = completed;
    closure->argument = completion;
    return static_cast<int>(grpc_call_start_batch_and_execute(
        static_cast<grpc_call *>(call), static_cast<const grpc_op *>(operations), count,
        reinterpret_cast<grpc_closure *>(closure)));
}

namespace {

struct Work {
    void (*body)(void *context);
    void *context;
    bool is_done;
};

void run(void *argument) {
    auto *work = static_cast<Work *>(argument);
    work->body(work->context);
    work->is_done = true;
}

}  // namespace

void martlet_within_core(void (*body)(void *context), void *context) {
    // Whoever starts such batches must be in an "execution context", which gathers what the core has to do until it ends.
    // The core makes one to destroy a message, and calls the owner of its bytes within it.
    static char byte;
    Work work = {body, context, false};
    grpc_slice slice = grpc_slice_new_with_user_data(&byte, 1, run, &work);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    grpc_byte_buffer_destroy(buffer);
    assert(work.is_done);
}
