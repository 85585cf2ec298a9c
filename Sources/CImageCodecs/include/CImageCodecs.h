#ifndef CIMAGECODECS_H
#define CIMAGECODECS_H

#include <stddef.h>
#include <stdint.h>

// JPEG through libjpeg-turbo's TurboJPEG API, PNG through libpng's classic API.
// libpng reports errors with longjmp, which Swift code must never see: every call here catches it.
// All functions return a status and, where it is not CODECS_OK, the library's own words in `failure`.

enum {
  CODECS_OK = 0,
  /// The picture was decoded, but the library warned; the words are in `failure`.
  CODECS_WARNING = 1,
  CODECS_ERROR = 2,
};

enum { CODECS_MESSAGE_CAPACITY = 256 };

typedef struct {
  /// The library's own words, UTF-8, terminated by zero.
  char message[CODECS_MESSAGE_CAPACITY];
  /// How many bytes of the input the library had consumed; 0 where it does not say.
  size_t offset;
} codecs_failure;

typedef struct {
  int32_t width;
  int32_t height;
  /// Whether the decoder gives four bytes a pixel (cyan, magenta, yellow, black) instead of three.
  int32_t is_cmyk;
} codecs_jpeg_header;

int32_t codecs_read_jpeg_header(const uint8_t *data, size_t byte_count, codecs_jpeg_header *header,
                                codecs_failure *failure);

/// How many scans a JPEG holds. Each is a pass over all pixels, and of a progressive file a few bytes are one.
size_t codecs_count_jpeg_scans(const uint8_t *data, size_t byte_count);

/// Decodes into `pixels`: width x height x (is_cmyk ? 4 : 3) bytes, as the header gave them.
int32_t codecs_decode_jpeg(const uint8_t *data, size_t byte_count, const codecs_jpeg_header *header,
                           int32_t fast_dct, int32_t plain_upsampling, uint8_t *pixels,
                           codecs_failure *failure);

/// Decodes into `pixels`: width x height x channels bytes, 3 (RGB, transparency is dropped) or 4 (RGBA).
/// The caller has read width and height from the IHDR chunk; a file whose header disagrees is refused.
int32_t codecs_decode_png(const uint8_t *data, size_t byte_count, int32_t width, int32_t height,
                          int32_t channels, uint8_t *pixels, codecs_failure *failure);

/// Encodes 8-bit pixels of 1 (grey) or 3 (RGB) channels. `*encoded` is the caller's to free with
/// codecs_free.
int32_t codecs_encode_png(const uint8_t *pixels, int32_t width, int32_t height, int32_t channels,
                          uint8_t **encoded, size_t *encoded_byte_count, codecs_failure *failure);

void codecs_free(uint8_t *encoded);

#endif
