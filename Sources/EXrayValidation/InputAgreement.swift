public import EXrayCore

/// Whether both models were given the same real values, up to what their number formats can hold.
public struct InputAgreement: Sendable {
  private let tolerance: Float
  private let range: ClosedRange<Float>
  private let step: Float
  private var elements = 0
  private var beyond = 0
  private var saturated = 0
  private var deviation: Float = 0

  /// Creates an empty record for one input.
  ///
  /// The tolerance is half a quantization step of each side plus rounding of single precision.
  public init(candidate: TensorDescription, reference: TensorDescription) {
    let steps = [candidate, reference].map { description -> Float in
      description.elementType.isInteger ? description.quantization?.scale ?? 1 : 0
    }
    step = steps[0]
    tolerance = 0.502 * (steps[0] + steps[1])
    range = candidate.representableRange ?? -Float.infinity...Float.infinity
  }

  /// Adds the values of one frame, both as real numbers in the same order.
  public mutating func add(candidate: [Float], reference: [Float]) {
    let (lower, upper) = (range.lowerBound, range.upperBound)
    elements += min(candidate.count, reference.count)
    // The same values to the bit, which is what most runs are given, agree whatever the tolerance.
    if lower == -.infinity, upper == .infinity, candidate == reference { return }
    for (stored, wanted) in zip(candidate, reference) {
      let limited = wanted > upper ? upper : wanted < lower ? lower : wanted
      if abs(wanted - limited) > step { saturated += 1 }
      let difference = abs(stored - limited)
      if !(difference <= tolerance + 1e-5 * max(1, abs(limited))) {
        beyond += 1
        deviation = max(deviation, difference.isFinite ? difference : .infinity)
      }
    }
  }

  /// Fraction of elements that differ by more than the number formats explain.
  public var differingFraction: Double { elements == 0 ? 0 : Double(beyond) / Double(elements) }

  /// Fraction of the reference's values that lie outside what the candidate's input can hold.
  public var saturatedFraction: Double {
    elements == 0 ? 0 : Double(saturated) / Double(elements)
  }

  /// The largest difference beyond the tolerance, in real units.
  public var largestDeviation: Double { Double(deviation) }

  /// Whether the inputs are the same: at most one value in 10,000 differs.
  public var agrees: Bool { differingFraction <= 1e-4 }
}

extension TensorDescription {
  /// The least and the greatest real value that a quantized tensor can hold; nil for other tensors.
  public var representableRange: ClosedRange<Float>? {
    guard let integers = elementType.integerRange, let scale = quantization?.scale,
      let zeroPoint = quantization?.zeroPoint, scale > 0, scale.isFinite
    else { return nil }
    let low = scale * (Float(integers.lowerBound) - Float(zeroPoint))
    let high = scale * (Float(integers.upperBound) - Float(zeroPoint))
    return low <= high ? low...high : nil
  }
}
