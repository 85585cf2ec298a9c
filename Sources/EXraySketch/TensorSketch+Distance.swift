extension TensorSketch {
  /// A number with its uncertainty.
  public struct Estimate: Hashable, Sendable {
    /// The most likely value.
    public var value: Double
    /// How far off the value typically is: one standard deviation.
    public var standardError: Double
  }

  /// The Euclidean distance between both tensors, √Σ(a − b)².
  ///
  /// The square is unbiased; the standard error is an eighth of the distance, and never under what rounding
  /// the projections to binary32 costs. Elements that are not finite count as 0.
  ///
  /// - Returns: The estimate, or nil where seeds or counts differ, where projections were withheld, and where
  ///   one is beyond binary32.
  public func estimatedDistance(to other: TensorSketch) -> Estimate? {
    guard seed == other.seed, elementCount == other.elementCount, !projections.isEmpty,
      projections.count == other.projections.count
    else { return nil }
    var squares = 0.0
    var magnitudes = 0.0
    for (left, right) in zip(projections, other.projections) {
      guard abs(left) < .greatestFiniteMagnitude, abs(right) < .greatestFiniteMagnitude else {
        return nil
      }
      let difference = Double(left) - Double(right)
      squares += difference * difference
      magnitudes += Double(left) * Double(left) + Double(right) * Double(right)
    }
    // √(2/k) of the square is √(1/2k) of its root: 1/8 for 32 projections.
    let sampling = squares / Double(2 * projections.count)
    let rounding = magnitudes * 0x1p-48
    return Estimate(value: squareRoot(squares), standardError: squareRoot(sampling + rounding))
  }

  /// The root mean squared difference over the reference's range (max − min), as reports define `nrmse`.
  ///
  /// - Returns: The estimate, or nil where there is no distance and where the reference has no range.
  public func estimatedNRMSE(reference: TensorSketch) -> Estimate? {
    guard let distance = estimatedDistance(to: reference) else { return nil }
    let range = Double(reference.maximum) - Double(reference.minimum)
    guard range > 0 else { return nil }
    let unit = squareRoot(Double(elementCount)) * range
    return Estimate(
      value: distance.value / unit, standardError: distance.standardError / unit)
  }
}

/// The square root of a number that is not negative.
///
/// Taking the magnitude first tells the compiler so. Else it prepares for negative ones, by a call into the
/// system's mathematics library, which a program without Foundation does not link on Linux.
func squareRoot(_ value: Double) -> Double { value.magnitude.squareRoot() }
