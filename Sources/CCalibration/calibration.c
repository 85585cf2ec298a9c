#include "CCalibration.h"

// Twelve independent sums hide the latency of any of these instructions and fit into sixteen registers. The results go to a volatile, so that
// no compiler leaves the work out.
static volatile float float_sink;
static volatile int32_t int_sink;

#define SUMS 12
#define EACH(index) for (int index = 0; index < SUMS; index++)

// One kernel: VECTOR is the type of a sum, ZERO its start, STEP one instruction (or a few) that adds to it.
#define KERNEL(name, attributes, VECTOR, ZERO, SETUP, STEP, SINK)                          \
  attributes static void name(uint64_t rounds) {                                          \
    SETUP;                                                                                \
    VECTOR sums[SUMS];                                                                    \
    EACH(i) sums[i] = ZERO;                                                               \
    for (uint64_t round = 0; round < rounds; round++) {                                   \
      _Pragma("clang loop unroll(full)") EACH(i) { sums[i] = STEP; }                      \
      _Pragma("clang loop unroll(full)") EACH(i) { __asm__ volatile("" : KEEP(sums[i])); } \
    }                                                                                     \
    VECTOR *result = sums;                                                                \
    SINK;                                                                                 \
  }

#if defined(__x86_64__)

#include <immintrin.h>
#define KEEP(value) "+x"(value)
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vnni")))
#define AVX2 __attribute__((target("avx2,fma")))

KERNEL(float_sse, , __m128, _mm_set1_ps(1e-9f), __m128 f = _mm_set1_ps(0.999f),
       _mm_add_ps(_mm_mul_ps(sums[i], f), f), float_sink = _mm_cvtss_f32(result[0]))
KERNEL(int8_sse, , __m128i, _mm_setzero_si128(),
       __m128i f = _mm_set1_epi16(3); __asm__ volatile("" : "+x"(f)),
       _mm_add_epi32(sums[i], _mm_madd_epi16(_mm_xor_si128(f, sums[i]), f)),
       int_sink = _mm_cvtsi128_si32(result[0]))
#undef KEEP
#define KEEP(value) "+x"(value)
KERNEL(float_avx2, AVX2, __m256, _mm256_set1_ps(1e-9f), __m256 f = _mm256_set1_ps(0.999f),
       _mm256_fmadd_ps(sums[i], f, f), float_sink = _mm256_cvtss_f32(result[0]))
KERNEL(int8_avx2, AVX2, __m256i, _mm256_setzero_si256(),
       __m256i f = _mm256_set1_epi8(3); __m256i one = _mm256_set1_epi16(1);
       __asm__ volatile("" : "+x"(f), "+x"(one)),
       _mm256_add_epi32(
           sums[i], _mm256_madd_epi16(_mm256_maddubs_epi16(sums[i], f), one)),
       int_sink = _mm_cvtsi128_si32(_mm256_castsi256_si128(result[0])))
#undef KEEP
#define KEEP(value) "+v"(value)
KERNEL(float_avx512, AVX512, __m512, _mm512_set1_ps(1e-9f), __m512 f = _mm512_set1_ps(0.999f),
       _mm512_fmadd_ps(sums[i], f, f), float_sink = _mm512_cvtss_f32(result[0]))
KERNEL(int8_avx512, AVX512, __m512i, _mm512_setzero_si512(),
       __m512i f = _mm512_set1_epi8(3); __asm__ volatile("" : "+v"(f)),
       _mm512_dpbusd_epi32(sums[i], f, f),
       int_sink = _mm_cvtsi128_si32(_mm512_castsi512_si128(result[0])))

typedef enum { SSE, AVX2_FMA, AVX512_VNNI } Level;

static Level level(void) {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vnni"))
    return AVX512_VNNI;
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? AVX2_FMA : SSE;
}

const char *ccalibration_instructions(void) {
  switch (level()) {
  case AVX512_VNNI: return "AVX-512 and VNNI";
  case AVX2_FMA: return "AVX2 and FMA";
  default: return "SSE2";
  }
}

uint64_t ccalibration_float(uint64_t rounds) {
  switch (level()) {
  case AVX512_VNNI: float_avx512(rounds); return rounds * SUMS * 16 * 2;
  case AVX2_FMA: float_avx2(rounds); return rounds * SUMS * 8 * 2;
  default: float_sse(rounds); return rounds * SUMS * 4 * 2;
  }
}

uint64_t ccalibration_int8(uint64_t rounds) {
  switch (level()) {
  case AVX512_VNNI: int8_avx512(rounds); return rounds * SUMS * 64 * 2;
  case AVX2_FMA: int8_avx2(rounds); return rounds * SUMS * 32 * 2;
  default: int8_sse(rounds); return rounds * SUMS * 8 * 2;
  }
}

#elif defined(__aarch64__)

#include <arm_neon.h>
#define KEEP(value) "+w"(value)

KERNEL(float_neon, , float32x4_t, vdupq_n_f32(1e-9f), float32x4_t f = vdupq_n_f32(0.999f),
       vfmaq_f32(sums[i], sums[i], f), float_sink = vgetq_lane_f32(result[0], 0))

#if defined(__ARM_FEATURE_DOTPROD)
KERNEL(int8_neon, , int32x4_t, vdupq_n_s32(0),
       int8x16_t f = vdupq_n_s8(3); __asm__ volatile("" : "+w"(f)),
       vdotq_s32(sums[i], f, f), int_sink = vgetq_lane_s32(result[0], 0))
#define INT8_LANES 16
const char *ccalibration_instructions(void) { return "NEON and dot products"; }
#else
KERNEL(int8_neon, , int32x4_t, vdupq_n_s32(0),
       int8x8_t f = vdup_n_s8(3); __asm__ volatile("" : "+w"(f)),
       vpadalq_s16(sums[i], vmull_s8(f, vreinterpret_s8_s32(vget_low_s32(sums[i])))),
       int_sink = vgetq_lane_s32(result[0], 0))
#define INT8_LANES 8
const char *ccalibration_instructions(void) { return "NEON"; }
#endif

uint64_t ccalibration_float(uint64_t rounds) {
  float_neon(rounds);
  return rounds * SUMS * 4 * 2;
}

uint64_t ccalibration_int8(uint64_t rounds) {
  int8_neon(rounds);
  return rounds * SUMS * INT8_LANES * 2;
}

#else

#define KEEP(value) "+r"(value)
KERNEL(float_plain, , float, 1e-9f, float f = 0.999f, sums[i] * f + f, float_sink = result[0])
KERNEL(int8_plain, , int32_t, 0, int32_t f = 3, sums[i] + f * (int8_t)sums[i], int_sink = result[0])

const char *ccalibration_instructions(void) { return "scalar"; }

uint64_t ccalibration_float(uint64_t rounds) {
  float_plain(rounds);
  return rounds * SUMS * 2;
}

uint64_t ccalibration_int8(uint64_t rounds) {
  int8_plain(rounds);
  return rounds * SUMS * 2;
}

#endif

uint64_t ccalibration_triad(float *a, const float *b, const float *c, size_t count) {
  for (size_t i = 0; i < count; i++) a[i] = b[i] + 3 * c[i];
  return (uint64_t)count * sizeof(float) * 3;
}
