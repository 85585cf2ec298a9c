// CRC-32 by the instructions that processors have for it.
#pragma once

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// Whether this processor has the instructions.
int cchecksum_is_fast(void);

/// Carries the remainder of CRC-32 (0xEDB88320, reflected) on over bytes.
///
/// `byteCount` must be a multiple of 16 and at least 64; only where `cchecksum_is_fast()`.
uint32_t cchecksum_crc32(uint32_t remainder, const void *bytes, size_t byteCount);

#pragma clang assume_nonnull end
