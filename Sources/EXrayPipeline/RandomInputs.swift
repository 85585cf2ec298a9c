import EXrayCore
import EXrayProfile
import EXrayRuntime

/// Inputs made up from a seed: what a model computes does not matter for how long it takes.
///
/// Floating-point values lie between −1 and 1. Integers take their whole range where they are quantized, and are 0 or 1
/// elsewhere, where they may be indices.
enum RandomInputs {
  /// The packed values of each input.
  static func make(for tensors: [SessionTensor], seed: UInt64) -> [[UInt8]] {
    tensors.enumerated().map { index, tensor in
      var random = SeededGenerator(seed: seed &+ UInt64(index) &* 0x9E37_79B9)
      return values(of: tensor.description, using: &random)
    }
  }

  private static func values(
    of tensor: TensorDescription, using random: inout SeededGenerator
  ) -> [UInt8] {
    guard let byteCount = tensor.byteCount, let width = tensor.elementType.bitWidth else {
      return []
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(byteCount + 8)
    while bytes.count < byteCount {
      let bits = random.next()
      let sign = bits & 1
      let word: UInt64 =
        switch tensor.elementType {
        case .float32: UInt64(Float(Self.fraction(bits)).bitPattern)
        case .float64: Self.fraction(bits).bitPattern
        // Between 0.5 and 1, either sign.
        case .float16: 0x3800 | sign << 15 | bits >> 32 & 0x03ff
        case .bfloat16: 0x3f00 | sign << 15 | bits >> 32 & 0x007f
        case .bool: sign
        default: tensor.quantization == nil && width > 8 ? sign : bits
        }
      for shift in stride(from: 0, to: max(8, width), by: 8) {
        bytes.append(shift < 64 ? UInt8(truncatingIfNeeded: word >> UInt64(shift)) : 0)
      }
    }
    return Array(bytes.prefix(byteCount))
  }

  /// A number between −1 and 1.
  private static func fraction(_ bits: UInt64) -> Double { Double(bits >> 11) / 0x1p52 - 1 }
}
