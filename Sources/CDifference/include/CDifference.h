// Distances between two tensors in one pass, with the widest instructions that the processor has.
#pragma once

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// Sums and extremes over pairs of values.
typedef struct {
  double squared_difference, squared_candidate, squared_reference, product;
  double max_squared_difference, reference_minimum, reference_maximum;
} cdifference_sums;

/// Adds pairs of values, which need not be aligned, in runs of 128; products are summed in the values' own precision
/// within a run and in double precision beyond.
///
/// Stops before a run that this would not do justice to: one with NaN, an infinity, or squares beyond the precision.
/// Returns how many values were added.
size_t cdifference_add_floats(
    const void *candidate, const void *reference, size_t count, cdifference_sums *sums);
size_t cdifference_add_doubles(
    const void *candidate, const void *reference, size_t count, cdifference_sums *sums);

/// Writes `(value - zero_point) * scale` of each stored value, which need not be aligned.
void cdifference_load_int8(
    const void *values, size_t count, double scale, double zero_point, double *output);
void cdifference_load_uint8(
    const void *values, size_t count, double scale, double zero_point, double *output);
void cdifference_load_int16(
    const void *values, size_t count, double scale, double zero_point, double *output);
void cdifference_load_float(
    const void *values, size_t count, double scale, double zero_point, double *output);

#pragma clang assume_nonnull end
