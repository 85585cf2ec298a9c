# A real app needs no more than this:
#
#   with exray.Monitor("run.mcap") as monitor:
#       with monitor.frame("cat.jpg") as frame:
#           frame.input(pixels)
#           frame.output(run(pixels))
#
# Below is every call once, with a clock that the program moves itself: the same program in Swift, C and C++
# (../Swift, ../C, ../Cpp) writes the same bytes. Scripts/run_examples.sh runs all four and compares them.
import sys

import exray
import numpy as np

monitor = exray.Monitor(
    sys.argv[1], level="layers", tool="every-call", manual_clock_start_nanoseconds=1_700_000_000_000_000_000)

# What runs, and what must hold.
monitor.describe(
    "tiny.tflite", sha256="0123456789abcdef" * 4, byte_count=1234, runtime="none", runtime_version="1.0",
    kernels="reference", threads=2, recipe='{"steps":[]}')
monitor.check_range(exray.Selector("output", 0), 0, 1)
monitor.check_finite(exray.Selector("input"))
monitor.check_shape(exray.Selector(name="scores"), [-1, 4])
monitor.check_channel_order(exray.Selector("input", 0), [0.485, 0.456, 0.406], minimum_frames=2)
monitor.check(
    "first-byte", exray.Selector("layer", 0),
    lambda tensor: None if tensor.values.flat[0] == -128 else "the first value is not -128")

# What belongs to no frame.
monitor.orientation(0, 0, 0.6, 0.8)
monitor.accelerometer(0.1, 0.2, 9.81)
monitor.gyroscope(0.01, -0.02, 0.03)
monitor.light(320)
monitor.temperature(36.5)
monitor.scalar("battery", 0.75)
monitor.run.tensor("calibration", np.array([1, 0.5, 0.25]), index=1)
with monitor.span("warm-up"):
    monitor.advance(5000)

for number in range(3):
    with monitor.frame(f"frame-{number}.png", label=None if number == 1 else "cat") as frame:
        file = bytes(range(number, number + 16))
        frame.raw_input(
            file, media_type="image/png" if number == 0 else "application/octet-stream", name="frame.png")

        with frame.preprocess():  # (batch, height, width, channel)
            image = (np.arange(12, dtype=np.float32) * 0.125 + number).reshape(1, 2, 2, 3)
            monitor.advance(1000)
        frame.image((np.arange(12, dtype=np.uint8) * 20).reshape(2, 2, 3))
        frame.input(image, name="image")

        with frame.inference():
            monitor.advance(2000)
            scores = np.array([[0.1, 0.2, 0.3, 1.5 if number == 2 else 0.4]], np.float32)
        frame.layer(
            0, np.array([[-128, 0], [127, number]], np.int8), name="conv",
            quantization=exray.Quantization([0.5, 0.25], [-128, 3], axis=0))
        frame.embedding(np.full(4, 0.5, np.float32), name="pooled")
        frame.output(scores, name="scores")
        frame.tensor("counts", np.array([7, -1]))
        frame.tensor("mask", np.array([True, False]), index=2)
        frame.scalar("threshold", 0.25)
        frame.boxes([exray.Box(0.5, 0, 1, 2, "cat", 0.875), exray.Box(0, 0, 2, 2)])
        with frame.span("postprocess"):
            monitor.advance(500)
        monitor.advance(100)

print(monitor.close())
