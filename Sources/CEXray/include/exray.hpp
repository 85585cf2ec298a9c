// EXray for C++17: exray.h with scopes. Header only; link the same library.
//
//   exray::Monitor monitor("run.mcap");
//   exray::Frame frame = monitor.frame("cat.jpg");
//   frame.input(image, {1, 224, 224, 3});
//   frame.output(scores, {1, 1000});
//
// No function throws, and none fails the app. Units, threads and ownership are as in exray.h.
#pragma once

#include "exray.h"

#include <algorithm>
#include <complex>
#include <cstdint>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace exray {

/// How much of each frame is recorded.
enum class Level : exray_level {
  none = EXRAY_LEVEL_NONE,
  output = EXRAY_LEVEL_OUTPUT,
  io = EXRAY_LEVEL_IO,
  embedding = EXRAY_LEVEL_EMBEDDING,
  layers = EXRAY_LEVEL_LAYERS,
  sketch = EXRAY_LEVEL_SKETCH,
};

/// How a trace is recorded: the defaults, whose fields may be changed.
struct Options : exray_options {
  Options() noexcept : exray_options{} { exray_options_init(this, sizeof(exray_options)); }
};

/// The element type of a C++ type. To log another type, as one of 16-bit floating point, specialise it.
template <class Value>
struct element_type_of {
  static_assert(std::is_arithmetic_v<Value>, "specialise exray::element_type_of for this type");
  static constexpr exray_element_type of_size(int one, int two, int four, int eight) {
    return sizeof(Value) == 1 ? one : sizeof(Value) == 2 ? two : sizeof(Value) == 4 ? four : eight;
  }
  static constexpr exray_element_type value =
      std::is_same_v<Value, bool>         ? EXRAY_BOOL
      : std::is_floating_point_v<Value> ? of_size(0, 0, EXRAY_FLOAT32, EXRAY_FLOAT64)
      : std::is_signed_v<Value>         ? of_size(EXRAY_INT8, EXRAY_INT16, EXRAY_INT32, EXRAY_INT64)
                                        : of_size(EXRAY_UINT8, EXRAY_UINT16, EXRAY_UINT32, EXRAY_UINT64);
  static_assert(sizeof(Value) <= 8, "long double has no element type");
};
template <>
struct element_type_of<std::complex<float>> {
  static constexpr exray_element_type value = EXRAY_COMPLEX64;
};
template <>
struct element_type_of<std::complex<double>> {
  static constexpr exray_element_type value = EXRAY_COMPLEX128;
};

/// The extents of a tensor, slowest-changing first: `{1, 224, 224, 3}`, or any container of integers.
class Shape {
 public:
  Shape(std::initializer_list<std::int64_t> dims) noexcept { take(dims.begin(), dims.end()); }
  template <class Dims, class = decltype(std::declval<const Dims &>().begin())>
  Shape(const Dims &dims) noexcept { take(dims.begin(), dims.end()); }
  template <class Integer>
  Shape(const Integer *dims, std::size_t rank) noexcept { take(dims, dims + rank); }

  const std::int64_t *dims() const noexcept { return dims_; }
  std::uint32_t rank() const noexcept { return rank_; }

  /// The number of elements, or SIZE_MAX where no memory holds so many.
  std::size_t element_count() const noexcept {
    std::size_t count = 1;
    for (std::uint32_t i = 0; i < rank_ && i < limit; ++i) {
      const auto extent = static_cast<std::uint64_t>(dims_[i]);
      if (dims_[i] < 0 || (extent > 0 && count > SIZE_MAX / extent)) return SIZE_MAX;
      count *= static_cast<std::size_t>(extent);
    }
    return count;
  }

 private:
  static constexpr std::uint32_t limit = 32;
  std::int64_t dims_[limit] = {};
  std::uint32_t rank_ = 0;

  // More than 32 extents are counted only, and refused by the library.
  template <class Iterator>
  void take(Iterator first, Iterator last) noexcept {
    for (; first != last && rank_ <= limit; ++first, ++rank_)
      if (rank_ < limit) dims_[rank_] = static_cast<std::int64_t>(*first);
  }
};

/// How stored integers stand for real numbers: real = scale × (stored − zero point).
struct Quantization {
  /// One scale for all, or one a slice along `axis`.
  std::vector<float> scales;
  /// As many as scales, or none for zeros.
  std::vector<std::int64_t> zero_points;
  std::uint32_t axis = 0;
};

namespace detail {

/// A text with a terminating zero; a short one is copied to the stack.
class Text {
 public:
  Text(std::string_view text) noexcept {
    std::size_t size = text.size();
    char *target = inline_;
    if (size >= sizeof inline_) {
      heap_.reset(new (std::nothrow) char[size + 1]);
      if (heap_) target = heap_.get();
      else size = sizeof inline_ - 1;
    }
    if (size > 0) std::memcpy(target, text.data(), size);
    target[size] = 0;
  }
  operator const char *() const noexcept { return heap_ ? heap_.get() : inline_; }

 private:
  char inline_[128];
  std::unique_ptr<char[]> heap_;
};

}  // namespace detail

/// A stretch of time, as long as this value lives.
class Span {
 public:
  Span(exray_frame frame, std::string_view name) noexcept
      : span_(exray_begin_span(frame, detail::Text(name))) {}
  Span(Span &&other) noexcept : span_(std::exchange(other.span_, exray_span{})) {}
  Span &operator=(Span &&other) noexcept {
    std::swap(span_, other.span_);
    return *this;
  }
  ~Span() { end(); }

  /// Ends the span before its scope does.
  void end() noexcept { exray_end_span(std::exchange(span_, exray_span{})); }

 private:
  exray_span span_;
};

/// The time of making the model's inputs or of running it, as long as this value lives.
class Phase {
 public:
  Phase(exray_frame frame, void (*begin)(exray_frame), void (*end)(exray_frame)) noexcept
      : frame_(frame), end_(end) {
    begin(frame);
  }
  Phase(Phase &&other) noexcept : frame_(std::exchange(other.frame_, exray_frame{})), end_(other.end_) {}
  Phase &operator=(Phase &&other) noexcept {
    std::swap(frame_, other.frame_);
    std::swap(end_, other.end_);
    return *this;
  }
  ~Phase() { end(); }

  /// Ends the phase before its scope does.
  void end() noexcept { end_(std::exchange(frame_, exray_frame{})); }

 private:
  exray_frame frame_;
  void (*end_)(exray_frame);
};

/// What takes tensors, numbers and spans: a frame, or the run outside of frames.
class Target {
 public:
  explicit Target(exray_frame handle) noexcept : handle_(handle) {}

  /// The frame of exray.h.
  exray_frame handle() const noexcept { return handle_; }

  /// Whether the level wants tensors of a role.
  bool wants(exray_role role) const noexcept { return exray_wants(handle_, role); }

  /// Logs an input of the model: its packed values and their shape.
  template <class Value>
  void input(const Value *values, const Shape &shape, std::string_view name = {}, std::uint32_t index = 0,
      const Quantization &quantization = {}) noexcept {
    tensor(EXRAY_ROLE_INPUT, index, name, values, shape, quantization);
  }
  /// Logs an output of the model.
  template <class Value>
  void output(const Value *values, const Shape &shape, std::string_view name = {}, std::uint32_t index = 0,
      const Quantization &quantization = {}) noexcept {
    tensor(EXRAY_ROLE_OUTPUT, index, name, values, shape, quantization);
  }
  /// Logs an embedding.
  template <class Value>
  void embedding(const Value *values, const Shape &shape, std::string_view name = {}, std::uint32_t index = 0,
      const Quantization &quantization = {}) noexcept {
    tensor(EXRAY_ROLE_EMBEDDING, index, name, values, shape, quantization);
  }
  /// Logs a layer.
  template <class Value>
  void layer(std::uint32_t index, const Value *values, const Shape &shape, std::string_view name = {},
      const Quantization &quantization = {}) noexcept {
    tensor(EXRAY_ROLE_LAYER, index, name, values, shape, quantization);
  }
  /// Logs any other tensor.
  template <class Value>
  void tensor(std::string_view name, const Value *values, const Shape &shape, std::uint32_t index = 0,
      const Quantization &quantization = {}) noexcept {
    tensor(EXRAY_ROLE_CUSTOM, index, name, values, shape, quantization);
  }
  /// Logs a tensor of any role.
  template <class Value>
  void tensor(exray_role role, std::uint32_t index, std::string_view name, const Value *values, const Shape &shape,
      const Quantization &quantization = {}) noexcept {
    const std::size_t count = shape.element_count();
    const detail::Text text(name);
    exray_tensor tensor{};
    tensor.struct_size = sizeof tensor;
    tensor.role = role;
    tensor.index = index;
    tensor.name = text;
    tensor.element_type = element_type_of<Value>::value;
    tensor.rank = shape.rank();
    tensor.dims = shape.dims();
    tensor.data = values;
    tensor.byte_count = count > SIZE_MAX / sizeof(Value) ? SIZE_MAX : count * sizeof(Value);
    tensor.quantization_count = quantization.scales.size();
    tensor.scales = quantization.scales.data();
    const bool has_zero_points = quantization.zero_points.size() == quantization.scales.size();
    tensor.zero_points = has_zero_points ? quantization.zero_points.data() : nullptr;
    tensor.quantization_axis = quantization.axis;
    exray_log_tensor(handle_, &tensor);
  }

  /// Logs a named number.
  void scalar(std::string_view name, double value) noexcept { exray_log_scalar(handle_, detail::Text(name), value); }
  /// Begins a span that ends with the value's scope.
  [[nodiscard]] Span span(std::string_view name) noexcept { return Span(handle_, name); }
  /// Logs a span that was measured elsewhere.
  void span(std::string_view name, std::uint64_t start_nanoseconds, std::uint64_t duration_nanoseconds) noexcept {
    exray_log_span(handle_, detail::Text(name), start_nanoseconds, duration_nanoseconds);
  }

 protected:
  exray_frame handle_;
};

/// A frame, which ends with this value's scope.
class Frame : public Target {
 public:
  using Target::Target;
  Frame(Frame &&other) noexcept : Target(std::exchange(other.handle_, exray_frame{})) {}
  Frame &operator=(Frame &&other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Frame() { end(); }

  /// Ends the frame before its scope does.
  void end() noexcept { exray_end_frame(std::exchange(handle_, exray_frame{})); }

  /// Logs what the frame was made from: a picture file, a sound, any bytes.
  void raw_input(const void *data, std::size_t byte_count, std::string_view media_type,
      std::string_view name = {}) noexcept {
    exray_log_raw_input(handle_, data, byte_count, detail::Text(media_type), detail::Text(name));
  }
  /// Logs a picture's pixels; rows follow each other without a gap where `row_byte_count` is 0.
  void image(const void *pixels, std::size_t byte_count, std::uint32_t width, std::uint32_t height,
      exray_pixel_encoding encoding, std::size_t row_byte_count = 0) noexcept {
    exray_log_image(handle_, pixels, byte_count, width, height, row_byte_count, encoding);
  }
  /// Logs boxes in the frame's picture.
  void boxes(const std::vector<exray_box> &boxes) noexcept { exray_log_boxes(handle_, boxes.data(), boxes.size()); }

  /// The model's inputs are made as long as the result lives.
  [[nodiscard]] Phase preprocess() noexcept { return Phase(handle_, exray_begin_preprocess, exray_end_preprocess); }
  /// The model runs as long as the result lives.
  [[nodiscard]] Phase inference() noexcept { return Phase(handle_, exray_begin_inference, exray_end_inference); }
};

/// How a check went, with what is wrong in words.
struct Outcome {
  exray_outcome outcome = EXRAY_PASS;
  std::string message;
};

/// A trace that is being written; closed and freed with this value's scope, which must outlast all others' calls.
class Monitor {
 public:
  /// A disabled monitor.
  Monitor() noexcept = default;
  explicit Monitor(std::string_view path, Level level = Level::io, const Options &options = {}) noexcept
      : monitor_(exray_open(detail::Text(path), static_cast<exray_level>(level), &options)) {}
  Monitor(Monitor &&other) noexcept : monitor_(std::exchange(other.monitor_, nullptr)) {}
  Monitor &operator=(Monitor &&other) noexcept {
    std::swap(monitor_, other.monitor_);
    return *this;
  }
  ~Monitor() { exray_free(monitor_); }

  /// The monitor of exray.h.
  exray_monitor *handle() const noexcept { return monitor_; }
  /// Whether anything is being recorded.
  bool is_recording() const noexcept { return exray_is_recording(monitor_); }

  /// Begins a frame that ends with the value's scope.
  [[nodiscard]] Frame frame(std::string_view name = {}, std::string_view label = {}) noexcept {
    const detail::Text text(label);
    const char *given = label.empty() ? nullptr : static_cast<const char *>(text);
    return Frame(exray_begin_frame(monitor_, detail::Text(name), given));
  }
  /// Takes tensors, numbers and spans that belong to no frame.
  Target run() noexcept { return Target(exray_outside_frames(monitor_)); }

  /// Notes which model runs.
  void describe(const exray_model &model) noexcept { exray_describe_model(monitor_, &model); }

  /// Logs how the device is held, as a unit quaternion.
  void orientation(double x, double y, double z, double w) noexcept { sensor(EXRAY_ORIENTATION, {x, y, z, w}); }
  /// Logs an acceleration with gravity, in m/s².
  void accelerometer(double x, double y, double z) noexcept { sensor(EXRAY_ACCELEROMETER, {x, y, z}); }
  /// Logs a turning rate, in rad/s.
  void gyroscope(double x, double y, double z) noexcept { sensor(EXRAY_GYROSCOPE, {x, y, z}); }
  /// Logs an illuminance, in lux.
  void light(double lux) noexcept { sensor(EXRAY_LIGHT, {lux}); }
  /// Logs a temperature, in °C.
  void temperature(double celsius) noexcept { sensor(EXRAY_TEMPERATURE, {celsius}); }

  /// Reports values that do not lie in low…high.
  void check_range(exray_selector tensors, double low, double high) noexcept {
    exray_check_range(monitor_, tensors, low, high);
  }
  /// Reports infinities and not-a-number.
  void check_finite(exray_selector tensors) noexcept { exray_check_finite(monitor_, tensors); }
  /// Reports another shape; an extent of -1 fits any.
  void check_shape(exray_selector tensors, const Shape &shape) noexcept {
    exray_check_shape(monitor_, tensors, shape.dims(), shape.rank());
  }
  /// Reports reversed colour channels.
  void check_channel_order(exray_selector tensors, double first, double second, double third,
      std::uint32_t minimum_frames = 32) noexcept {
    const double means[3] = {first, second, third};
    exray_check_channel_order(monitor_, tensors, means, minimum_frames);
  }
  /// Adds a check of the app's own: `Outcome(const exray_checked_tensor &)`, called on the monitor's writer thread.
  template <class Function>
  void check(std::string_view name, exray_selector tensors, Function function) noexcept {
    auto *context = new (std::nothrow) Function(std::move(function));
    if (context == nullptr) return;
    exray_check_with(
        monitor_, detail::Text(name), tensors, &run_check<Function>, context,
        [](void *context) { delete static_cast<Function *>(context); });
  }

  /// The moment by the monitor's clock, in nanoseconds since 1970.
  std::uint64_t now() const noexcept { return exray_now(monitor_); }
  /// Moves a manual clock on.
  void advance(std::uint64_t nanoseconds) noexcept { exray_advance(monitor_, nanoseconds); }

  /// Finishes the trace and says what came of it; the summary's texts live as long as this monitor.
  exray_summary close() noexcept {
    exray_summary summary{};
    summary.struct_size = sizeof summary;
    exray_close(monitor_, &summary);
    return summary;
  }

 private:
  exray_monitor *monitor_ = nullptr;

  void sensor(exray_sensor kind, std::initializer_list<double> values) noexcept {
    exray_log_sensor(monitor_, kind, values.begin(), values.size());
  }

  template <class Function>
  static exray_outcome run_check(void *context, const exray_checked_tensor *tensor, char *message,
      std::size_t capacity) noexcept {
    const auto write = [&](std::string_view text) {
      const std::size_t size = capacity == 0 ? 0 : std::min(text.size(), capacity - 1);
      if (size > 0) std::memcpy(message, text.data(), size);
      if (capacity > 0) message[size] = 0;
    };
    try {
      const Outcome outcome = (*static_cast<Function *>(context))(*tensor);
      write(outcome.message);
      return outcome.outcome;
    } catch (const std::exception &error) {
      write(error.what());
    } catch (...) {
      write("the check threw an exception");
    }
    return EXRAY_INCONCLUSIVE;
  }
};

/// The tensor of a role and an index; -1 for any index.
inline exray_selector select(exray_role role, std::int32_t index = -1) noexcept { return exray_select(role, index); }
/// Every tensor of a name, which must be a text that lives as long as the call.
inline exray_selector select(const char *name) noexcept { return exray_select_named(name); }

}  // namespace exray
