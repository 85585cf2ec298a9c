import EXrayCore
import EXraySketch
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
    let outcome = try BuiltTool.run(script: script, arguments)
    return Output(status: outcome.status, text: outcome.output + outcome.errors)
  }

  private func digest(_ bytes: [UInt8]) -> [String: Any] {
    ["sha256": unsafe SHA256.hexadecimal(of: bytes.span.bytes), "byteCount": bytes.count]
  }

  private func channel(
    _ encoding: String, _ schema: String?, _ metadata: [String: String] = [:]
  ) -> [String: Any] {
    ["messageEncoding": encoding, "schema": schema ?? NSNull(), "metadata": metadata]
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
        digest(bytes).merging(["sum": sum]) { $1 }
      }
      frames["\(frame)"] =
        [
          "/frames": [
            "index": frame, "name": "p.png", "label": "7", "timeNanoseconds": 100,
            "raw": ["mediaType": "image/png", "name": "p.png"],
          ],
          "/raw": [
            "timestamp": ["nanos": 100], "frame_id": "camera", "format": "png",
            "data": digest(raw),
          ],
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
        "/raw": channel("protobuf", "foxglove.CompressedImage", [:]),
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

  /// One message on every topic that is not of the model, and what Python must find.
  private func writeEvents(to path: String) throws -> [String: Any] {
    let custom = TensorStream(
      role: .custom, index: 0,
      description: TensorDescription(name: "logits", elementType: .uint8, shape: [2]))
    let embedding = TensorStream(
      role: .embedding, index: 0,
      description: TensorDescription(name: "e", elementType: .uint8, shape: [2]))
    let run = RunDescription(startedNanoseconds: 5)
    var writer = try TraceWriter(path: path, run: RunDescription(model: "replaced"))
    let (first, second): ([UInt8], [UInt8]) = ([1, 2], [3, 5])
    let sketch = unsafe TensorSketch(of: first.span.bytes, as: embedding.description)
    #expect(try writer.addTensor(custom) == 0)
    #expect(try writer.addTensor(embedding, isSketched: true) == 1)
    unsafe try writer.write(first.span.bytes, toTensor: 0, frame: 3, time: 7)
    try writer.write(ScalarSample(name: "a", value: -0.1), frame: 3, time: 8)
    unsafe try writer.write(second.span.bytes, toTensor: 0, frame: 3, time: 9)
    try writer.write(ScalarSample(name: "b", value: .infinity), frame: 3, time: 8)
    try writer.write(sketch, toTensor: 1, frame: 3, time: 9)
    let pixels: [UInt8] = [1, 2, 3, 4, 5, 6, 0, 0]
    let layout = ImageLayout(width: 2, height: 1, rowByteCount: 8, encoding: .bgr8)
    unsafe try writer.write(layout, pixels: pixels.span.bytes, frame: 3, time: 3_000_000_004)
    let box = BoxSample(x: 1, y: 2, width: 3, height: 4, label: "cat", score: 0.5)
    try writer.write([box], frame: 3, time: 1)
    try writer.write(
      FindingSample(check: "nan", outcome: .fail, message: "m", tensor: "e"), frame: 3, time: 1)
    let readings: [SensorReading] = [
      .orientation(x: 0, y: 0.25, z: 0, w: 1), .accelerometer(x: 1, y: 2, z: 9.81),
      .gyroscope(x: 0.5, y: 0, z: -1), .light(320), .temperature(-3.5),
    ]
    for reading in readings { try writer.write(reading, time: 4) }
    try writer.write(
      GapSample(reason: "ring-full", eventCount: 2, byteCount: 9, firstFrame: 1), time: 4)
    try writer.write(OverheadSample(frames: 1, events: .max, fileBytes: 3), time: 4)
    try writer.write(
      FrameRecord(
        frame: FrameDescription(index: 3, name: "n", timeNanoseconds: 2),
        raw: RawDescription(mediaType: "image/jpeg", name: "p", sha256: "ab", byteCount: 6),
        processorNanoseconds: 11))
    try writer.replaceRun(run)
    try writer.finish()

    let corners: [[String: Double]] = [
      ["x": 1, "y": 2], ["x": 4, "y": 2], ["x": 4, "y": 6], ["x": 1, "y": 6],
    ]
    let notes = [("width", "3.0"), ("height", "4.0"), ("label", "cat"), ("score", "0.5")]
    let green: [String: Double] = ["g": 1, "a": 1]
    let frame: [String: Any] = [
      "/frames": [
        "index": 3, "name": "n", "timeNanoseconds": 2,
        "raw": ["mediaType": "image/jpeg", "name": "p", "sha256": "ab", "byteCount": 6],
      ],
      "/processor": ["processorNanoseconds": 11],
      "/tensors/0000": [first, second].map { bytes in
        digest(bytes).merging(["sum": Double(bytes[0] + bytes[1])]) { $1 }
      },
      "/embeddings/0": unsafe SHA256.hexadecimal(of: sketch.encode().span.bytes),
      "/scalars": [["name": "a", "value": -0.1], ["name": "b", "value": "Infinity"]],
      "/findings": [["check": "nan", "outcome": "fail", "message": "m", "tensor": "e"]],
      "/image": [
        [
          "timestamp": ["seconds": 3, "nanos": 4], "frame_id": "camera", "width": 2, "height": 1,
          "encoding": "bgr8", "step": 8, "data": digest(pixels),
        ]
      ],
      "/boxes": [
        [
          "timestamp": ["nanos": 1],
          "points": [
            [
              "timestamp": ["nanos": 1], "type": 2, "points": corners, "outline_color": green,
              "thickness": 2, "metadata": notes.map { ["key": $0.0, "value": $0.1] },
            ]
          ],
          "texts": [
            [
              "timestamp": ["nanos": 1], "position": ["x": 1, "y": 2], "text": "cat 0.5",
              "font_size": 12, "text_color": green,
            ]
          ],
        ]
      ],
    ]
    let outside: [String: Any] = [
      "/sensors/orientation": [["x": 0, "y": 0.25, "z": 0, "w": 1]],
      "/sensors/accelerometer": [["x": 1, "y": 2, "z": 9.81]],
      "/sensors/gyroscope": [["x": 0.5, "y": 0, "z": -1]],
      "/sensors/light": [["lux": 320]], "/sensors/temperature": [["celsius": -3.5]],
      "/gaps": [["reason": "ring-full", "eventCount": 2, "byteCount": 9, "firstFrame": 1]],
      "/overhead": [
        [
          "frames": 1, "events": UInt64.max, "bytes": 0, "droppedEvents": 0, "droppedBytes": 0,
          "appNanoseconds": 0, "writerNanoseconds": 0, "peakRingBytes": 0, "fileBytes": 3,
        ]
      ],
    ]
    func about(_ role: String, _ name: String) -> [String: String] {
      ["role": role, "index": "0", "name": name, "elementType": "uint8", "shape": "2"]
    }
    return [
      "profile": "exray", "frames": ["3": frame, "none": outside],
      "run": [
        "formatVersion": "1", "model": "", "modelSHA256": "", "modelByteCount": "0",
        "runtime": "", "runtimeVersion": "", "kernels": "", "threads": "1", "capture": "io",
        "device": "", "operatingSystem": "", "tool": "", "startedNanoseconds": "5",
      ],
      "channels": [
        "/frames": channel("json", "exray.Frame"),
        "/processor": channel("json", "exray.Processor"),
        "/tensors/0000": channel("exray.tensor", nil, about("custom", "logits")),
        "/embeddings/0": channel("exray.sketch", nil, about("embedding", "e")),
        "/scalars": channel("json", "exray.Scalar"), "/findings": channel("json", "exray.Finding"),
        "/gaps": channel("json", "exray.Gap"), "/overhead": channel("json", "exray.Overhead"),
        "/image": channel("protobuf", "foxglove.RawImage"),
        "/boxes": channel("protobuf", "foxglove.ImageAnnotations"),
        "/sensors/orientation": channel("json", "exray.Orientation"),
        "/sensors/accelerometer": channel("json", "exray.Accelerometer", ["unit": "m/s²"]),
        "/sensors/gyroscope": channel("json", "exray.Gyroscope", ["unit": "rad/s"]),
        "/sensors/light": channel("json", "exray.Light", ["unit": "lx"]),
        "/sensors/temperature": channel("json", "exray.Temperature", ["unit": "°C"]),
      ],
    ]
  }

  @Test("Reads pictures, boxes, sensors and events as they were logged, by Foxglove's schemas")
  func events() throws {
    let folder = try TemporaryFolder()
    let expected = try writeEvents(to: folder.path("a.mcap"))
    try JSONSerialization.data(withJSONObject: expected)
      .write(to: URL(filePath: folder.path("expected.json")))
    let output = try run(
      "check_trace.py", [folder.path("a.mcap"), folder.path("expected.json")])
    #expect(output.status == 0 && output.text == "identical\n", "\(output.text)")
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
