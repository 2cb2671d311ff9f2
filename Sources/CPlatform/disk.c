#define _GNU_SOURCE
#include "CPlatformDisk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

int martlet_lock_open_file_description(int descriptor) {
    // Start 0 and length 0 mean the whole file, however it grows; the process id must be 0 for this kind of lock.
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0, .l_pid = 0};
    int result;
    do {
        result = fcntl(descriptor, F_OFD_SETLK, &lock);
    } while (result == -1 && errno == EINTR);
    return result;
}

int martlet_open(const char *path, int flags, unsigned int permissions) {
    int descriptor;
    do {
        descriptor = open(path, flags | O_CLOEXEC, permissions);
    } while (descriptor == -1 && errno == EINTR);
    return descriptor;
}

int martlet_allocate(int descriptor, long byte_count) {
    int result;
    do {
        result = fallocate(descriptor, 0, 0, byte_count);
    } while (result == -1 && errno == EINTR);
    return result;
}
