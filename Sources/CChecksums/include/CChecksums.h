#pragma once
#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli) of `count` bytes, continued from `crc`, with Go's `crc32.Update` semantics: start with 0.
uint32_t martlet_crc32c(uint32_t crc, const void *bytes, size_t count);

/// The same by table, for machines without the instruction, and to test the other against.
uint32_t martlet_crc32c_portable(uint32_t crc, const void *bytes, size_t count);
