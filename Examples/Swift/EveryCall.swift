// A real app needs no more than this:
//
//   let monitor = Monitor(writingTo: "run.mcap")
//   monitor.frame("cat.jpg") { frame in
//     frame.log(.input, pixels, shape: [1, 224, 224, 3])
//     let scores = frame.inference { run(pixels) }
//     frame.log(.output, scores, shape: [1, 1000])
//   }
//   monitor.close()
//
// Below is every call once, with a clock that the program moves itself: the same program in C, C++ and Python
// (../C, ../Cpp, ../Python) writes the same bytes. Scripts/run_examples.sh runs all four and compares them.
import EXray

var configuration = MonitorConfiguration()
configuration.clock = .manual(startNanoseconds: 1_700_000_000_000_000_000)
configuration.tool = "every-call"
let monitor = Monitor(
  writingTo: CommandLine.arguments[1], level: .layers, configuration: configuration)

// What runs, and what must hold.
monitor.describe(
  ModelDescription(
    name: "tiny.tflite", sha256: String(repeating: "0123456789abcdef", count: 4), byteCount: 1234,
    runtime: "none", runtimeVersion: "1.0", kernels: "reference", threads: 2,
    recipe: #"{"steps":[]}"#))
monitor.check(.range(0...1), on: .output())
monitor.check(.finite, on: .all(.input))
monitor.check(.shape([-1, 4]), on: .named("scores"))
monitor.check(
  .channelOrder(expectedMeans: [0.485, 0.456, 0.406], minimumFrames: 2), on: .input())
monitor.check(
  .custom("first-byte") { tensor in
    unsafe tensor.bytes.unsafeLoad(as: Int8.self) == -128
      ? .pass : .fail("the first value is not -128")
  }, on: .layer(0))

// What belongs to no frame.
monitor.log(.orientation(x: 0, y: 0, z: 0.6, w: 0.8))
monitor.log(.accelerometer(x: 0.1, y: 0.2, z: 9.81))
monitor.log(.gyroscope(x: 0.01, y: -0.02, z: 0.03))
monitor.log(.light(320))
monitor.log(.temperature(36.5))
monitor.log("battery", 0.75)
let calibration: [Double] = [1, 0.5, 0.25]
unsafe monitor.log(
  TensorStream(
    role: .custom, index: 1,
    description: TensorDescription(name: "calibration", elementType: .float64, shape: [3])),
  calibration.span.bytes)
monitor.span("warm-up") { monitor.advance(nanoseconds: 5000) }

for number in 0..<3 {
  let label = number == 1 ? nil : "cat"
  monitor.frame("frame-\(number).png", label: label) { frame in
    let file = (0..<16).map { UInt8($0 + number) }
    frame.log(
      rawInput: file, mediaType: number == 0 ? "image/png" : "application/octet-stream",
      name: "frame.png")
    // (batch, height, width, channel)
    var image = [Float](repeating: 0, count: 12)
    frame.preprocess {
      for index in image.indices { image[index] = Float(index) * 0.125 + Float(number) }
      monitor.advance(nanoseconds: 1000)
    }
    frame.log(
      image: (0..<12).map { UInt8($0 * 20) }, ImageLayout(width: 2, height: 2, encoding: .rgb8))
    frame.log(.input, image, shape: [1, 2, 2, 3], name: "image")
    let scores: [Float] = frame.inference {
      monitor.advance(nanoseconds: 2000)
      return [0.1, 0.2, 0.3, number == 2 ? 1.5 : 0.4]
    }
    frame.log(
      .layer, [Int8(-128), 0, 127, Int8(number)], shape: [2, 2], name: "conv", index: 0,
      quantization: Quantization(scales: [0.5, 0.25], zeroPoints: [-128, 3], axis: 0))
    frame.log(.embedding, [Float](repeating: 0.5, count: 4), shape: [4], name: "pooled")
    frame.log(.output, scores, shape: [1, 4], name: "scores")
    frame.log(.custom, [Int64(7), -1], shape: [2], name: "counts")
    frame.log(.custom, [true, false], shape: [2], name: "mask", index: 2)
    frame.log("threshold", 0.25)
    frame.log(boxes: [
      BoxSample(x: 0.5, y: 0, width: 1, height: 2, label: "cat", score: 0.875),
      BoxSample(x: 0, y: 0, width: 2, height: 2),
    ])
    frame.span("postprocess") { monitor.advance(nanoseconds: 500) }
    monitor.advance(nanoseconds: 100)
  }
}
print(monitor.close())
