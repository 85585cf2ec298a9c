import EXray
import EXrayTestKit
import Foundation
import Testing

/// Traces that an app recorded, as the commands take them.
@Suite struct AppTraceTests {
  /// Three frames of an input and an output, which the seed decides.
  private func record(_ name: String, level: Monitor.Level, in sandbox: Sandbox) -> String {
    let path = sandbox.path(name)
    let monitor = Monitor(writingTo: path, level: level)
    for seed in 0..<3 as Range<UInt64> {
      var random = SplitMix64(seed: seed)
      monitor.frame("frame \(seed)") { frame in
        let values = (0..<192).map { _ in Float.random(in: -1...1, using: &random) }
        frame.log(.input, values, shape: [1, 8, 8, 3], name: "x")
        frame.log(.output, Array(values.prefix(5)), shape: [1, 5], name: "y")
      }
    }
    monitor.close()
    return path
  }

  @Test("Two equal runs of an app compare as equal, whatever else their levels keep")
  func equal() throws {
    try withSandbox { sandbox in
      let outcome = try BuiltTool.run([
        "compare", record("a.mcap", level: .io, in: sandbox),
        record("b.mcap", level: .layers, in: sandbox),
      ])
      #expect(outcome.status == 0, "\(outcome)")
      #expect(outcome.output.contains("PASS"))
    }
  }

  @Test("A trace of sketches is inspected, and refused by compare in one line")
  func sketches() throws {
    try withSandbox { sandbox in
      let path = record("sketch.mcap", level: .sketch, in: sandbox)
      let inspected = try BuiltTool.run(["inspect", path])
      #expect(inspected.status == 0 && inspected.output.contains("sketches of float32"))
      let compared = try BuiltTool.run(["compare", path, path])
      #expect(compared.status == 2 && compared.errors.contains("holds sketches"))
      #expect(compared.faults(naming: path).isEmpty, "\(compared.errors)")
    }
  }

  /// Three frames of a grey camera with padded rows, and the model's input that an app made of them.
  ///
  /// - Parameter value: The input at a position of a frame of levels.
  private func recordCamera(
    _ name: String, in sandbox: Sandbox, value: ([Float], _ x: Int, _ y: Int) -> Float
  ) -> String {
    let path = sandbox.path(name)
    let monitor = Monitor(writingTo: path, level: .io)
    let (width, height, stride) = (40, 30, 64)
    for seed in 0..<3 as Range<UInt64> {
      var random = SplitMix64(seed: seed)
      var planes = [UInt8](repeating: 128, count: stride * height / 2 * 3)
      for y in 0..<height {
        for x in 0..<stride { planes[y * stride + x] = UInt8.random(in: 16...235, using: &random) }
      }
      // BT.601 in the video range, as OpenCV: 20 bits of fraction.
      let levels = (0..<width * height).map { index in
        let luma = Int(planes[index / width * stride + index % width])
        return Float(min(255, ((luma - 16) * 1_220_542 + 1 << 19) >> 20))
      }
      monitor.frame("frame \(seed)") { frame in
        frame.log(
          rawInput: planes,
          mediaType: "image/x-nv12;width=\(width);height=\(height);stride=\(stride)")
        let values = (0..<width * height).flatMap { index in
          [Float](repeating: value(levels, index % width, index / width), count: 3)
        }
        frame.log(.input, values, shape: [1, height, width, 3], name: "x")
        frame.log(.output, Array(values.prefix(5)), shape: [1, 5], name: "y")
      }
    }
    monitor.close()
    return path
  }

  @Test("Two apps that name no recipe are told apart by the camera's frames in their traces")
  func camera() throws {
    try withSandbox { sandbox in
      let reference = recordCamera("reference.mcap", in: sandbox) { levels, x, y in
        levels[y * 40 + x] / 255
      }
      let candidate = recordCamera("candidate.mcap", in: sandbox) { levels, x, y in
        levels[y * 40 + 39 - x] / 127.5 - 1
      }
      let json = sandbox.path("report.json")
      let outcome = try BuiltTool.run(["compare", candidate, reference, "--json", json])
      #expect(outcome.status == 1, "\(outcome)")
      let report = try #require(
        JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: json)))
          as? [String: Any])
      let findings = try #require(report["findings"] as? [[String: Any]])
      #expect(
        Set(findings.compactMap { $0["cause"] as? String }) == [
          "preprocess.flip", "preprocess.normalization",
        ], "\(outcome.output)")
      #expect(!outcome.output.contains("Raw pictures were not at hand"))
    }
  }

  @Test(
    "A model runs on the camera's frames of an app's trace",
    .enabled(if: SharedData.isAvailable && LiteRTLibrary.isAvailable))
  func replay() throws {
    try withSandbox { sandbox in
      let trace = recordCamera("app.mcap", in: sandbox) { levels, x, y in levels[y * 40 + x] }
      let outcome = try BuiltTool.run([
        "replay", trace, "--model", try SharedData.path("models/vww/vww_96_int8.tflite"),
        "--recipe", "Examples/recipes/vww-96.json", "--output", sandbox.path("again.mcap"),
      ])
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
  }
}
