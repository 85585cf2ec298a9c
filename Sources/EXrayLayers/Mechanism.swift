import EXrayCore
import EXrayModel
import EXrayValidation

/// By what mechanism a layer goes wrong, with the numbers that show it.
struct Mechanism {
  var cause: Cause
  var title: String
  var confidence: Double
  var evidence: [String]
  var fix: String

  /// Tries the mechanisms from the most certain evidence to the least.
  init(_ suspect: Suspect, biasScale: BiasScaleMismatch?) {
    self =
      Self.notFinite(suspect) ?? Self.kernel(suspect) ?? Self.biasScale(suspect, biasScale)
      ?? Self.activation(suspect) ?? Self.weights(suspect) ?? Self.bias(suspect)
      ?? Self.operands(suspect) ?? Self.range(suspect) ?? Self.line(suspect)
      ?? Self.unknown(suspect)
  }

  init(_ cause: Cause, _ title: String, _ confidence: Double, _ evidence: [String], fix: String) {
    self.cause = cause
    self.title = title
    self.confidence = confidence
    self.evidence = evidence
    self.fix = fix
  }

  /// The finding about a layer.
  func finding(for suspect: Suspect) -> Finding {
    let layer = suspect.layer
    var facts = evidence
    let size = layer.step > 0 ? "\(Words.short(suspect.own / layer.step)) steps, " : ""
    facts.append(
      "own error \(size)\(Words.percent(suspect.relative)) of the result's size, \(Words.short(suspect.excess)) times what rounding explains"
    )
    if let share = layer.share {
      facts.append("\(Words.percent(share)) of the final output's error come from here")
    }
    return Finding(
      cause: cause, title: "\(suspect.place): \(title)",
      where: .init(stage: "layer", op: layer.op.index, tensor: layer.description.name),
      confidence: confidence, evidence: facts, fix: fix)
  }

  // MARK: Values and kernels

  private static func notFinite(_ suspect: Suspect) -> Self? {
    guard suspect.layer.own.notFinite > 0 else { return nil }
    return Self(
      .notFinite, "NaN or infinite values from finite inputs", 0.99,
      [
        "\(suspect.layer.own.notFinite) values are not finite, the reference's op gives finite ones"
      ],
      fix: "Look for NaN in the weights, a division by zero, or an overflow of float16 at this op.")
  }

  private static func kernel(_ suspect: Suspect) -> Self? {
    let layer = suspect.layer
    let unit = layer.step > 0 ? layer.step : layer.signal.rootMeanSquare * 1e-3
    let context = layer.context.rootMeanSquare
    if context > 0.5 * suspect.own, context > unit {
      return Self(
        .kernelContext, "right alone, wrong in its graph", 0.9,
        [
          "the op alone on the same inputs gives values that differ by \(Words.short(context / unit)) \(layer.step > 0 ? "steps" : "thousandths")"
        ],
        fix:
          "A delegate or a fused kernel is at fault: run with other kernels, keep this op out of the delegate, and report it to the runtime's makers."
      )
    }
    let kernel = layer.kernel.rootMeanSquare
    guard kernel > 0.5 * suspect.own, kernel > unit else { return nil }
    return Self(
      .kernelMismatch, "the kernel computes something else", 0.9,
      [
        "trusted kernels on the same inputs differ by \(Words.short(kernel / unit)) \(layer.step > 0 ? "steps" : "thousandths")"
      ],
      fix:
        "Run this op with the other kernels, and report it to the runtime's makers with both outputs."
    )
  }

  private static func biasScale(
    _ suspect: Suspect, _ mismatch: BiasScaleMismatch?
  ) -> Self? {
    guard let mismatch else { return nil }
    return Self(
      .biasScale, "the bias has the wrong scale", 0.95,
      [
        "bias scale ÷ (input scale × weight scale) = \(Words.short(mismatch.ratio)) instead of 1, read off the model file"
      ],
      fix: "Quantize this bias again with input scale × weight scale, or convert the model again.")
  }

  private static func activation(_ suspect: Suspect) -> Self? {
    let own = suspect.op.activation
    let total = suspect.layer.own.total
    let missing = total.errorAtWantedBound / max(total.squaredError, .leastNormalMagnitude)
    let extra = total.errorAtGivenBound / max(total.squaredError, .leastNormalMagnitude)
    guard max(missing, extra) > 0.8, own != suspect.referenceActivation else { return nil }
    let (what, part) = missing > extra ? ("missing", missing) : ("added", extra)
    return Self(
      .activation, "an activation is \(what)", 0.9,
      [
        "\(Words.percent(part)) of the own error are values that \(missing > extra ? "the reference clamps" : "only the candidate clamps")",
        "activation \(own ?? "NONE") instead of \(suspect.referenceActivation ?? "NONE")",
      ],
      fix:
        "Convert the model again with the activation \(suspect.referenceActivation ?? "NONE") after this op."
    )
  }

  private static func unknown(_ suspect: Suspect) -> Self {
    suspect.layer.step > 0
      ? Self(
        .quantizationDrift, "departs far more than rounding explains", 0.6, [],
        fix: "Check this layer's scales, or keep it in float.")
      : Self(
        .modelMismatch, "computes something else", 0.6, [],
        fix: "Check that both files come from the same training run.")
  }
}
