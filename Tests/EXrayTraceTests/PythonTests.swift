import EXray
import EXrayTestKit
import EXrayTrace
import Foundation
import Testing

/// Other people's tools read traces: the official `mcap` package with NumPy.
@Suite(
  "The official Python package", .enabled(if: Requirements.python != nil || Requirements.areStrict))
struct PythonTests {
  private struct Output {
    var status: Int32
    var text: String
  }

  private func run(_ script: String, _ arguments: [String]) throws -> Output {
    let python = try #require(Requirements.python, "no .deps/python; run make setup")
    let process = Process()
    process.executableURL = python
    process.arguments =
      [Requirements.packageRoot.appending(path: "Scripts/\(script)").path]
      + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return Output(
      status: process.terminationStatus, text: String(decoding: data, as: UTF8.self))
  }

  /// A trace with known values, and what Python must find in it.
  private func write(to path: String) throws -> [String: Any] {
    let tensors = [
      TensorStream(
        role: .input, index: 0, tensorIndex: 0,
        description: TensorDescription(name: "image:0", elementType: .float32, shape: [1, 2, 2])),
      TensorStream(
        role: .layer, index: 7, tensorIndex: 3, op: OpReference(index: 7, type: "CONV_2D"),
        description: TensorDescription(
          name: "a/b;c", elementType: .int8, shape: [3],
          quantization: Quantization(scales: [0.5, 0.25, 0.1], zeroPoints: [0, 1, -1], axis: 0))),
      TensorStream(
        role: .output, index: 0,
        description: TensorDescription(name: "score", elementType: .float16, shape: [])),
    ]
    var writer = try TraceWriter(
      path: path,
      run: RunDescription(model: "m.tflite", runtime: "litert", recipe: "{}", tool: "t"),
      tensors: tensors)
    var frames: [String: Any] = [:]
    for frame in 0..<3 {
      let pixels: [Float] = [0.5, -1.25, Float(frame), 1e-3]
      let image = pixels.flatMap { value in
        (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) }
      }
      let codes: [UInt8] = [0x80, 0x7F, UInt8(frame)]
      let half: [UInt8] = [0x00, 0x3E]  // 1.5
      let raw: [UInt8] = [0x89, 0x50, UInt8(frame)]
      try writer.beginFrame(
        FrameDescription(index: frame, name: "p.png", label: "7", timeNanoseconds: 100))
      try writer.write(RawInput(mediaType: "image/png", name: "p.png", bytes: raw))
      for (stream, bytes) in [image, codes, half].enumerated() {
        unsafe try writer.write(bytes.span.bytes, toTensor: stream)
      }
      try writer.write(
        LatencySample(
          preprocessNanoseconds: 1, inferenceNanoseconds: 2, endToEndNanoseconds: UInt64.max))
      try writer.endFrame()
      func tensor(_ bytes: [UInt8], _ sum: Double) -> [String: Any] {
        [
          "sha256": unsafe SHA256.hexadecimal(of: bytes.span.bytes), "byteCount": bytes.count,
          "sum": sum,
        ]
      }
      frames["\(frame)"] =
        [
          "/frames": [
            "index": frame, "name": "p.png", "label": "7", "timeNanoseconds": 100,
            "raw": ["mediaType": "image/png", "name": "p.png"],
          ],
          "/raw": unsafe SHA256.hexadecimal(of: raw.span.bytes),
          "/inputs/0": tensor(image, pixels.reduce(0.0) { $0 + Double($1) }),
          "/layers/0007": tensor(codes, Double(-128 + 127 + frame)),
          "/outputs/0": tensor(half, 1.5),
          "/latency": [
            "preprocessNanoseconds": 1, "inferenceNanoseconds": 2,
            "endToEndNanoseconds": UInt64.max,
          ],
        ] as [String: Any]
    }
    try writer.finish()
    func channel(_ encoding: String, _ schema: String?, _ metadata: [String: String]) -> Any {
      ["messageEncoding": encoding, "schema": schema ?? NSNull(), "metadata": metadata]
        as [String: Any]
    }
    return [
      "profile": "exray", "frames": frames,
      "run": [
        "formatVersion": "1", "model": "m.tflite", "modelSHA256": "", "modelByteCount": "0",
        "runtime": "litert", "runtimeVersion": "", "kernels": "", "threads": "1", "capture": "io",
        "device": "", "operatingSystem": "", "recipe": "{}", "tool": "t",
        "startedNanoseconds": "0",
      ],
      "channels": [
        "/frames": channel("json", "exray.Frame", [:]),
        "/raw": channel("exray.raw", nil, [:]),
        "/latency": channel("json", "exray.Latency", [:]),
        "/inputs/0": channel(
          "exray.tensor", nil,
          [
            "role": "input", "index": "0", "tensorIndex": "0", "name": "image:0",
            "elementType": "float32", "shape": "1,2,2",
          ]),
        "/layers/0007": channel(
          "exray.tensor", nil,
          [
            "role": "layer", "index": "7", "tensorIndex": "3", "name": "a/b;c",
            "elementType": "int8", "shape": "3", "op": "CONV_2D", "opIndex": "7",
            "scales": "0.5,0.25,0.1", "zeroPoints": "0,1,-1", "axis": "0",
          ]),
        "/outputs/0": channel(
          "exray.tensor", nil,
          [
            "role": "output", "index": "0", "name": "score", "elementType": "float16", "shape": "",
          ]),
      ],
    ]
  }

  @Test("Reads identical values from our trace, indexed and streamed, every checksum verified")
  func identical() throws {
    let folder = try TemporaryFolder()
    var expected = try write(to: folder.path("a.mcap"))
    try JSONSerialization.data(withJSONObject: expected)
      .write(to: URL(filePath: folder.path("expected.json")))
    let output = try run(
      "check_trace.py", [folder.path("a.mcap"), folder.path("expected.json")])
    #expect(output.status == 0 && output.text == "identical\n", "\(output.text)")

    expected["profile"] = "other"
    try JSONSerialization.data(withJSONObject: expected)
      .write(to: URL(filePath: folder.path("expected.json")))
    let different = try run(
      "check_trace.py", [folder.path("a.mcap"), folder.path("expected.json")])
    #expect(different.status == 1 && different.text.contains("/profile is 'exray'"))
  }

  @Test("The ten lines of the documentation print each tensor, and are those of the script")
  func tenLines() throws {
    let folder = try TemporaryFolder()
    _ = try write(to: folder.path("a.mcap"))
    let output = try run("read_trace.py", [folder.path("a.mcap")])
    let lines = output.text.split(separator: "\n")
    #expect(output.status == 0 && lines.count == 9, "\(output.text)")
    #expect(lines.contains("2 /outputs/0 score float16 [] 1.5"))
    #expect(lines.contains("1 /layers/0007 a/b;c int8 [3] 0.0"))
    func text(_ path: String) throws -> String {
      try String(contentsOf: Requirements.packageRoot.appending(path: path), encoding: .utf8)
    }
    let script = try text("Scripts/read_trace.py")
    let code = try #require(script.split(separator: "\"\"\"\n", maxSplits: 1).last)
    #expect(try text("Documentation/trace-format.md").contains("```python\n\(code)```"))
  }
}
