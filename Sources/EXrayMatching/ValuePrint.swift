/// A tensor's values as 64 numbers, near each other where the values are.
///
/// The values are scaled to unit length and multiplied with 64 random rows of signs; cosines of two prints
/// estimate those of the values with a standard error of 1/8.
/// Source: Achlioptas, Database-friendly random projections, 2003.
public struct ValuePrint: Sendable, Hashable {
  /// Number of values.
  let count: Int
  /// Unit vector in eight parts.
  let vector: [SIMD8<Float>]

  /// Prints of more values than this are made from an even choice of them.
  private static let valueLimit = 1 << 15

  /// Makes a print of row-major values; nil where all are zero, and where one is not finite.
  ///
  /// - Complexity: O(*n*), at most 32,768 values.
  public init?(_ values: [Float]) {
    self.init(count: values.count, channels: 1) { values[$0] }
  }

  /// Makes a print of values of which each channel is scaled to unit length for itself.
  ///
  /// - Parameters:
  ///   - channels: Number of channels.
  ///   - channel: The channel of a value.
  ///   - value: The value at a place in the order that both sides share.
  init?(
    count: Int, channels: Int, channel: (Int) -> Int = { _ in 0 }, value: (Int) -> Float
  ) {
    guard count > 0, channels > 0 else { return nil }
    let step = (count + Self.valueLimit - 1) / Self.valueLimit
    var energies = [Float](repeating: 0, count: channels)
    for place in stride(from: 0, to: count, by: step) {
      let number = value(place)
      energies[channel(place)] += number * number
    }
    let factors = energies.map { $0 > 0 ? 1 / $0.squareRoot() : 0 }
    guard factors.allSatisfy(\.isFinite) else { return nil }
    var sums = [SIMD8<Float>](repeating: SIMD8(repeating: 0), count: 8)
    for place in stride(from: 0, to: count, by: step) {
      let number = value(place) * factors[channel(place)]
      if number == 0 { continue }
      let bits = Digest.mixed(UInt64(place))
      for row in 0..<8 {
        sums[row] += Self.signs[Int(truncatingIfNeeded: bits &>> (8 * UInt64(row)) & 255)] * number
      }
    }
    let length = sums.reduce(Float(0)) { $0 + ($1 * $1).sum() }.squareRoot()
    guard length > 0, length.isFinite else { return nil }
    self.count = count
    vector = sums.map { $0 / length }
  }

  /// For each byte, the signs that its bits stand for.
  private static let signs: [SIMD8<Float>] = (0..<256).map { byte in
    var signs = SIMD8<Float>(repeating: 1)
    for bit in 0..<8 where byte >> bit & 1 == 1 { signs[bit] = -1 }
    return signs
  }

  /// The cosine of both prints.
  func cosine(_ other: ValuePrint) -> Float {
    var sums = SIMD8<Float>(repeating: 0)
    for part in 0..<8 { sums += vector[part] * other.vector[part] }
    return sums.sum()
  }
}
