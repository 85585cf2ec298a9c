#include "CCompression.h"

#include <lz4frame.h>
#include <stdlib.h>
#include <zstd.h>

size_t ccompression_bound(int format, size_t byteCount) {
  if (format != CCOMPRESSION_LZ4) return ZSTD_compressBound(byteCount);
  LZ4F_preferences_t preferences = {0};
  preferences.frameInfo.blockSizeID = LZ4F_max256KB;
  return LZ4F_compressFrameBound(byteCount, &preferences);
}

int64_t ccompression_compress(
    int format, int level, const void *source, size_t byteCount, void *target, size_t capacity,
    const char **error) {
  if (format == CCOMPRESSION_LZ4) {
    LZ4F_preferences_t preferences = {0};
    preferences.compressionLevel = level;
    preferences.frameInfo.contentSize = byteCount;
    // Large independent blocks are decompressed straight to where they belong.
    preferences.frameInfo.blockSizeID = LZ4F_max256KB;
    preferences.frameInfo.blockMode = LZ4F_blockIndependent;
    size_t count = LZ4F_compressFrame(target, capacity, source, byteCount, &preferences);
    if (!LZ4F_isError(count)) return (int64_t)count;
    *error = LZ4F_getErrorName(count);
  } else {
    size_t count = ZSTD_compress(target, capacity, source, byteCount, level);
    if (!ZSTD_isError(count)) return (int64_t)count;
    *error = ZSTD_getErrorName(count);
  }
  return -1;
}

struct ccompression_stream {
  LZ4F_dctx *lz4;
  ZSTD_DStream *zstd;
};

ccompression_stream *ccompression_open(int format) {
  ccompression_stream *stream = calloc(1, sizeof *stream);
  if (!stream) return NULL;
  if (format == CCOMPRESSION_LZ4) {
    if (LZ4F_isError(LZ4F_createDecompressionContext(&stream->lz4, LZ4F_VERSION))) stream->lz4 = NULL;
  } else {
    stream->zstd = ZSTD_createDStream();
  }
  if (stream->lz4 || stream->zstd) return stream;
  free(stream);
  return NULL;
}

void ccompression_close(ccompression_stream *stream) {
  if (stream->lz4) LZ4F_freeDecompressionContext(stream->lz4);
  if (stream->zstd) ZSTD_freeDStream(stream->zstd);
  free(stream);
}

int ccompression_step(
    ccompression_stream *stream, const void *source, size_t byteCount, size_t *taken, void *target,
    size_t capacity, size_t *given, const char **error) {
  if (stream->lz4) {
    *taken = byteCount;
    *given = capacity;
    size_t left = LZ4F_decompress(stream->lz4, target, given, source, taken, NULL);
    if (!LZ4F_isError(left)) return left == 0;
    *error = LZ4F_getErrorName(left);
  } else {
    ZSTD_inBuffer input = {source, byteCount, 0};
    ZSTD_outBuffer output = {target, capacity, 0};
    size_t left = ZSTD_decompressStream(stream->zstd, &output, &input);
    *taken = input.pos;
    *given = output.pos;
    if (!ZSTD_isError(left)) return left == 0;
    *error = ZSTD_getErrorName(left);
  }
  return -1;
}
