import EXrayCore
import EXraySketch
import EXrayTestKit

/// The bytes of float32 values.
func bytes(of values: [Float]) -> [UInt8] {
  values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
  }
}

/// The sketch of float32 values.
func sketch(_ values: [Float], seed: UInt64 = 0) -> TensorSketch {
  let description = TensorDescription(name: "t", elementType: .float32, shape: [values.count])
  return sketch(bytes(of: values), as: description, seed: seed)
}

/// The sketch of bytes.
func sketch(
  _ bytes: [UInt8], as description: TensorDescription, seed: UInt64 = 0
) -> TensorSketch {
  unsafe TensorSketch(of: bytes.span.bytes, as: description, seed: seed)
}

/// The sketch that encoded bytes hold.
func decode(_ bytes: [UInt8]) throws(SketchError) -> TensorSketch {
  try unsafe TensorSketch(decoding: bytes.span.bytes)
}

extension SplitMix64 {
  /// Bytes of any value.
  mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
  }

  /// Values around `mean`, nearly normal: sums of four uniform ones, with a standard deviation of `spread`.
  mutating func values(_ count: Int, mean: Float = 0, spread: Float = 1) -> [Float] {
    (0..<count).map { _ in
      let sum = (0..<4).reduce(Float(0)) { sum, _ in sum + Float.random(in: -1...1, using: &self) }
      return mean + spread * sum * 0.866_025_4
    }
  }
}
