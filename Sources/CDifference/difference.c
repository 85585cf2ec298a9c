#include "CDifference.h"

#include <math.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

#define RUN 128
#define LANES 8

typedef float float_lanes __attribute__((ext_vector_type(LANES)));
typedef double double_lanes __attribute__((ext_vector_type(LANES)));

// A sum of squares below which single precision has lost digits of its terms.
#define FLOAT_TINY 1e-28
#define DOUBLE_TINY 0

// Every function is compiled twice on x86: for the instructions that all processors have, and for those of most.
#define SAME static inline __attribute__((always_inline))
#if defined(__x86_64__)
#define WIDE __attribute__((target("avx2")))
static int is_wide(void) { return __builtin_cpu_supports("avx2"); }
#else
#define WIDE
static int is_wide(void) { return 0; }
#endif

// NaN compares false, so these keep what they have; a run with NaN is not taken anyway.
#define SMALLER(next, kept) ((next) < (kept) ? (next) : (kept))
#define LARGER(next, kept) ((next) > (kept) ? (next) : (kept))

// Whether a sum of squares of a run is good: not NaN, not infinite, and 0 only where every term is.
SAME int is_good(double sum, double tiny) { return sum < INFINITY && (sum == 0 || sum >= tiny); }

#define DEFINE_ADD(TYPE, TINY)                                                                     \
  SAME double sum_##TYPE(const TYPE##_lanes *lanes) {                                              \
    double sum = 0;                                                                                \
    for (int lane = 0; lane < LANES; lane++) sum += (double)(*lanes)[lane];                        \
    return sum;                                                                                    \
  }                                                                                                \
                                                                                                   \
  SAME size_t add_##TYPE(                                                                          \
      const TYPE *candidate, const TYPE *reference, size_t count, cdifference_sums *sums) {        \
    cdifference_sums total = *sums;                                                                \
    TYPE##_lanes peak = (TYPE)0, low = (TYPE)INFINITY, high = (TYPE)-INFINITY;                     \
    size_t done = 0;                                                                               \
    for (; count - done >= RUN; done += RUN) {                                                     \
      TYPE##_lanes dd = (TYPE)0, cc = (TYPE)0, rr = (TYPE)0, cr = (TYPE)0;                         \
      TYPE##_lanes run_peak = peak, run_low = low, run_high = high;                                \
      for (size_t place = done; place < done + RUN; place += LANES) {                              \
        TYPE##_lanes c, r;                                                                         \
        memcpy(&c, (const char *)candidate + place * sizeof(TYPE), sizeof c);                      \
        memcpy(&r, (const char *)reference + place * sizeof(TYPE), sizeof r);                      \
        TYPE##_lanes difference = c - r;                                                           \
        TYPE##_lanes square = difference * difference;                                             \
        dd += square;                                                                              \
        cc += c * c;                                                                               \
        rr += r * r;                                                                               \
        cr += c * r;                                                                               \
        run_peak = LARGER(square, run_peak);                                                       \
        run_low = SMALLER(r, run_low);                                                             \
        run_high = LARGER(r, run_high);                                                            \
      }                                                                                            \
      double run_dd = sum_##TYPE(&dd), run_cc = sum_##TYPE(&cc), run_rr = sum_##TYPE(&rr);         \
      if (!is_good(run_dd, TINY) || !is_good(run_cc, TINY) || !is_good(run_rr, TINY)) break;       \
      /* Differences too small to be squared sum to 0 as well. */                                  \
      if (run_dd == 0 &&                                                                           \
          memcmp((const char *)candidate + done * sizeof(TYPE),                                    \
              (const char *)reference + done * sizeof(TYPE), RUN * sizeof(TYPE)) != 0)             \
        break;                                                                                     \
      peak = run_peak, low = run_low, high = run_high;                                             \
      total.squared_difference += run_dd;                                                          \
      total.squared_candidate += run_cc;                                                           \
      total.squared_reference += run_rr;                                                           \
      total.product += sum_##TYPE(&cr);                                                            \
    }                                                                                              \
    for (int lane = 0; lane < LANES; lane++) {                                                     \
      total.max_squared_difference = LARGER(peak[lane], total.max_squared_difference);             \
      total.reference_minimum = SMALLER(low[lane], total.reference_minimum);                       \
      total.reference_maximum = LARGER(high[lane], total.reference_maximum);                       \
    }                                                                                              \
    *sums = total;                                                                                 \
    return done;                                                                                   \
  }                                                                                                \
                                                                                                   \
  WIDE static size_t wide_add_##TYPE(                                                              \
      const TYPE *candidate, const TYPE *reference, size_t count, cdifference_sums *sums) {        \
    return add_##TYPE(candidate, reference, count, sums);                                          \
  }                                                                                                \
                                                                                                   \
  size_t cdifference_add_##TYPE##s(                                                                \
      const void *candidate, const void *reference, size_t count, cdifference_sums *sums) {        \
    return is_wide() ? wide_add_##TYPE(candidate, reference, count, sums)                          \
                     : add_##TYPE(candidate, reference, count, sums);                              \
  }

DEFINE_ADD(float, FLOAT_TINY)
DEFINE_ADD(double, DOUBLE_TINY)

#define DEFINE_LOAD(NAME, TYPE)                                                                    \
  SAME void load_##NAME(                                                                           \
      const char *values, size_t count, double scale, double zero_point, double *output) {         \
    for (size_t index = 0; index < count; index++) {                                               \
      TYPE value;                                                                                  \
      memcpy(&value, values + index * sizeof value, sizeof value);                                 \
      output[index] = ((double)value - zero_point) * scale;                                        \
    }                                                                                              \
  }                                                                                                \
                                                                                                   \
  WIDE static void wide_load_##NAME(                                                               \
      const char *values, size_t count, double scale, double zero_point, double *output) {         \
    load_##NAME(values, count, scale, zero_point, output);                                         \
  }                                                                                                \
                                                                                                   \
  void cdifference_load_##NAME(                                                                    \
      const void *values, size_t count, double scale, double zero_point, double *output) {         \
    if (is_wide())                                                                                 \
      wide_load_##NAME(values, count, scale, zero_point, output);                                  \
    else                                                                                           \
      load_##NAME(values, count, scale, zero_point, output);                                       \
  }

DEFINE_LOAD(int8, int8_t)
DEFINE_LOAD(uint8, uint8_t)
DEFINE_LOAD(int16, int16_t)
DEFINE_LOAD(float, float)
