import EXrayCore
import EXraySketch
import EXrayTestKit
import Foundation
import Testing

/// An independent maker of sketches: NumPy, from the documented formulas, in `Scripts/check_sketch.py`.
@Suite(
  "NumPy makes the same sketches",
  .enabled(if: Requirements.python != nil || Requirements.areStrict))
struct NumPyTests {
  private struct Case: Encodable {
    var type: String
    var shape: [Int]
    var scales: [Float]
    var zeroPoints: [Int64]
    var axis: Int
    var seed: UInt64
    var bytes: String
  }

  private struct Answer: Decodable {
    var nanCount, infinityCount, zeroCount: UInt64
    var minimum, maximum: Float
    var mean, standardDeviation: Double
    var quantiles: [Float]
    var projections: [Double]
  }

  private static let tensors: [(ElementType, Shape, Quantization?)] = {
    let types: [ElementType] = [
      .float16, .bfloat16, .float32, .int2, .int4, .uint4, .int8, .int16, .int32, .int64, .uint8,
      .uint16, .uint32, .uint64, .bool,
    ]
    let perTensor = Quantization(scales: [0.023_5], zeroPoints: [-7])
    let perChannel = Quantization(
      scales: [0.1, 0.02, 3, 0.7], zeroPoints: [0, 1, -2, 3], axis: 1)
    var tensors: [(ElementType, Shape, Quantization?)] = [(.float32, [100_003], nil)]
    for type in types {
      for shape in [[50], [7, 4, 13], [3, 4, 1009]] as [Shape] {
        tensors.append((type, shape, nil))
      }
      guard type.isInteger else { continue }
      tensors.append((type, [6, 1000], perTensor))
      tensors.append((type, [3, 4, 1009], perChannel))
    }
    return tensors
  }()

  @Test func `counts and ranges exactly, moments and projections to rounding`() throws {
    let python = try #require(Requirements.python, "no .deps/python; run Scripts/setup.sh test")
    var cases: [Case] = []
    var sketches: [TensorSketch] = []
    for (index, (type, shape, quantization)) in Self.tensors.enumerated() {
      let description = TensorDescription(
        name: "t", elementType: type, shape: shape, quantization: quantization)
      var generator = SplitMix64(seed: UInt64(index))
      let byteCount = try #require(description.byteCount)
      var stored = generator.bytes(byteCount)
      if type == .float32, index % 2 == 0 {
        stored = bytes(of: generator.values(byteCount / 4, mean: 300))
      }
      if type == .bool { stored = stored.map { $0 & 1 } }
      // Clear the sign of 64-bit integers: beyond Int64.max, dequantization clamps, and NumPy wraps.
      if type == .uint64 { stored = stored.enumerated().map { $0 % 8 == 7 ? $1 & 0x7F : $1 } }
      let seed = generator.next()
      sketches.append(sketch(stored, as: description, seed: seed))
      cases.append(
        Case(
          type: type.rawValue, shape: shape.dimensions, scales: quantization?.scales ?? [],
          zeroPoints: quantization?.zeroPoints ?? [], axis: quantization?.axis ?? 0, seed: seed,
          bytes: stored.map { String(Int($0) + 256, radix: 16).suffix(2) }.joined()))
    }
    let file = FileManager.default.temporaryDirectory.appending(path: "exray-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    let encoder = JSONEncoder()
    let lines = try cases.map { String(decoding: try encoder.encode($0), as: UTF8.self) + "\n" }
    try Data(lines.joined().utf8).write(to: file)
    let outcome = try BuiltTool.run(
      python, [Requirements.packageRoot.appending(path: "Scripts/check_sketch.py").path, file.path])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let answers = try outcome.output.split(separator: "\n").map {
      try JSONDecoder().decode(Answer.self, from: Data($0.utf8))
    }
    try #require(answers.count == sketches.count)
    for (index, (made, answer)) in zip(sketches, answers).enumerated() {
      compare(made, answer, Comment(rawValue: "\(Self.tensors[index])"))
    }
  }

  private func compare(_ made: TensorSketch, _ answer: Answer, _ words: Comment) {
    #expect(made.nanCount == answer.nanCount, words)
    #expect(made.infinityCount == answer.infinityCount, words)
    #expect(made.zeroCount == answer.zeroCount, words)
    #expect(made.minimum == answer.minimum && made.maximum == answer.maximum, words)
    // The mean to rounding of the terms, the spread to rounding.
    let magnitude = answer.standardDeviation + abs(answer.mean)
    #expect(abs(made.mean - answer.mean) <= 1e-12 * magnitude, words)
    #expect(
      abs(made.standardDeviation - answer.standardDeviation) <= 1e-9 * answer.standardDeviation,
      words)
    #expect(made.quantiles == answer.quantiles, words)
    #expect(made.projections.count == answer.projections.count, words)
    let largest = answer.projections.map(abs).max() ?? 0
    for (ours, theirs) in zip(made.projections, answer.projections) {
      // Half a unit in the last place, and double rounding of the sum.
      #expect(abs(Double(ours) - theirs) <= 0x1p-24 * abs(theirs) + 1e-13 * largest, words)
    }
  }
}
