import EXrayCore
import EXrayLayers
import EXrayModel
import EXrayPipeline
import EXrayTestKit
import EXrayValidation
import Foundation
import Testing

/// Noise of known size, put in behind one op of a real model.
@Suite(.enabled(if: Setup.isReady)) struct NoiseTests {
  static let cases: [(model: String, range: ClosedRange<Float>, op: Int)] = [
    ("imagenet/mobilenet_v1_025_224_float", -1...1, 2),
    ("imagenet/mobilenet_v1_025_224_float", -1...1, 13),
    ("imagenet/mobilenet_v1_025_224_float", -1...1, 24),
    ("cifar10/resnet8_float", 0...255, 1), ("cifar10/resnet8_float", 0...255, 6),
    ("audio/kws_dscnn_float", -80...80, 4), ("anomaly/ad01_float", -80...0, 3),
  ]

  @Test(arguments: cases)
  func `the op that noise was put behind ranks first, and the shares sum to the output's error`(
    _ item: (model: String, range: ClosedRange<Float>, op: Int)
  ) throws {
    try withTemporaryFolder { folder in
      let reference = try Setup.model(item.model)
      let (bytes, energy) = try Self.noisy(reference.model, behind: item.op)
      let path = folder.appending(path: "noisy.tflite")
      try Data(bytes).write(to: path)
      let candidate = try ModelFile(path: path.path)
      let diagnosis = try DissectJob(
        candidate: Setup.specification(candidate), reference: Setup.specification(reference),
        inputs: Setup.inputs(for: reference, count: 2, range: item.range, folder: folder),
        frameLimit: 2
      ).run(observer: nil)
      let shares = diagnosis.layers.compactMap(\.errors.share)
      let sum = shares.reduce(0, +) + (diagnosis.inputShare ?? 0)
      #expect(abs(sum - 1) < 0.05, "the shares sum to \(sum)")
      let first = try #require(
        diagnosis.layers.max { ($0.errors.share ?? 0) < ($1.errors.share ?? 0) })
      #expect(first.errors.share ?? 0 > 0.95, "\(diagnosis.layers)")
      // The noise itself is an op of its own, behind the op that it was put behind.
      #expect(first.op.index == item.op + 1)
      #expect(
        abs(first.rootMeanSquare - energy) < 0.05 * energy, "\(first.rootMeanSquare), \(energy)")
      let finding = try #require(diagnosis.findings.first)
      #expect(finding.where.op == item.op + 1)
      let others = diagnosis.layers.filter { $0.op.index != first.op.index }
      #expect(others.allSatisfy { $0.errors.own < 1e-4 }, "\(others)")
    }
  }

  /// A copy of a model with an op behind one of its ops that adds constant noise, and the noise's root mean square.
  private static func noisy(_ model: Model, behind op: Int) throws -> ([UInt8], Double) {
    var draft = ModelDraft(model)
    let result = draft.ops[op].outputs[0]
    var description = draft.description(of: result)
    let clean = draft.addTensor(
      TensorDescription(name: "clean", elementType: .float32, shape: description.shape))
    var generator = SplitMix64(seed: UInt64(op))
    let noise = (0..<(description.shape.elementCount ?? 0)).map { _ in
      Float.random(in: -0.2...0.2, using: &generator)
    }
    let bytes = noise.flatMap { value in
      [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: value.bitPattern >> $0) }
    }
    description.name = "noise"
    let constant = draft.addTensor(description, constant: bytes)
    draft.ops[op].outputs = [clean]
    draft.ops.insert(
      ModelDraft.Op(.plain("ADD"), inputs: [clean, constant], outputs: [result]), at: op + 1)
    let energy = noise.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(noise.count)
    return (try draft.written().bytes, energy.squareRoot())
  }
}
