#pragma once
#include <stddef.h>
#include <stdint.h>

/// libFuzzer's loop. It comes with `-sanitize=fuzzer`, without a header of its own.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));

/// Runs a fuzzer to its end, with the program's arguments; returns the program's status.
static inline int martlet_fuzz(int argc, char **argv, int (*callback)(const uint8_t *data, size_t size)) {
    return LLVMFuzzerRunDriver(&argc, &argv, callback);
}
