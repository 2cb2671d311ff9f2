// Settings of the C library's allocator.
#pragma once

#include <stddef.h>

// Serves blocks of up to so many bytes from memory that was freed before, and keeps that many free bytes at the end of each
// heap, instead of giving both back to the system at once. 0, or -1 if the library refuses.
int martlet_keep_freed_memory(size_t byte_count);
