// A real app needs no more than this (with gcc or clang, frame and monitor end with their scopes):
//
//   EXRAY_MONITOR_SCOPE exray_monitor *monitor = exray_open("run.mcap", EXRAY_LEVEL_IO, NULL);
//   EXRAY_FRAME_SCOPE exray_frame frame = exray_begin_frame(monitor, "cat.jpg", NULL);
//   exray_log_values(frame, EXRAY_ROLE_INPUT, 0, "image", EXRAY_FLOAT32, image, sizeof image, 4, image_shape);
//   exray_log_values(frame, EXRAY_ROLE_OUTPUT, 0, "scores", EXRAY_FLOAT32, scores, sizeof scores, 2, scores_shape);
//
// Below is every call once, with a clock that the program moves itself: the same program in Swift, C++ and Python
// (../Swift, ../Cpp, ../Python) writes the same bytes. Scripts/run_examples.sh runs all four and compares them.
#include <exray.h>
#include <math.h>
#include <stdio.h>

static exray_outcome check_first_byte(
    void *context, const exray_checked_tensor *tensor, char *message, size_t capacity) {
  (void)context;
  if (*(const int8_t *)tensor->data == -128) return EXRAY_PASS;
  snprintf(message, capacity, "the first value is not -128");
  return EXRAY_FAIL;
}

int main(int count, char **arguments) {
  exray_options options;
  EXRAY_OPTIONS_INIT(&options);
  options.clock = EXRAY_CLOCK_MANUAL;
  options.manual_clock_start_nanoseconds = 1700000000000000000;
  options.tool = "every-call";
  exray_monitor *monitor = exray_open(count > 1 ? arguments[1] : NULL, EXRAY_LEVEL_LAYERS, &options);

  // What runs, and what must hold.
  exray_model model = {.struct_size = sizeof model, .name = "tiny.tflite", .byte_count = 1234};
  model.sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
  model.runtime = "none";
  model.runtime_version = "1.0";
  model.kernels = "reference";
  model.threads = 2;
  model.recipe = "{\"steps\":[]}";
  exray_describe_model(monitor, &model);
  exray_check_range(monitor, exray_select(EXRAY_ROLE_OUTPUT, 0), 0, 1);
  exray_check_finite(monitor, exray_select(EXRAY_ROLE_INPUT, -1));
  exray_check_shape(monitor, exray_select_named("scores"), (int64_t[]){-1, 4}, 2);
  exray_check_channel_order(
      monitor, exray_select(EXRAY_ROLE_INPUT, 0), (double[]){0.485, 0.456, 0.406}, 2);
  exray_check_with(
      monitor, "first-byte", exray_select(EXRAY_ROLE_LAYER, 0), check_first_byte, NULL, NULL);

  // What belongs to no frame.
  exray_log_sensor(monitor, EXRAY_ORIENTATION, (double[]){0, 0, 0.6, 0.8}, 4);
  exray_log_sensor(monitor, EXRAY_ACCELEROMETER, (double[]){0.1, 0.2, 9.81}, 3);
  exray_log_sensor(monitor, EXRAY_GYROSCOPE, (double[]){0.01, -0.02, 0.03}, 3);
  exray_log_sensor(monitor, EXRAY_LIGHT, (double[]){320}, 1);
  exray_log_sensor(monitor, EXRAY_TEMPERATURE, (double[]){36.5}, 1);
  exray_frame run = exray_outside_frames(monitor);
  exray_log_scalar(run, "battery", 0.75);
  const double calibration[3] = {1, 0.5, 0.25};
  exray_log_values(
      run, EXRAY_ROLE_CUSTOM, 1, "calibration", EXRAY_FLOAT64, calibration, sizeof calibration, 1, (int64_t[]){3});
  exray_span warm_up = exray_begin_span(run, "warm-up");
  exray_advance(monitor, 5000);
  exray_end_span(warm_up);

  for (int number = 0; number < 3; ++number) {
    char name[32];
    snprintf(name, sizeof name, "frame-%d.png", number);
    exray_frame frame = exray_begin_frame(monitor, name, number == 1 ? NULL : "cat");
    uint8_t file[16];
    for (int i = 0; i < 16; ++i) file[i] = (uint8_t)(i + number);
    exray_log_raw_input(
        frame, file, sizeof file, number == 0 ? "image/png" : "application/octet-stream", "frame.png");

    float image[12]; // (batch, height, width, channel)
    exray_begin_preprocess(frame);
    for (int i = 0; i < 12; ++i) image[i] = (float)i * 0.125f + (float)number;
    exray_advance(monitor, 1000);
    exray_end_preprocess(frame);
    uint8_t pixels[12];
    for (int i = 0; i < 12; ++i) pixels[i] = (uint8_t)(i * 20);
    exray_log_image(frame, pixels, sizeof pixels, 2, 2, 0, EXRAY_RGB8);
    exray_log_values(
        frame, EXRAY_ROLE_INPUT, 0, "image", EXRAY_FLOAT32, image, sizeof image, 4, (int64_t[]){1, 2, 2, 3});

    exray_begin_inference(frame);
    exray_advance(monitor, 2000);
    const float scores[4] = {0.1f, 0.2f, 0.3f, number == 2 ? 1.5f : 0.4f};
    exray_end_inference(frame);

    const int8_t conv[4] = {-128, 0, 127, (int8_t)number};
    exray_tensor layer = {
        .struct_size = sizeof layer, .role = EXRAY_ROLE_LAYER, .index = 0, .name = "conv",
        .element_type = EXRAY_INT8, .rank = 2, .dims = (int64_t[]){2, 2}, .data = conv, .byte_count = sizeof conv,
        .quantization_count = 2, .scales = (float[]){0.5f, 0.25f}, .zero_points = (int64_t[]){-128, 3},
        .quantization_axis = 0};
    exray_log_tensor(frame, &layer);
    const float pooled[4] = {0.5f, 0.5f, 0.5f, 0.5f};
    exray_log_values(
        frame, EXRAY_ROLE_EMBEDDING, 0, "pooled", EXRAY_FLOAT32, pooled, sizeof pooled, 1, (int64_t[]){4});
    exray_log_values(
        frame, EXRAY_ROLE_OUTPUT, 0, "scores", EXRAY_FLOAT32, scores, sizeof scores, 2, (int64_t[]){1, 4});
    const int64_t counts[2] = {7, -1};
    exray_log_values(frame, EXRAY_ROLE_CUSTOM, 0, "counts", EXRAY_INT64, counts, sizeof counts, 1, (int64_t[]){2});
    const bool mask[2] = {true, false};
    exray_log_values(frame, EXRAY_ROLE_CUSTOM, 2, "mask", EXRAY_BOOL, mask, sizeof mask, 1, (int64_t[]){2});
    exray_log_scalar(frame, "threshold", 0.25);
    const exray_box boxes[2] = {{0.5, 0, 1, 2, "cat", 0.875}, {0, 0, 2, 2, NULL, NAN}};
    exray_log_boxes(frame, boxes, 2);
    exray_span postprocess = exray_begin_span(frame, "postprocess");
    exray_advance(monitor, 500);
    exray_end_span(postprocess);
    exray_advance(monitor, 100);
    exray_end_frame(frame);
  }

  exray_summary summary = {.struct_size = sizeof summary};
  exray_close(monitor, &summary);
  puts(summary.text ? summary.text : "give the trace's path");
  exray_free(monitor);
  return 0;
}
