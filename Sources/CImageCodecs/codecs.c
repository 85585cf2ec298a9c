#include "CImageCodecs.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

static void say(codecs_failure *failure, const char *message, size_t offset) {
  strncpy(failure->message, message, CODECS_MESSAGE_CAPACITY - 1);
  failure->message[CODECS_MESSAGE_CAPACITY - 1] = 0;
  failure->offset = offset;
}

// MARK: JPEG

int32_t codecs_read_jpeg_header(const uint8_t *data, size_t byte_count, codecs_jpeg_header *header,
                                codecs_failure *failure) {
  tjhandle decoder = tjInitDecompress();
  if (!decoder) {
    say(failure, tjGetErrorStr2(NULL), 0);
    return CODECS_ERROR;
  }
  int width = 0, height = 0, subsampling = 0, colorspace = 0;
  int32_t status = CODECS_OK;
  if (tjDecompressHeader3(decoder, data, (unsigned long)byte_count, &width, &height, &subsampling,
                          &colorspace) != 0 &&
      tjGetErrorCode(decoder) != TJERR_WARNING) {
    say(failure, tjGetErrorStr2(decoder), 0);
    status = CODECS_ERROR;
  } else if (width <= 0 || height <= 0) {
    // To the library, a file that ends before its size is told is one of tables alone.
    say(failure, "it ends before the picture's size", 0);
    status = CODECS_ERROR;
  }
  header->width = width;
  header->height = height;
  header->is_cmyk = colorspace == TJCS_CMYK || colorspace == TJCS_YCCK;
  tjDestroy(decoder);
  return status;
}

size_t codecs_count_jpeg_scans(const uint8_t *data, size_t byte_count) {
  size_t scans = 0;
  size_t at = 2;
  while (at < byte_count) {
    const uint8_t *mark = memchr(data + at, 0xFF, byte_count - at);
    if (!mark) break;
    at = (size_t)(mark - data) + 1;
    while (at < byte_count && data[at] == 0xFF) at++;
    if (at >= byte_count) break;
    const uint8_t marker = data[at++];
    // An escaped 0xFF among the pixels, and markers without a length: TEM, RST0 to RST7, SOI.
    if (marker <= 0x01 || (marker >= 0xD0 && marker <= 0xD8)) continue;
    if (marker == 0xD9 || byte_count - at < 2) break;
    const size_t length = (size_t)data[at] << 8 | data[at + 1];
    if (marker == 0xDA) scans++;
    if (length > byte_count - at) break;
    at += length;
  }
  return scans;
}

int32_t codecs_decode_jpeg(const uint8_t *data, size_t byte_count, const codecs_jpeg_header *header,
                           int32_t fast_dct, int32_t plain_upsampling, uint8_t *pixels,
                           codecs_failure *failure) {
  tjhandle decoder = tjInitDecompress();
  if (!decoder) {
    say(failure, tjGetErrorStr2(NULL), 0);
    return CODECS_ERROR;
  }
  // The caller has limited the scans already, in a way that knows the picture's size.
  int flags = TJFLAG_LIMITSCANS | (fast_dct ? TJFLAG_FASTDCT : TJFLAG_ACCURATEDCT);
  if (plain_upsampling) flags |= TJFLAG_FASTUPSAMPLE;
  int32_t status = CODECS_OK;
  if (tjDecompress2(decoder, data, (unsigned long)byte_count, pixels, header->width, 0,
                    header->height, header->is_cmyk ? TJPF_CMYK : TJPF_RGB, flags) != 0) {
    say(failure, tjGetErrorStr2(decoder), 0);
    status = tjGetErrorCode(decoder) == TJERR_WARNING ? CODECS_WARNING : CODECS_ERROR;
  }
  tjDestroy(decoder);
  return status;
}

// MARK: PNG

typedef struct {
  const uint8_t *data;
  size_t byte_count;
  size_t offset;
} source;

typedef struct {
  uint8_t *data;
  size_t byte_count;
  size_t capacity;
} sink;

static void on_error(png_structp png, png_const_charp message) {
  say(png_get_error_ptr(png), message, 0);
  png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static void read_bytes(png_structp png, png_bytep out, size_t count) {
  source *from = png_get_io_ptr(png);
  if (count > from->byte_count - from->offset) png_error(png, "the file ends too early");
  memcpy(out, from->data + from->offset, count);
  from->offset += count;
}

static void write_bytes(png_structp png, png_bytep in, size_t count) {
  sink *to = png_get_io_ptr(png);
  if (count > to->capacity - to->byte_count) {
    size_t capacity = to->capacity ? to->capacity : 4096;
    while (capacity - to->byte_count < count) capacity *= 2;
    uint8_t *larger = realloc(to->data, capacity);
    if (!larger) png_error(png, "out of memory");
    to->data = larger;
    to->capacity = capacity;
  }
  memcpy(to->data + to->byte_count, in, count);
  to->byte_count += count;
}

static void flush_bytes(png_structp png) { (void)png; }

int32_t codecs_decode_png(const uint8_t *data, size_t byte_count, int32_t width, int32_t height,
                          int32_t channels, uint8_t *pixels, codecs_failure *failure) {
  source from = {data, byte_count, 0};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, failure, on_error, on_warning);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info) {
    png_destroy_read_struct(&png, NULL, NULL);
    say(failure, "libpng could not start", 0);
    return CODECS_ERROR;
  }
  // Changed between setjmp and longjmp, so volatile.
  uint8_t *volatile wide_row = NULL;
  if (setjmp(png_jmpbuf(png))) {
    failure->offset = from.offset;
    free(wide_row);
    png_destroy_read_struct(&png, &info, NULL);
    return CODECS_ERROR;
  }
  png_set_read_fn(png, &from, read_bytes);
  // A hostile file has a thousand profiles and texts, each unpacking to megabytes that libpng would keep.
  // None is ever used: all chunks but those that make pixels (and tRNS) are skipped unseen.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  png_set_chunk_malloc_max(png, 8 << 20);
  png_set_user_limits(png, (png_uint_32)width, (png_uint_32)height);
  png_read_info(png, info);
  if (png_get_image_width(png, info) != (png_uint_32)width ||
      png_get_image_height(png, info) != (png_uint_32)height)
    png_error(png, "the header was read twice with different answers");
  const int depth = png_get_bit_depth(png, info);
  const int color = png_get_color_type(png, info);
  // Pillow keeps 16-bit grey and cuts it at 255 on conversion to RGB; of 16-bit colour (and of grey
  // with alpha) it takes the high byte.
  const int clips = depth == 16 && color == PNG_COLOR_TYPE_GRAY;
  if (depth == 16 && !clips) png_set_strip_16(png);
  if (color == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
  if (color == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(png);
  // A palette with transparency unpacks to four channels.
  const int has_list = png_get_valid(png, info, PNG_INFO_tRNS) != 0;
  if (channels == 4 && !clips) {
    if (has_list) png_set_tRNS_to_alpha(png);
    else if (!(color & PNG_COLOR_MASK_ALPHA)) png_set_add_alpha(png, 0xFF, PNG_FILLER_AFTER);
  } else if (color & PNG_COLOR_MASK_ALPHA || has_list) {
    png_set_strip_alpha(png);
  }
  if (!(color & PNG_COLOR_MASK_COLOR) && !clips) png_set_gray_to_rgb(png);
  const int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  const size_t row_byte_count = png_get_rowbytes(png, info);
  if (row_byte_count != (size_t)width * (clips ? 2 : (size_t)channels))
    png_error(png, "a row has an unexpected size");
  if (clips) {
    // Interlaced pictures are filled in several passes, so all rows are kept.
    const size_t row_count = passes == 1 ? 1 : (size_t)height;
    wide_row = calloc(row_count, row_byte_count);
    if (!wide_row) png_error(png, "out of memory");
    for (int pass = 0; pass < passes; pass++)
      for (size_t y = 0; y < (size_t)height; y++) {
        const uint8_t *row = wide_row + (row_count == 1 ? 0 : y * row_byte_count);
        png_read_row(png, (png_bytep)row, NULL);
        if (pass + 1 < passes) continue;
        uint8_t *out = pixels + y * (size_t)width * (size_t)channels;
        for (size_t x = 0; x < (size_t)width; x++, out += channels) {
          out[0] = out[1] = out[2] = row[2 * x] ? 255 : row[2 * x + 1];
          if (channels == 4) out[3] = 255;
        }
      }
  } else {
    for (int pass = 0; pass < passes; pass++)
      for (size_t y = 0; y < (size_t)height; y++)
        png_read_row(png, pixels + y * row_byte_count, NULL);
  }
  png_read_end(png, NULL);
  free(wide_row);
  png_destroy_read_struct(&png, &info, NULL);
  return CODECS_OK;
}

int32_t codecs_encode_png(const uint8_t *pixels, int32_t width, int32_t height, int32_t channels,
                          uint8_t **encoded, size_t *encoded_byte_count, codecs_failure *failure) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, failure, on_error, on_warning);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info) {
    png_destroy_write_struct(&png, NULL);
    say(failure, "libpng could not start", 0);
    return CODECS_ERROR;
  }
  sink to = {NULL, 0, 0};
  if (setjmp(png_jmpbuf(png))) {
    free(to.data);
    png_destroy_write_struct(&png, &info);
    return CODECS_ERROR;
  }
  png_set_write_fn(png, &to, write_bytes, flush_bytes);
  png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, 8,
               channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (size_t y = 0; y < (size_t)height; y++)
    png_write_row(png, pixels + y * (size_t)width * (size_t)channels);
  png_write_end(png, NULL);
  png_destroy_write_struct(&png, &info);
  *encoded = to.data;
  *encoded_byte_count = to.byte_count;
  return CODECS_OK;
}

void codecs_free(uint8_t *encoded) { free(encoded); }
