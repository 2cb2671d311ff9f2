#include "CPlatformMemory.h"

#include <limits.h>
#include <malloc.h>

int martlet_keep_freed_memory(size_t byte_count) {
    if (byte_count > INT_MAX) return -1;
    int size = (int)byte_count;
    return mallopt(M_MMAP_THRESHOLD, size) && mallopt(M_TRIM_THRESHOLD, size) ? 0 : -1;
}
