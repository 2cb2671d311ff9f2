// File calls that Swift cannot make itself: variadic ones, and constants behind _GNU_SOURCE.
#pragma once

// An exclusive lock on the whole file that belongs to the open file description, without waiting.
// 0, or -1 with errno (EAGAIN or EACCES if another holds it).
int martlet_lock_open_file_description(int descriptor);

// Opens with O_CLOEXEC added, retrying on EINTR. The descriptor, or -1 with errno.
int martlet_open(const char *path, int flags, unsigned int permissions);

// fallocate(2) from the start of the file, with its length raised to match, retrying on EINTR. 0, or -1 with errno.
int martlet_allocate(int descriptor, long byte_count);
