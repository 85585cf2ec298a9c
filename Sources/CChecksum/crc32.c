#include "CChecksum.h"

#if defined(__x86_64__)

#include <immintrin.h>

int cchecksum_is_fast(void) {
  return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}

#define CARRYLESS __attribute__((target("pclmul,sse4.1")))

// The 128 bits of `value`, moved on by the distance that `constants` stand for.
CARRYLESS static inline __m128i moved(__m128i value, __m128i constants) {
  return _mm_xor_si128(
      _mm_clmulepi64_si128(value, constants, 0x00), _mm_clmulepi64_si128(value, constants, 0x11));
}

CARRYLESS static inline __m128i at(const __m128i *place) { return _mm_loadu_si128(place); }

#define WIDE __attribute__((target("vpclmulqdq,avx2,pclmul,sse4.1")))

static int is_wide(void) {
  return __builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("avx2");
}

WIDE static inline __m256i wide_moved(__m256i value, __m256i constants) {
  return _mm256_xor_si256(
      _mm256_clmulepi64_epi128(value, constants, 0x00),
      _mm256_clmulepi64_epi128(value, constants, 0x11));
}

// Folds 256 bytes at a time into eight remainders of 256 bits; `remainders` gets them as sixteen of 128 bits.
// Takes whole times 256 bytes, at least one; the constants are those for 2048 + 64 and 2048 bits.
WIDE static void fold_wide(
    uint32_t remainder, const uint8_t *bytes, size_t byteCount, __m128i *remainders) {
  const __m256i far = _mm256_set_epi64x(0x1322d1430, 0x11542778a, 0x1322d1430, 0x11542778a);
  __m256i sums[8];
  for (int lane = 0; lane < 8; lane++)
    sums[lane] = _mm256_loadu_si256((const __m256i *)bytes + lane);
  sums[0] = _mm256_xor_si256(sums[0], _mm256_set_epi32(0, 0, 0, 0, 0, 0, 0, (int)remainder));
  for (bytes += 256, byteCount -= 256; byteCount >= 256; bytes += 256, byteCount -= 256) {
    // Hardware alone does not fetch far enough ahead for this loop; past the end nothing is fetched.
    for (int line = 0; line < 4; line++)
      _mm_prefetch((const char *)bytes + 2048 + 64 * line, _MM_HINT_T0);
#pragma clang loop unroll(full)
    for (int lane = 0; lane < 8; lane++)
      sums[lane] = _mm256_xor_si256(
          wide_moved(sums[lane], far), _mm256_loadu_si256((const __m256i *)bytes + lane));
  }
  for (int lane = 0; lane < 8; lane++)
    _mm256_storeu_si256((__m256i *)remainders + lane, sums[lane]);
}

// Folds 64 bytes at a time into four remainders of 128 bits, and these into one; moves on past them.
CARRYLESS static __m128i folded_by_four(
    uint32_t remainder, const __m128i **place, size_t *bytesLeft) {
  const __m128i far = _mm_set_epi64x(0x1c6e41596, 0x154442bd4);
  const __m128i near = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
  const __m128i *next = *place;
  size_t byteCount = *bytesLeft;
  __m128i first = _mm_xor_si128(at(next), _mm_cvtsi32_si128((int)remainder));
  __m128i second = at(next + 1), third = at(next + 2), fourth = at(next + 3);
  for (next += 4, byteCount -= 64; byteCount >= 64; next += 4, byteCount -= 64) {
    first = _mm_xor_si128(moved(first, far), at(next));
    second = _mm_xor_si128(moved(second, far), at(next + 1));
    third = _mm_xor_si128(moved(third, far), at(next + 2));
    fourth = _mm_xor_si128(moved(fourth, far), at(next + 3));
  }
  __m128i one = _mm_xor_si128(moved(first, near), second);
  one = _mm_xor_si128(moved(one, near), third);
  one = _mm_xor_si128(moved(one, near), fourth);
  *place = next;
  *bytesLeft = byteCount;
  return one;
}

// Folds all bytes into one remainder of 128 bits, and that into 32 bits by
// Barrett's reduction. Source: Gopal et al., Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
// Instruction, Intel, 2009; the constants are powers of x modulo the reflected polynomial, for 512 + 64,
// 512, 128 + 64, 128 and 64 bits.
CARRYLESS uint32_t cchecksum_crc32(uint32_t remainder, const void *bytes, size_t byteCount) {
  const __m128i near = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
  const __m128i last = _mm_set_epi64x(0, 0x163cd6124);
  const __m128i barrett = _mm_set_epi64x(0x1f7011641, 0x1db710641);
  const __m128i low = _mm_setr_epi32(-1, 0, -1, 0);

  const __m128i *next = bytes;
  __m128i one;
  if (byteCount >= 1024 && is_wide()) {
    __m128i remainders[16];
    size_t folded = byteCount / 256 * 256;
    fold_wide(remainder, bytes, folded, remainders);
    one = remainders[0];
    for (int index = 1; index < 16; index++) one = _mm_xor_si128(moved(one, near), remainders[index]);
    next += folded / 16;
    byteCount -= folded;
  } else {
    one = folded_by_four(remainder, &next, &byteCount);
  }
  for (; byteCount >= 16; next++, byteCount -= 16) one = _mm_xor_si128(moved(one, near), at(next));

  one = _mm_xor_si128(_mm_srli_si128(one, 8), _mm_clmulepi64_si128(one, near, 0x10));
  one = _mm_xor_si128(
      _mm_srli_si128(one, 4), _mm_clmulepi64_si128(_mm_and_si128(one, low), last, 0x00));
  __m128i quotient = _mm_clmulepi64_si128(_mm_and_si128(one, low), barrett, 0x10);
  quotient = _mm_clmulepi64_si128(_mm_and_si128(quotient, low), barrett, 0x00);
  return (uint32_t)_mm_extract_epi32(_mm_xor_si128(one, quotient), 1);
}

#elif defined(__aarch64__) && (defined(__APPLE__) || defined(__linux__))

#include <arm_acle.h>

#ifdef __linux__
#include <sys/auxv.h>
int cchecksum_is_fast(void) { return (getauxval(AT_HWCAP) & (1 << 7)) != 0; } // HWCAP_CRC32
#else
int cchecksum_is_fast(void) { return 1; }
#endif

__attribute__((target("crc"))) uint32_t cchecksum_crc32(
    uint32_t remainder, const void *bytes, size_t byteCount) {
  for (const char *next = bytes; byteCount >= 8; next += 8, byteCount -= 8) {
    uint64_t word;
    __builtin_memcpy(&word, next, 8);
    remainder = __crc32d(remainder, word);
  }
  return remainder;
}

#else

int cchecksum_is_fast(void) { return 0; }
uint32_t cchecksum_crc32(uint32_t remainder, const void *bytes, size_t byteCount) {
  (void)bytes, (void)byteCount;
  return remainder;
}

#endif
