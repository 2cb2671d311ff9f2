#include "CGRPCShim.h"

#include <limits.h>
#include <string.h>
#include <zlib.h>

enum { LARGEST_WINDOW = 15, GZIP_HEADER = 16, USUAL_MEMORY = 8, GZIP_OVERHEAD = 18 };

size_t martlet_gzip_bound(size_t length) {
    return compressBound(length) + GZIP_OVERHEAD;
}

ptrdiff_t martlet_gzip(const uint8_t *input, size_t input_length, uint8_t *output, size_t capacity) {
    if (input_length > UINT_MAX || capacity > UINT_MAX) return -1;
    z_stream stream;
    memset(&stream, 0, sizeof(stream));
    int window = LARGEST_WINDOW + GZIP_HEADER;
    if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, window, USUAL_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) return -1;
    stream.next_in = (Bytef *)input;
    stream.avail_in = (uInt)input_length;
    stream.next_out = output;
    stream.avail_out = (uInt)capacity;
    int outcome = deflate(&stream, Z_FINISH);
    ptrdiff_t length = (ptrdiff_t)stream.total_out;
    deflateEnd(&stream);
    return outcome == Z_STREAM_END ? length : -1;
}
