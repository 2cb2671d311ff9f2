#include "CGRPCShim.h"

#include <limits.h>
#include <string.h>
#include <zlib.h>

enum { BROKEN = -1, TOO_LONG = -2, LARGEST_WINDOW = 15, GZIP_HEADER = 16 };

ptrdiff_t martlet_inflate(const uint8_t *input, size_t input_length, int is_gzip, uint8_t *output, size_t capacity) {
    if (input_length > UINT_MAX || capacity > UINT_MAX) return TOO_LONG;
    z_stream stream;
    memset(&stream, 0, sizeof(stream));
    if (inflateInit2(&stream, is_gzip ? LARGEST_WINDOW + GZIP_HEADER : LARGEST_WINDOW) != Z_OK) return BROKEN;
    stream.next_in = (Bytef *)input;
    stream.avail_in = (uInt)input_length;
    stream.next_out = output;
    stream.avail_out = (uInt)capacity;
    int outcome = inflate(&stream, Z_FINISH);
    ptrdiff_t length = (ptrdiff_t)stream.total_out;
    int is_full = stream.avail_out == 0;
    inflateEnd(&stream);
    if (outcome == Z_STREAM_END) return length;
    // Without room for more, zlib stops as it does at the end of the input.
    return outcome == Z_BUF_ERROR && is_full ? TOO_LONG : BROKEN;
}
