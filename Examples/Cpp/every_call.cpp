// A real app needs no more than this (frame and monitor end with their scopes):
//
//   exray::Monitor monitor("run.mcap");
//   exray::Frame frame = monitor.frame("cat.jpg");
//   frame.input(image, {1, 224, 224, 3});
//   frame.output(scores, {1, 1000});
//
// Below is every call once, with a clock that the program moves itself: the same program in Swift, C and Python
// (../Swift, ../C, ../Python) writes the same bytes. Scripts/run_examples.sh runs all four and compares them.
#include <exray.hpp>

#include <cmath>
#include <iostream>
#include <string>

int main(int, char **arguments) {
  exray::Options options;
  options.clock = EXRAY_CLOCK_MANUAL;
  options.manual_clock_start_nanoseconds = 1700000000000000000;
  options.tool = "every-call";
  exray::Monitor monitor(arguments[1], exray::Level::layers, options);

  // What runs, and what must hold.
  exray_model model{};
  model.struct_size = sizeof model;
  model.name = "tiny.tflite";
  model.sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
  model.byte_count = 1234;
  model.runtime = "none";
  model.runtime_version = "1.0";
  model.kernels = "reference";
  model.threads = 2;
  model.recipe = "{\"steps\":[]}";
  monitor.describe(model);
  monitor.check_range(exray::select(EXRAY_ROLE_OUTPUT, 0), 0, 1);
  monitor.check_finite(exray::select(EXRAY_ROLE_INPUT));
  monitor.check_shape(exray::select("scores"), {-1, 4});
  monitor.check_channel_order(exray::select(EXRAY_ROLE_INPUT, 0), 0.485, 0.456, 0.406, 2);
  monitor.check("first-byte", exray::select(EXRAY_ROLE_LAYER, 0), [](const exray_checked_tensor &tensor) {
    const bool is_right = *static_cast<const std::int8_t *>(tensor.data) == -128;
    return is_right ? exray::Outcome{} : exray::Outcome{EXRAY_FAIL, "the first value is not -128"};
  });

  // What belongs to no frame.
  monitor.orientation(0, 0, 0.6, 0.8);
  monitor.accelerometer(0.1, 0.2, 9.81);
  monitor.gyroscope(0.01, -0.02, 0.03);
  monitor.light(320);
  monitor.temperature(36.5);
  exray::Target run = monitor.run();
  run.scalar("battery", 0.75);
  const double calibration[] = {1, 0.5, 0.25};
  run.tensor("calibration", calibration, {3}, 1);
  {
    const auto span = run.span("warm-up");
    monitor.advance(5000);
  }

  for (int number = 0; number < 3; ++number) {
    exray::Frame frame = monitor.frame("frame-" + std::to_string(number) + ".png", number == 1 ? "" : "cat");
    std::vector<std::uint8_t> file(16);
    for (int i = 0; i < 16; ++i) file[i] = static_cast<std::uint8_t>(i + number);
    frame.raw_input(file.data(), file.size(), number == 0 ? "image/png" : "application/octet-stream", "frame.png");

    float image[12];  // (batch, height, width, channel)
    {
      const auto preprocess = frame.preprocess();
      for (int i = 0; i < 12; ++i) image[i] = static_cast<float>(i) * 0.125f + static_cast<float>(number);
      monitor.advance(1000);
    }
    std::uint8_t pixels[12];
    for (int i = 0; i < 12; ++i) pixels[i] = static_cast<std::uint8_t>(i * 20);
    frame.image(pixels, sizeof pixels, 2, 2, EXRAY_RGB8);
    frame.input(image, {1, 2, 2, 3}, "image");

    float scores[4] = {0.1f, 0.2f, 0.3f, 0.4f};
    {
      const auto inference = frame.inference();
      monitor.advance(2000);
      if (number == 2) scores[3] = 1.5f;
    }
    const std::int8_t conv[4] = {-128, 0, 127, static_cast<std::int8_t>(number)};
    frame.layer(0, conv, {2, 2}, "conv", {{0.5f, 0.25f}, {-128, 3}, 0});
    const float pooled[4] = {0.5f, 0.5f, 0.5f, 0.5f};
    frame.embedding(pooled, {4}, "pooled");
    frame.output(scores, {1, 4}, "scores");
    const std::int64_t counts[2] = {7, -1};
    frame.tensor("counts", counts, {2});
    const bool mask[2] = {true, false};
    frame.tensor("mask", mask, {2}, 2);
    frame.scalar("threshold", 0.25);
    frame.boxes({{0.5, 0, 1, 2, "cat", 0.875}, {0, 0, 2, 2, nullptr, NAN}});
    {
      const auto span = frame.span("postprocess");
      monitor.advance(500);
    }
    monitor.advance(100);
  }
  std::cout << monitor.close().text << "\n";
}
