import EXrayCore
import EXrayPreprocess
import EXrayTestKit
import EXrayValidation
import Foundation
import Testing

@Suite(.enabled(if: Requirements.python != nil))
struct NumPyTests {
  @Test(arguments: [ElementType.float32, .int8, .uint8, .int16], [UInt64(1), 2])
  func `metrics equal NumPy's to a millionth`(elementType: ElementType, seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let count = 100_003
    let reference = (0..<count).map { _ in
      Float.random(in: -2...3, using: &generator) * Float.random(in: 0...1, using: &generator)
    }
    let noisy = reference.map { $0 + Float.random(in: -0.05...0.05, using: &generator) }
    let scale: Float = elementType == .int16 ? 0.001 : 0.03
    let description = TensorDescription(
      name: "t", elementType: elementType, shape: [count],
      quantization: elementType == .float32
        ? nil : Quantization(scales: [scale], zeroPoints: [elementType == .uint8 ? 90 : -7]))
    let plain = TensorDescription(name: "r", elementType: .float32, shape: [count])
    let candidateBytes = try description.storedBytes(for: noisy)
    let referenceBytes = try plain.storedBytes(for: reference)
    var accumulator = try #require(
      DifferenceAccumulator(candidate: description, reference: plain))
    unsafe accumulator.add(
      candidate: candidateBytes.span.bytes, reference: referenceBytes.span.bytes, frame: "f")
    let metrics = try JSONSerialization.jsonObject(
      with: JSONEncoder().encode(#require(accumulator.metrics)))

    let expected = try withTemporaryFolder { folder in
      let paths = ["candidate.npy", "reference.npy"].map { folder.appending(path: $0) }
      try Data(
        NPYFile.encode(elementType: elementType, shape: [count], bytes: candidateBytes)
      ).write(to: paths[0])
      try Data(NPYFile.encode(elementType: .float32, shape: [count], bytes: referenceBytes))
        .write(to: paths[1])
      var arguments = ["Scripts/check_metrics.py"] + paths.map(\.path)
      if let quantization = description.quantization {
        arguments += ["\(Double(scale))", "\(quantization.zeroPoints[0])"]
      }
      let outcome = try BuiltTool.run(try #require(Requirements.python), arguments)
      #expect(outcome.status == 0, "\(outcome.errors)")
      return try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    }
    let computed = try #require(metrics as? [String: Any])
    for (name, value) in try #require(expected as? [String: Any]) {
      guard let wanted = value as? Double else { continue }
      let found = try #require(computed[name] as? Double, "\(name)")
      #expect(abs(found - wanted) <= 1e-6 * abs(wanted), "\(name): \(found), NumPy \(wanted)")
    }
  }
}
