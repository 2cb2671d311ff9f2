#pragma once

// The gRPC C core (1.51), and what Swift cannot import from it: macros over unions, and pointers to members.

// First, so that the C library's types look the same as in Swift's own view of it: the core's headers ask for GNU extensions.
#include <sys/select.h>

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/slice_buffer.h>
#include <grpc/support/alloc.h>
#include <grpc/support/log.h>
#include <grpc/support/string_util.h>
#include <grpc/support/time.h>

// The first byte of a slice. The slice must outlive the pointer: the bytes of a small one are inside it.
static inline uint8_t *martlet_slice_start(grpc_slice *slice) { return GRPC_SLICE_START_PTR(*slice); }

static inline size_t martlet_slice_length(const grpc_slice *slice) { return GRPC_SLICE_LENGTH(*slice); }

static inline grpc_arg martlet_integer_argument(const char *key, int value) {
    grpc_arg argument = {.type = GRPC_ARG_INTEGER, .key = (char *)key};
    argument.value.integer = value;
    return argument;
}

static inline grpc_arg martlet_string_argument(const char *key, const char *value) {
    grpc_arg argument = {.type = GRPC_ARG_STRING, .key = (char *)key};
    argument.value.string = (char *)value;
    return argument;
}

static inline void *martlet_same_pointer(void *pointer) { return pointer; }

static inline void martlet_forget_pointer(void *pointer) { (void)pointer; }

static inline int martlet_compare_pointers(void *left, void *right) {
    return left == right ? 0 : (left < right ? -1 : 1);
}

// A borrowed pointer: the core neither copies what it points to nor frees it.
static inline grpc_arg martlet_pointer_argument(const char *key, void *pointer) {
    static const grpc_arg_pointer_vtable borrowed = {
        martlet_same_pointer, martlet_forget_pointer, martlet_compare_pointers};
    grpc_arg argument = {.type = GRPC_ARG_POINTER, .key = (char *)key};
    argument.value.pointer.p = pointer;
    argument.value.pointer.vtable = &borrowed;
    return argument;
}

// A time on CLOCK_MONOTONIC, in nanoseconds.
static inline gpr_timespec martlet_monotonic_time(uint64_t nanoseconds) {
    gpr_timespec time = {
        .tv_sec = (int64_t)(nanoseconds / 1000000000u),
        .tv_nsec = (int32_t)(nanoseconds % 1000000000u),
        .clock_type = GPR_CLOCK_MONOTONIC};
    return time;
}

static inline uint64_t martlet_monotonic_now(void) {
    gpr_timespec now = gpr_now(GPR_CLOCK_MONOTONIC);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// A point in time as nanoseconds on CLOCK_MONOTONIC; UINT64_MAX if it never comes, 0 if it has long passed.
static inline uint64_t martlet_monotonic_nanoseconds(gpr_timespec time) {
    gpr_timespec converted = gpr_convert_clock_type(time, GPR_CLOCK_MONOTONIC);
    if (converted.tv_sec < 0) return 0;
    if ((uint64_t)converted.tv_sec >= UINT64_MAX / 1000000000u) return UINT64_MAX;
    return (uint64_t)converted.tv_sec * 1000000000u + (uint64_t)converted.tv_nsec;
}
