import EXrayCore
import EXrayTestKit
import EXrayTrace
import Foundation

/// A trace of a small made-up model, to be changed at will and written.
struct TraceMaker: Sendable {
  struct Frame: Sendable {
    var name: String
    var label: String?
    /// Values of each tensor; nil where the frame has none.
    var values: [[UInt8]?]
    var raw: RawInput?
    var nanoseconds: UInt64 = 1_000_000
  }

  var run = RunDescription(
    model: "m.tflite", modelSHA256: String(repeating: "ab", count: 32), modelByteCount: 1234,
    runtime: "litert", runtimeVersion: "2.3.0", kernels: "builtin", threads: 1, capture: "layers",
    device: "here", operatingSystem: "none", recipe: nil, tool: "test", startedNanoseconds: 0)
  var tensors: [TensorStream] = []
  var frames: [Frame] = []

  /// A picture of 16 × 16 pixels, two layers, a mask and five scores, with values from a seed.
  init(frames count: Int = 4, seed: UInt64 = 1) {
    add(.input, "image", [1, 16, 16, 3])
    add(.layer, "first", [1, 8, 8, 4])
    add(.layer, "second", [1, 8, 8, 2])
    add(.output, "mask", [1, 16, 16, 1])
    add(.output, "scores", [1, 5])
    var random = SplitMix64(seed: seed)
    for index in 0..<count {
      frames.append(
        Frame(
          name: "frame\(index).png", label: "\(index % 5)",
          values: tensors.map { tensor in
            Self.bytes(
              (0..<(tensor.description.shape.elementCount ?? 0)).map { _ in
                Float.random(in: -1...1, using: &random)
              })
          }))
    }
  }

  /// Adds a tensor of float32.
  mutating func add(_ role: TensorRole, _ name: String, _ shape: Shape) {
    let description = TensorDescription(name: name, elementType: .float32, shape: shape)
    add(role, description)
  }

  mutating func add(_ role: TensorRole, _ description: TensorDescription) {
    let index = tensors.filter { $0.role == role }.count
    let op = role == .input ? nil : OpReference(index: tensors.count, type: "CONV_2D")
    tensors.append(TensorStream(role: role, index: index, op: op, description: description))
  }

  /// Sets every value of every tensor.
  mutating func fill(_ value: (Int) -> Float) {
    for frame in frames.indices {
      frames[frame].values = tensors.map { tensor in
        Self.bytes((0..<(tensor.description.shape.elementCount ?? 0)).map(value))
      }
    }
  }

  static func bytes(_ values: [Float]) -> [UInt8] {
    values.flatMap { value in
      (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
    }
  }

  /// Writes the trace and returns its path.
  func write(_ path: String) throws -> String {
    var writer = try TraceWriter(path: path, run: run, tensors: tensors)
    for (index, frame) in frames.enumerated() {
      try writer.beginFrame(
        FrameDescription(
          index: index, name: frame.name, label: frame.label, timeNanoseconds: UInt64(index)))
      if let raw = frame.raw { try writer.write(raw) }
      for (stream, values) in frame.values.enumerated() {
        if let values { unsafe try writer.write(values.span.bytes, toTensor: stream) }
      }
      try writer.write(
        LatencySample(
          preprocessNanoseconds: frame.nanoseconds, inferenceNanoseconds: frame.nanoseconds,
          endToEndNanoseconds: frame.nanoseconds))
      try writer.endFrame()
    }
    try writer.finish()
    return path
  }
}
