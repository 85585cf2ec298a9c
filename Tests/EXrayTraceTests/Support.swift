import EXrayCore
import EXrayTestKit
import EXrayTrace
import Foundation

/// A folder that goes away with this value.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "trace-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appending(path: name).path }

  var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
  }
}

func fileBytes(_ path: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(filePath: path)))
}

/// All that a frame of a trace holds.
struct Frame: Equatable {
  var description: FrameDescription
  var tensors: [[UInt8]?]
  var raw: RawInput?
  var latency: LatencySample?
  var memory: MemorySample?
  var spans: [SpanSample] = []
  var ops: [OpTimingSample] = []
}

/// A run's description, its tensors and frames, made from a seed.
struct RandomTrace {
  var run: RunDescription
  var tensors: [TensorStream] = []
  var frames: [Frame] = []

  init(seed: UInt64, frameCount: Int = 6, largest: Int = 40) {
    var random = SplitMix64(seed: seed)
    func text() -> String {
      ["", "a:b", "conv/Relu;1", "\"quoted\\\"", "é\n\u{1}\u{10FFFF}"].randomElement(using: &random)
        ?? ""
    }
    run = RunDescription(
      model: "m.tflite", modelSHA256: String(repeating: "ab", count: 32), modelByteCount: 1234,
      runtime: "litert", runtimeVersion: "2.3.0", kernels: "builtin", threads: 2,
      capture: "layers", device: text(), operatingSystem: text(),
      recipe: seed % 2 == 0 ? #"{"steps":[]}"# : nil, tool: "exray 0.1.0",
      startedNanoseconds: .random(in: 0...UInt64.max, using: &random))
    var counts: [TensorRole: Int] = [:]
    for _ in 0..<Int.random(in: 1...9, using: &random) {
      let role = TensorRole.allCases.randomElement(using: &random) ?? .layer
      let type = ElementType.allCases.randomElement(using: &random) ?? .float32
      let shape = Shape(
        (0..<Int.random(in: 0...3, using: &random)).map { _ in
          Int.random(in: 0...largest, using: &random)
        })
      let scales = (0..<[1, 5].randomElement(using: &random, or: 1)).map { _ in
        Float.random(in: 1e-9...2, using: &random)
      }
      let quantization = Quantization(
        scales: scales, zeroPoints: scales.map { _ in .random(in: -128...127, using: &random) },
        axis: max(0, shape.rank - 1))
      let index = counts[role, default: 0]
      counts[role] = index + 1
      tensors.append(
        TensorStream(
          role: role, index: index, tensorIndex: Bool.random(using: &random) ? index * 7 : nil,
          op: role == .input ? nil : OpReference(index: index, type: "CONV_2D"),
          description: TensorDescription(
            name: text(), elementType: type, shape: shape,
            quantization: type.isInteger ? quantization : nil)))
    }
    var index = 0
    for _ in 0..<frameCount {
      let isFull = Int.random(in: 0..<4, using: &random) > 0
      var frame = Frame(
        description: FrameDescription(
          index: index, name: text(), label: isFull ? text() : nil,
          timeNanoseconds: .random(in: 0...UInt64.max, using: &random)),
        tensors: [])
      frame.tensors = tensors.map { tensor in
        guard isFull || Bool.random(using: &random) else { return nil }
        let count = tensor.description.byteCount ?? Int.random(in: 0...99, using: &random)
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      }
      if isFull {
        frame.raw = RawInput(mediaType: "image/png", name: text(), bytes: [1, 2, UInt8(index)])
        frame.latency = LatencySample(
          preprocessNanoseconds: 1, inferenceNanoseconds: .max, endToEndNanoseconds: 3)
        frame.memory = MemorySample(residentBytes: 5, peakBytes: 1 << 40)
        frame.spans = [SpanSample(name: text(), startNanoseconds: 9, durationNanoseconds: 2)]
        frame.ops = [
          OpTimingSample(label: text(), opIndex: 0, microseconds: 12),
          OpTimingSample(label: "Delegate", opIndex: nil, microseconds: 0),
        ]
      }
      frames.append(frame)
      index += Int.random(in: 1...3, using: &random)
    }
  }

  func write(to path: String) throws {
    var writer = try TraceWriter(path: path, run: run, tensors: tensors)
    for frame in frames {
      try writer.beginFrame(frame.description)
      if let raw = frame.raw { try writer.write(raw) }
      for (stream, bytes) in frame.tensors.enumerated() {
        if let bytes { unsafe try writer.write(bytes.span.bytes, toTensor: stream) }
      }
      if let latency = frame.latency { try writer.write(latency) }
      if let memory = frame.memory { try writer.write(memory) }
      for span in frame.spans { try writer.write(span) }
      if !frame.ops.isEmpty { try writer.write(frame.ops) }
      try writer.endFrame()
    }
    try writer.finish()
  }
}

extension Collection {
  fileprivate func randomElement(using random: inout SplitMix64, or other: Element) -> Element {
    randomElement(using: &random) ?? other
  }
}

/// All frames that a trace holds.
func frames(_ reader: TraceReader) throws -> [Frame] {
  try reader.frames.indices.map { frame in
    Frame(
      description: reader.frames[frame],
      tensors: try reader.tensors.indices.map { stream in
        try reader.withTensor(stream, frame: frame) { bytes in
          unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
        }
      },
      raw: try reader.rawInput(frame: frame), latency: try reader.latency(frame: frame),
      memory: try reader.memory(frame: frame), spans: try reader.spans(frame: frame),
      ops: try reader.ops(frame: frame))
  }
}

func write(_ bytes: [UInt8], to path: String) throws {
  try Data(bytes).write(to: URL(filePath: path))
}
