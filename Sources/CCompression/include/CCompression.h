// Frames of lz4 and zstd, compressed in one call and decompressed step by step, so that no size that a
// frame states is ever believed.
#pragma once

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

enum { CCOMPRESSION_LZ4 = 0, CCOMPRESSION_ZSTD = 1 };

/// The most bytes that compressing `byteCount` bytes gives.
size_t ccompression_bound(int format, size_t byteCount);
/// Compresses into `target`; returns the bytes written, or -1 with the library's words in `*error`.
int64_t ccompression_compress(
    int format, int level, const void *_Nullable source, size_t byteCount, void *target,
    size_t capacity, const char *_Nullable *_Nonnull error);

typedef struct ccompression_stream ccompression_stream;
/// A decompressor; NULL where there is no memory for one.
ccompression_stream *_Nullable ccompression_open(int format);
void ccompression_close(ccompression_stream *stream);
/// Decompresses what fits.
///
/// Sets the bytes taken and given; returns 1 where a frame has ended, 0 where more bytes or more room are
/// needed, or -1 with the library's words in `*error`.
int ccompression_step(
    ccompression_stream *stream, const void *_Nullable source, size_t byteCount, size_t *taken,
    void *target, size_t capacity, size_t *given, const char *_Nullable *_Nonnull error);

#pragma clang assume_nonnull end
