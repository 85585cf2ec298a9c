// What one processor can do at best: the ceilings of a roofline.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// The instructions that the two functions below use on this machine (`AVX2 and FMA`).
const char *_Nonnull ccalibration_instructions(void);

/// Computes `rounds` rounds of independent float32 multiplications and additions in registers.
///
/// - Returns: How many operations were computed; a multiplication with its addition counts as two.
uint64_t ccalibration_float(uint64_t rounds);

/// Computes `rounds` rounds of independent products of 8-bit integers, summed into 32 bits, in registers.
uint64_t ccalibration_int8(uint64_t rounds);

/// a[i] = b[i] + 3 c[i] over `count` elements each.
///
/// Source: McCalpin, Memory bandwidth and machine balance in current high performance computers, 1995 (triad).
///
/// - Returns: Bytes that the program reads and writes; what caches fetch for writing is not counted, as STREAM does.
uint64_t ccalibration_triad(
    float *_Nonnull a, const float *_Nonnull b, const float *_Nonnull c, size_t count);
