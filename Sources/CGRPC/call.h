#pragma once

#include <string.h>

#include "shim.h"

// The places of one call that the core writes to, or reads from, while operations are under way. They must not move, and are
// reused from call to call.
typedef struct martlet_call {
    grpc_call *call;
    // The message received last, NULL if there is none.
    grpc_byte_buffer *received;
    // What is to be sent next. The core takes the slices out of it when the batch starts.
    grpc_byte_buffer outgoing;
    // Server: the client's metadata. Client: the server's initial metadata. The elements belong to the call.
    grpc_metadata_array metadata;
    // Client: the server's trailing metadata.
    grpc_metadata_array trailing_metadata;
    // Client: the metadata to send, valid until the batch has started.
    grpc_metadata *send_metadata;
    size_t send_metadata_count;
    // Server: host and path of a call to a method that is not registered.
    grpc_call_details details;
    gpr_timespec deadline;
    // Server: whether the call ended before its status was sent.
    int cancelled;
    // Server: the status to send. Client: the status received.
    grpc_status_code status;
    grpc_slice status_details;
} martlet_call;

// The operations of a batch, as bits.
enum {
    MARTLET_SEND_INITIAL_METADATA = 1 << 0,
    MARTLET_SEND_MESSAGE = 1 << 1,
    MARTLET_SEND_STATUS = 1 << 2,
    MARTLET_RECEIVE_CLOSE = 1 << 3,
    MARTLET_RECEIVE_MESSAGE = 1 << 4,
    MARTLET_SEND_CLOSE = 1 << 5,
    MARTLET_RECEIVE_INITIAL_METADATA = 1 << 6,
    MARTLET_RECEIVE_STATUS = 1 << 7,
    MARTLET_MAX_OPERATIONS = 8,
};

static inline void martlet_call_init(martlet_call *call) {
    memset(call, 0, sizeof(*call));
    call->outgoing.type = GRPC_BB_RAW;
    call->outgoing.data.raw.compression = GRPC_COMPRESS_NONE;
    grpc_slice_buffer_init(&call->outgoing.data.raw.slice_buffer);
    grpc_metadata_array_init(&call->metadata);
    grpc_metadata_array_init(&call->trailing_metadata);
    grpc_call_details_init(&call->details);
    call->status_details = grpc_empty_slice();
}

// Lets go of the call and of everything received and not sent, so that the places can serve another call.
static inline void martlet_call_reset(martlet_call *call) {
    if (call->call) grpc_call_unref(call->call);
    call->call = NULL;
    if (call->received) grpc_byte_buffer_destroy(call->received);
    call->received = NULL;
    grpc_slice_buffer_reset_and_unref(&call->outgoing.data.raw.slice_buffer);
    call->metadata.count = 0;
    call->trailing_metadata.count = 0;
    grpc_call_details_destroy(&call->details);
    grpc_call_details_init(&call->details);
    grpc_slice_unref(call->status_details);
    call->status_details = grpc_empty_slice();
    call->status = GRPC_STATUS_OK;
    call->cancelled = 0;
}

static inline void martlet_call_destroy(martlet_call *call) {
    martlet_call_reset(call);
    grpc_slice_buffer_destroy(&call->outgoing.data.raw.slice_buffer);
    grpc_metadata_array_destroy(&call->metadata);
    grpc_metadata_array_destroy(&call->trailing_metadata);
    grpc_call_details_destroy(&call->details);
}

static inline void martlet_call_discard_received(martlet_call *call) {
    if (call->received) grpc_byte_buffer_destroy(call->received);
    call->received = NULL;
}

// Adds a slice to the message to be sent, and takes it over.
static inline void martlet_call_append(martlet_call *call, grpc_slice slice) {
    grpc_slice_buffer_add(&call->outgoing.data.raw.slice_buffer, slice);
}

// Fills in the operations whose bits are set, and returns how many there are; at most MARTLET_MAX_OPERATIONS.
static inline size_t martlet_call_operations(martlet_call *call, uint32_t operations, grpc_op *batch) {
    size_t count = 0;
    memset(batch, 0, sizeof(grpc_op) * (size_t)__builtin_popcount(operations));
    if (operations & MARTLET_SEND_INITIAL_METADATA) {
        batch[count].op = GRPC_OP_SEND_INITIAL_METADATA;
        batch[count].data.send_initial_metadata.count = call->send_metadata_count;
        batch[count++].data.send_initial_metadata.metadata = call->send_metadata;
    }
    if (operations & MARTLET_SEND_MESSAGE) {
        batch[count].op = GRPC_OP_SEND_MESSAGE;
        batch[count++].data.send_message.send_message = &call->outgoing;
    }
    if (operations & MARTLET_SEND_CLOSE) batch[count++].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    if (operations & MARTLET_SEND_STATUS) {
        batch[count].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
        batch[count].data.send_status_from_server.status = call->status;
        batch[count++].data.send_status_from_server.status_details = &call->status_details;
    }
    if (operations & MARTLET_RECEIVE_INITIAL_METADATA) {
        batch[count].op = GRPC_OP_RECV_INITIAL_METADATA;
        batch[count++].data.recv_initial_metadata.recv_initial_metadata = &call->metadata;
    }
    if (operations & MARTLET_RECEIVE_MESSAGE) {
        batch[count].op = GRPC_OP_RECV_MESSAGE;
        batch[count++].data.recv_message.recv_message = &call->received;
    }
    if (operations & MARTLET_RECEIVE_CLOSE) {
        batch[count].op = GRPC_OP_RECV_CLOSE_ON_SERVER;
        batch[count++].data.recv_close_on_server.cancelled = &call->cancelled;
    }
    if (operations & MARTLET_RECEIVE_STATUS) {
        batch[count].op = GRPC_OP_RECV_STATUS_ON_CLIENT;
        batch[count].data.recv_status_on_client.trailing_metadata = &call->trailing_metadata;
        batch[count].data.recv_status_on_client.status = &call->status;
        batch[count++].data.recv_status_on_client.status_details = &call->status_details;
    }
    return count;
}

// Starts a batch of the operations whose bits are set.
static inline grpc_call_error martlet_call_start(martlet_call *call, uint32_t operations, void *tag) {
    grpc_op batch[MARTLET_MAX_OPERATIONS];
    size_t count = martlet_call_operations(call, operations, batch);
    return grpc_call_start_batch(call->call, batch, count, tag, NULL);
}

// In CGRPCShim.
struct martlet_completion;
int martlet_execute_batch(void *call, const void *operations, size_t count, struct martlet_completion *completion);

// Starts a batch of the operations whose bits are set, within `martlet_within_core`.
static inline grpc_call_error martlet_call_execute(martlet_call *call, uint32_t operations, void *completion) {
    grpc_op batch[MARTLET_MAX_OPERATIONS];
    size_t count = martlet_call_operations(call, operations, batch);
    return (grpc_call_error)martlet_execute_batch(call->call, batch, count, (struct martlet_completion *)completion);
}

// Asks for the next call of a registered method; `reads_first_message` as the method was registered.
static inline grpc_call_error martlet_call_request_registered(
    martlet_call *call, grpc_server *server, void *method, int reads_first_message, grpc_completion_queue *queue, void *tag) {
    return grpc_server_request_registered_call(
        server, method, &call->call, &call->deadline, &call->metadata, reads_first_message ? &call->received : NULL, queue,
        queue, tag);
}

// Asks for the next call of a method that is not registered.
static inline grpc_call_error martlet_call_request_unregistered(
    martlet_call *call, grpc_server *server, grpc_completion_queue *queue, void *tag) {
    return grpc_server_request_call(server, &call->call, &call->details, &call->metadata, queue, queue, tag);
}

// The bytes of a received message if they lie in one piece: sets `start`, and returns 1. Otherwise 0.
static inline int martlet_received_in_one_piece(grpc_byte_buffer *buffer, const uint8_t **start, size_t *length) {
    if (buffer->type != GRPC_BB_RAW || buffer->data.raw.compression != GRPC_COMPRESS_NONE) return 0;
    grpc_slice_buffer *slices = &buffer->data.raw.slice_buffer;
    if (slices->count > 1) return 0;
    *length = slices->length;
    *start = slices->count ? GRPC_SLICE_START_PTR(slices->slices[0]) : (const uint8_t *)"";
    return 1;
}

// How a received message is compressed.
static inline grpc_compression_algorithm martlet_received_compression(const grpc_byte_buffer *buffer) {
    return buffer->data.raw.compression;
}

// Copies a received message into one slice, compressed as it is; returns 0 if it cannot be read.
static inline int martlet_received_copy(grpc_byte_buffer *buffer, grpc_slice *copy) {
    grpc_byte_buffer_reader reader;
    if (!grpc_byte_buffer_reader_init(&reader, buffer)) return 0;
    *copy = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    return 1;
}
