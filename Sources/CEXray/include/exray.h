// EXray for C: records what a model is given and what it answers, on the device, into a trace (an MCAP file).
//
//   exray_monitor *monitor = exray_open("run.mcap", EXRAY_LEVEL_IO, NULL);
//   exray_frame frame = exray_begin_frame(monitor, "cat.jpg", NULL);
//   exray_log_values(
//       frame, EXRAY_ROLE_INPUT, 0, "image", EXRAY_FLOAT32, image, sizeof image, 4, (int64_t[]){1, 224, 224, 3});
//   exray_end_frame(frame);
//   exray_free(monitor);
//
// No call fails the app. A NULL monitor, or a frame or span made from one, is a disabled one: every call on it
// returns at once. What a call cannot do (an argument that makes no sense, a full disk, a full ring) is counted and
// reported by exray_close.
//
// Threads: all functions may be called from any thread at any time, but exray_free, which must be the last call.
// Ownership: nothing that is passed in is kept; texts, shapes and values are copied before a call returns, and may
// be reused or freed at once. What the library returns as a pointer belongs to the monitor.
// Text is UTF-8 with a terminating zero; bytes that are not UTF-8 become U+FFFD. NULL stands for an empty text.
// Times are in nanoseconds; moments count from 1970.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The version of this interface. It rises when functions or fields are added; nothing is ever removed or changed.
#define EXRAY_INTERFACE_VERSION 1

/// The version of the interface that the library has.
uint32_t exray_interface_version(void);

// MARK: Opening

/// A monitor: one trace that is being written.
typedef struct exray_monitor exray_monitor;

/// Which values a trace holds. Latencies, memory, spans, scalars, sensors and findings are in each.
typedef int32_t exray_level;
enum {
  EXRAY_LEVEL_NONE = 0,      ///< No tensors.
  EXRAY_LEVEL_OUTPUT = 1,    ///< The model's outputs, custom tensors, and boxes.
  EXRAY_LEVEL_IO = 2,        ///< Also the model's inputs, raw inputs and pictures.
  EXRAY_LEVEL_EMBEDDING = 3, ///< Also embeddings.
  EXRAY_LEVEL_LAYERS = 4,    ///< Also each layer.
  EXRAY_LEVEL_SKETCH = 5,    ///< A sketch of every tensor, and digests of raw inputs: no values leave the device.
};

/// What a call does when the ring between the app and the file is full.
typedef int32_t exray_when_full;
enum {
  EXRAY_WHEN_FULL_BLOCK = 0, ///< It waits for room.
  EXRAY_WHEN_FULL_DROP = 1,  ///< It drops the event, which is counted and noted in the trace as a gap.
};

/// What is kept of a frame's raw input.
typedef int32_t exray_raw_inputs;
enum {
  EXRAY_RAW_INPUTS_BYTES = 0,  ///< Its bytes.
  EXRAY_RAW_INPUTS_DIGEST = 1, ///< Its SHA-256 and its size; EXRAY_LEVEL_SKETCH keeps no more than that.
  EXRAY_RAW_INPUTS_NONE = 2,   ///< Nothing.
};

/// Where times come from.
typedef int32_t exray_clock;
enum {
  EXRAY_CLOCK_SYSTEM = 0, ///< The system.
  EXRAY_CLOCK_MANUAL = 1, ///< exray_advance alone; memory and processor time are not sampled. For tests.
};

/// How a trace is recorded. Set up by exray_options_init, then changed where wanted.
typedef struct exray_options {
  /// sizeof(exray_options), set by exray_options_init: tells the library which fields the app knows.
  size_t struct_size;
  /// Bytes of the ring between the app and the file; room is taken only as it is used. 64 MiB.
  uint64_t ring_byte_count;
  /// EXRAY_WHEN_FULL_BLOCK.
  exray_when_full when_full;
  /// Records one frame in so many; the first is recorded. 1.
  uint32_t every_nth;
  /// Bytes of the file from which on tensors, raw inputs and pictures are left out; 0 sets no limit.
  uint64_t byte_budget;
  /// Nanoseconds after which tensors, raw inputs and pictures are left out; 0 sets no limit.
  uint64_t duration_budget_nanoseconds;
  /// Nanoseconds inside of this library's calls after which further tensors, raw inputs and pictures of the same
  /// frame are left out; 0 sets no limit.
  uint64_t frame_time_budget_nanoseconds;
  /// The most nanoseconds until an event is in the file, where a process that dies leaves it readable. 250 ms.
  uint64_t flush_interval_nanoseconds;
  /// Seed of the sketches' random projections; sketches of the same seed can be compared. 0.
  uint64_t sketch_seed;
  /// Findings that each check writes into the trace; further ones are counted. 16.
  uint32_t finding_limit;
  /// EXRAY_RAW_INPUTS_BYTES.
  exray_raw_inputs raw_inputs;
  /// EXRAY_CLOCK_SYSTEM.
  exray_clock clock;
  /// The moment at which a manual clock starts. 0.
  uint64_t manual_clock_start_nanoseconds;
  /// Whether each frame notes the process's memory and processor time. True.
  bool samples_memory;
  /// The machine and its system; where NULL, what the system says, or nothing with a manual clock.
  const char *device;
  const char *operating_system;
  /// The program that records. "EXray".
  const char *tool;
} exray_options;

/// Sets the defaults above.
void exray_options_init(exray_options *options, size_t struct_size);
/// Sets the defaults above.
#define EXRAY_OPTIONS_INIT(options) exray_options_init((options), sizeof(exray_options))

/// Opens a monitor that writes a trace.
///
/// The file has a temporary name until exray_close. A file that cannot be created is a loss, reported there.
/// `options` may be NULL for the defaults. Returns NULL, the disabled monitor, only for a NULL path.
exray_monitor *exray_open(const char *path, exray_level level, const exray_options *options);

/// Counts a call that made no sense, with what was wrong in words: for bindings, which know more of the call than this
/// library does.
void exray_note_misuse(exray_monitor *monitor, const char *what);

/// Whether anything is being recorded: false for NULL and after exray_close.
bool exray_is_recording(const exray_monitor *monitor);

// MARK: The model

/// Which model runs, and how. Set up with { .struct_size = sizeof(exray_model) }; everything may stay zero.
typedef struct exray_model {
  /// sizeof(exray_model).
  size_t struct_size;
  /// The file's name.
  const char *name;
  /// SHA-256 of the file, as 64 hexadecimal digits.
  const char *sha256;
  /// Bytes of the file.
  uint64_t byte_count;
  /// The runtime, as `litert`, and its version.
  const char *runtime;
  const char *runtime_version;
  /// Which implementations compute, as `xnnpack`.
  const char *kernels;
  /// Threads of the runtime; 0 stands for 1.
  uint32_t threads;
  /// The JSON text of the recipe by which inputs are made.
  const char *recipe;
} exray_model;

/// Notes which model runs in the trace's run description; the last call counts.
void exray_describe_model(exray_monitor *monitor, const exray_model *model);

// MARK: Frames

/// One raw input and everything that happens to it. A plain value, to be copied freely.
///
/// A frame of zeros is disabled, as is one that sampling skips. What is logged to a frame that has ended is misuse.
typedef struct exray_frame {
  exray_monitor *monitor;
  uint64_t token;
} exray_frame;

/// Begins a frame. Frames may overlap; each is to be ended.
///
/// `name` is a file name or the name of a sample, `label` what the input is known to show; both may be NULL.
exray_frame exray_begin_frame(exray_monitor *monitor, const char *name, const char *label);
/// Ends a frame; with this it counts.
void exray_end_frame(exray_frame frame);
/// Stands for no frame: takes the tensors and scalars that belong to the run, and spans, which become the scalar
/// `NAME.durationNanoseconds`. Anything else is misuse.
exray_frame exray_outside_frames(exray_monitor *monitor);

/// Marks that the model's inputs are made from now on, up to exray_end_preprocess; may be repeated, times add up.
void exray_begin_preprocess(exray_frame frame);
void exray_end_preprocess(exray_frame frame);
/// Marks that the model runs from now on, up to exray_end_inference; may be repeated, times add up.
void exray_begin_inference(exray_frame frame);
void exray_end_inference(exray_frame frame);

// MARK: Tensors

/// The type of one element.
typedef int32_t exray_element_type;
enum {
  EXRAY_FLOAT16 = 1,
  EXRAY_BFLOAT16 = 2,
  EXRAY_FLOAT32 = 3,
  EXRAY_FLOAT64 = 4,
  EXRAY_INT2 = 5,
  EXRAY_INT4 = 6,
  EXRAY_INT8 = 7,
  EXRAY_INT16 = 8,
  EXRAY_INT32 = 9,
  EXRAY_INT64 = 10,
  EXRAY_UINT4 = 11,
  EXRAY_UINT8 = 12,
  EXRAY_UINT16 = 13,
  EXRAY_UINT32 = 14,
  EXRAY_UINT64 = 15,
  EXRAY_BOOL = 16,
  EXRAY_COMPLEX64 = 17,
  EXRAY_COMPLEX128 = 18,
};

/// What part a tensor plays. A frame takes each position of a role once, but for custom tensors.
typedef int32_t exray_role;
enum {
  EXRAY_ROLE_INPUT = 0,     ///< An input of the model.
  EXRAY_ROLE_LAYER = 1,     ///< A tensor that an op of the model made.
  EXRAY_ROLE_OUTPUT = 2,    ///< An output of the model.
  EXRAY_ROLE_EMBEDDING = 3, ///< A tensor inside of the model that stands for its input.
  EXRAY_ROLE_CUSTOM = 4,    ///< Any other tensor of the app.
};

/// A tensor and its values. Set up with { .struct_size = sizeof(exray_tensor), … }.
typedef struct exray_tensor {
  /// sizeof(exray_tensor).
  size_t struct_size;
  /// What part it plays, and its position among those of the role, from 0.
  exray_role role;
  uint32_t index;
  /// Its name in the model.
  const char *name;
  /// The type of one element.
  exray_element_type element_type;
  /// Number of dimensions; 0 for a scalar, 32 at most.
  uint32_t rank;
  /// Extents, slowest-changing first (row-major).
  const int64_t *dims;
  /// The packed values, little-endian; elements under 8 bits lie packed, the first in the lowest bits.
  const void *data;
  /// Bytes of the values; misuse where that does not fit the type and the extents.
  size_t byte_count;
  /// How stored integers stand for real numbers: real = scale × (stored − zero point). One scale for all, or one a
  /// slice along `quantization_axis`; 0 scales for a tensor that is not quantized.
  size_t quantization_count;
  const float *scales;
  /// As many as scales, or NULL for zeros.
  const int64_t *zero_points;
  uint32_t quantization_axis;
} exray_tensor;

/// Logs a tensor. Values that the level does not want are not copied.
void exray_log_tensor(exray_frame frame, const exray_tensor *tensor);

/// Whether the level wants tensors of a role, so that an app need not make what is not recorded.
bool exray_wants(exray_frame frame, exray_role role);

/// Logs a packed tensor that is not quantized.
static inline void exray_log_values(
    exray_frame frame, exray_role role, uint32_t index, const char *name, exray_element_type type, const void *data,
    size_t byte_count, uint32_t rank, const int64_t *dims) {
  exray_tensor tensor = {
      sizeof(exray_tensor), role, index, name, type, rank, dims, data, byte_count, 0, NULL, NULL, 0};
  exray_log_tensor(frame, &tensor);
}

// MARK: Raw inputs and pictures

/// Logs what a frame was made from: a picture file, a sound, any bytes; once a frame.
///
/// `media_type` as `image/jpeg`, `image/png` or `application/octet-stream`; `name` is the file's.
void exray_log_raw_input(
    exray_frame frame, const void *data, size_t byte_count, const char *media_type, const char *name);

/// The order of a pixel's channels, a byte each.
typedef int32_t exray_pixel_encoding;
enum { EXRAY_RGB8 = 0, EXRAY_BGR8 = 1, EXRAY_RGBA8 = 2, EXRAY_BGRA8 = 3, EXRAY_MONO8 = 4 };

/// Logs a picture's pixels: rows from the top, `row_byte_count` bytes from one row to the next (0 where they follow
/// each other without a gap).
void exray_log_image(
    exray_frame frame, const void *pixels, size_t byte_count, uint32_t width, uint32_t height, size_t row_byte_count,
    exray_pixel_encoding encoding);

/// A rectangle in a picture, in pixels from its top left corner.
typedef struct exray_box {
  double x, y, width, height;
  /// What the box shows; may be NULL.
  const char *label;
  /// How sure that is; not-a-number where that is not known.
  double score;
} exray_box;

/// Logs boxes, as a detector finds them in the frame's picture.
void exray_log_boxes(exray_frame frame, const exray_box *boxes, size_t count);

// MARK: Numbers, spans and sensors

/// Logs a named number.
void exray_log_scalar(exray_frame frame, const char *name, double value);

/// A named stretch of time that is under way. A plain value.
typedef struct exray_span {
  exray_frame frame;
  uint64_t token;
} exray_span;

/// Begins a span.
exray_span exray_begin_span(exray_frame frame, const char *name);
/// Ends a span; in a frame, to be called before the frame ends.
void exray_end_span(exray_span span);
/// Logs a span that the app measured itself.
void exray_log_span(exray_frame frame, const char *name, uint64_t start_nanoseconds, uint64_t duration_nanoseconds);

/// The moment by the monitor's clock, in nanoseconds since 1970; 0 for a disabled monitor.
uint64_t exray_now(const exray_monitor *monitor);
/// Moves a manual clock on; of a system clock it is misuse.
void exray_advance(exray_monitor *monitor, uint64_t nanoseconds);

/// A kind of sensor.
typedef int32_t exray_sensor;
enum {
  EXRAY_ORIENTATION = 0,   ///< x, y, z, w of a unit quaternion.
  EXRAY_ACCELEROMETER = 1, ///< x, y, z in m/s², with gravity.
  EXRAY_GYROSCOPE = 2,     ///< x, y, z in rad/s.
  EXRAY_LIGHT = 3,         ///< One value, in lux.
  EXRAY_TEMPERATURE = 4,   ///< One value, in °C.
};

/// Logs a reading, at whatever rate the app has it. `count` must be the kind's number of values.
void exray_log_sensor(exray_monitor *monitor, exray_sensor sensor, const double *values, size_t count);

// MARK: Checks on the device

/// Which tensors a check looks at. A plain value.
typedef struct exray_selector {
  /// Where not NULL: every tensor of this name, whatever its role and index.
  const char *name;
  /// Else the tensors of this role,
  exray_role role;
  /// of this index, or of any where it is -1; custom tensors of all.
  int32_t index;
} exray_selector;

/// The tensor of a role and an index.
static inline exray_selector exray_select(exray_role role, int32_t index) {
  exray_selector selector = {NULL, role, index};
  return selector;
}
/// Every tensor of a name.
static inline exray_selector exray_select_named(const char *name) {
  exray_selector selector = {name, EXRAY_ROLE_CUSTOM, -1};
  return selector;
}

/// Reports values that do not lie in low…high; not-a-number does not.
void exray_check_range(exray_monitor *monitor, exray_selector tensors, double low, double high);
/// Reports infinities and not-a-number.
void exray_check_finite(exray_monitor *monitor, exray_selector tensors);
/// Reports another shape; an extent of -1 fits any.
void exray_check_shape(exray_monitor *monitor, exray_selector tensors, const int64_t *dims, uint32_t rank);

/// A tensor as a check sees it; valid during the call only.
typedef struct exray_checked_tensor {
  exray_role role;
  uint32_t index;
  const char *name;
  exray_element_type element_type;
  uint32_t rank;
  const int64_t *dims;
  const void *data;
  size_t byte_count;
  /// The frame's number, or UINT32_MAX outside of frames.
  uint32_t frame_index;
} exray_checked_tensor;

/// Reports colour channels that come in the reversed order, by the means of the first and the last channel over at
/// least `minimum_frames` tensors.
///
/// `expected_means`: the mean of each of the three channels over inputs known to be right, in the tensor's real values.
void exray_check_channel_order(
    exray_monitor *monitor, exray_selector tensors, const double expected_means[3], uint32_t minimum_frames);

/// How a check went.
typedef int32_t exray_outcome;
enum {
  EXRAY_PASS = 0,         ///< Nothing is wrong.
  EXRAY_FAIL = 1,         ///< Something is wrong.
  EXRAY_INCONCLUSIVE = 2, ///< The check could not be made.
};

/// Looks at a tensor, and says how that went; what is wrong goes into `message`, as text with a terminating zero.
typedef exray_outcome (*exray_check_function)(
    void *context, const exray_checked_tensor *tensor, char *message, size_t message_capacity);

/// Adds a check of the app's own.
///
/// It is called on the monitor's writer thread, one tensor at a time, until exray_close returns; `context` must live
/// until `release`, where that is not NULL, is called with it: once, on any thread, at the latest by exray_free.
/// A check must not call the monitor.
void exray_check_with(
    exray_monitor *monitor, const char *name, exray_selector tensors, exray_check_function function, void *context,
    void (*release)(void *context));

// MARK: Closing

/// Events that the trace lacks, for one reason.
typedef struct exray_loss {
  /// `ring-full`, `byte-budget`, `time-budget`, `frame-time-budget`, `too-large`, `write-failed` or `misuse`; more
  /// may be added.
  const char *reason;
  uint64_t event_count;
  uint64_t byte_count;
} exray_loss;

/// What one check came to.
typedef struct exray_check_result {
  const char *check;
  /// Tensors that were checked; of those, the ones that failed and the ones that could not be judged.
  uint64_t checked_count;
  uint64_t failed_count;
  uint64_t inconclusive_count;
  /// The first failure in words, else the last reason why nothing could be judged; may be empty.
  const char *message;
} exray_check_result;

/// What a monitor recorded, lost and found. Texts and arrays belong to the monitor, until exray_free.
typedef struct exray_summary {
  /// sizeof(exray_summary), to be set before exray_close.
  size_t struct_size;
  /// Complete frames in the trace, frames that were begun and are not in it, and frames that sampling skipped.
  uint64_t frame_count;
  uint64_t lost_frame_count;
  uint64_t skipped_frame_count;
  /// Events in the trace, and bytes of their payloads.
  uint64_t event_count;
  uint64_t byte_count;
  /// Events that are not in the trace, in all and by reason.
  uint64_t lost_event_count;
  size_t loss_count;
  const exray_loss *losses;
  /// What was called wrongly, in words; the first few.
  size_t misuse_count;
  const char *const *misuse;
  /// What the checks came to, in the order in which they were added.
  size_t check_count;
  const exray_check_result *checks;
  /// Nanoseconds that logging took of the app's threads, and processor time of the writer thread.
  uint64_t app_nanoseconds;
  uint64_t writer_nanoseconds;
  /// The most bytes that waited to be written, and bytes of the file.
  uint64_t peak_ring_byte_count;
  uint64_t file_byte_count;
  /// Why the trace could not be written to its end, or NULL where it was.
  const char *error;
  /// All of this in a few lines.
  const char *text;
} exray_summary;

/// Waits for everything to be written, gives the file its name and says what came of it.
///
/// `summary` may be NULL; of a NULL monitor it is all zeros. The monitor stays valid, and is disabled from now on;
/// closing again gives the same summary. Returns whether the trace is whole: written, and without losses; true for a
/// NULL monitor.
bool exray_close(exray_monitor *monitor, exray_summary *summary);

/// Closes the monitor where that was not done, and frees it. No other call may be under way or follow.
void exray_free(exray_monitor *monitor);

// MARK: Scopes

#if defined(__GNUC__) && !defined(__cplusplus)
static inline void exray_end_frame_at(const exray_frame *frame) { exray_end_frame(*frame); }
static inline void exray_end_span_at(const exray_span *span) { exray_end_span(*span); }
static inline void exray_free_at(exray_monitor *const *monitor) { exray_free(*monitor); }
/// Before a variable, with gcc and clang: ends the frame or the span, or frees the monitor, when its scope is left.
#define EXRAY_FRAME_SCOPE __attribute__((cleanup(exray_end_frame_at)))
#define EXRAY_SPAN_SCOPE __attribute__((cleanup(exray_end_span_at)))
#define EXRAY_MONITOR_SCOPE __attribute__((cleanup(exray_free_at)))
#endif

#ifdef __cplusplus
}
#endif
