import EXrayCore
import EXrayModel
import EXrayValidation

// What ranges, constants and a straight line say.
extension Mechanism {
  static func range(_ suspect: Suspect) -> Self? {
    if let joined = joined(suspect) { return joined }
    let total = suspect.layer.own.total
    guard let range = suspect.layer.own.range else { return nil }
    let clipped = total.clippedEnergy / max(total.squaredError, .leastNormalMagnitude)
    if suspect.isClipped, clipped > 0.5 {
      let beyond = Double(total.belowRange + total.aboveRange) / Double(max(1, total.count))
      return Self(
        .rangeTooNarrow, "the range of the result is too narrow", 0.95,
        [
          "the tensor holds \(Words.short(Double(range.lowerBound))) to \(Words.short(Double(range.upperBound))), the op's values go from \(Words.short(Double(total.lowestWanted))) to \(Words.short(Double(total.highestWanted)))",
          "\(Words.percent(beyond)) of the values are cut off, which makes \(Words.percent(clipped)) of the own error",
        ],
        fix: "Calibrate this tensor's range again with inputs as the app makes them.")
    }
    guard let (needed, held) = suspect.extents, needed > 0, held > 4 * needed,
      suspect.own < max(3 * suspect.expected.actual, 0.6 * suspect.layer.step)
    else { return nil }
    let facts = [
      "the tensor holds a range of \(Words.short(held)), the op's values need \(Words.short(needed)): \(Words.short(255 * needed / held)) of 255 steps are used"
    ]
    return Self(
      .rangeTooWide, "the range of the result is too wide", 0.9, facts,
      fix: "Calibrate this tensor's range again; look for outliers in the calibration inputs.")
  }

  /// Other constants of an elementwise op: normalisation inside the graph.
  static func operands(_ suspect: Suspect) -> Self? {
    guard let (own, wanted) = suspect.operands, own.count == wanted.count, !own.isEmpty else {
      return nil
    }
    let worst = zip(own, wanted).max { abs($0.0 - $0.1) < abs($1.0 - $1.1) } ?? (0, 0)
    guard abs(worst.0 - worst.1) > 0.01 * abs(worst.1) else { return nil }
    return Self(
      .inputNormalization, "the op scales or shifts by other numbers", 0.95,
      [
        "its constant is \(Words.short(Double(worst.0))) where the reference's is \(Words.short(Double(worst.1)))"
      ],
      fix: "Put the reference's numbers into this op, or normalise in the app and not in the graph."
    )
  }

  /// Small values that lose their steps because large ones share their scale.
  private static func joined(_ suspect: Suspect) -> Self? {
    guard let group = suspect.smallGroup else { return nil }
    return Self(
      .concatScale, "values of very different size share one scale", 0.9,
      [
        "channels \(group.channels.lowerBound) to \(group.channels.upperBound - 1) need a range of \(Words.short(group.needed)), the tensor holds \(Words.short(group.held)): \(Words.short(255 * group.needed / group.held)) of 255 steps are used",
        "their own error is \(Words.percent(group.relative)) of their size",
      ],
      fix:
        "Give the joined tensors outputs of their own, or bring them to one size before they are joined."
    )
  }

  /// What a straight line through all values says where weights say nothing.
  static func line(_ suspect: Suspect) -> Self? {
    let total = suspect.layer.own.total
    guard let line = total.line else { return nil }
    let left = (line.residual).squareRoot()
    guard left < 0.3 * suspect.own else { return nil }
    let step = suspect.layer.step
    if abs(line.slope - 1) < 0.02, step > 0, abs(line.intercept) > step {
      return Self(
        .zeroPoint, "the result is \(Words.short(line.intercept / step)) steps off everywhere",
        0.85,
        ["given = \(Words.short(line.slope)) × wanted + \(Words.short(line.intercept))"],
        fix: "Check the zero points of this op's input and result.")
    }
    return Self(
      .inputNormalization, "the op scales and shifts otherwise", 0.6,
      [
        "given = \(Words.short(line.slope)) × wanted + \(Words.short(line.intercept)) for all values"
      ],
      fix: "Compare this op's constants with the reference's.")
  }
}
