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
  init(_ suspect: LayerDiagnosis.Suspect, biasScale: BiasScaleMismatch?) {
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
  func finding(for suspect: LayerDiagnosis.Suspect) -> Finding {
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
      cause: cause, title: "\(LayerDiagnosis.place(suspect)): \(title)",
      where: .init(stage: "layer", op: layer.op.index, tensor: layer.description.name),
      confidence: confidence, evidence: facts, fix: fix)
  }

  // MARK: Values and kernels

  private static func notFinite(_ suspect: LayerDiagnosis.Suspect) -> Self? {
    guard suspect.layer.own.notFinite > 0 else { return nil }
    return Self(
      .notFinite, "NaN or infinite values from finite inputs", 0.99,
      [
        "\(suspect.layer.own.notFinite) values are not finite, the reference's op gives finite ones"
      ],
      fix: "Look for NaN in the weights, a division by zero, or an overflow of float16 at this op.")
  }

  private static func kernel(_ suspect: LayerDiagnosis.Suspect) -> Self? {
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
    _ suspect: LayerDiagnosis.Suspect, _ mismatch: BiasScaleMismatch?
  ) -> Self? {
    guard let mismatch else { return nil }
    return Self(
      .biasScale, "the bias has the wrong scale", 0.95,
      [
        "bias scale ÷ (input scale × weight scale) = \(Words.short(mismatch.ratio)) instead of 1, read off the model file"
      ],
      fix: "Quantize this bias again with input scale × weight scale, or convert the model again.")
  }

  private static func activation(_ suspect: LayerDiagnosis.Suspect) -> Self? {
    let own = LayerDiagnosis.activation(of: suspect.op)
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

  // MARK: Weights

  private static func weights(_ suspect: LayerDiagnosis.Suspect) -> Self? {
    guard let weights = suspect.weights else { return nil }
    if let rearranged = rearranged(weights) { return rearranged }
    let dead = weights.channels.count { $0.isDead }
    if dead > 0, errorShare(of: suspect, where: { weights.channels[$0].isDead }) > 0.5 {
      return Self(
        .deadChannels, "\(dead) of \(weights.channels.count) channels are dead", 0.9,
        ["\(dead) channels have no weights other than 0, and the reference's have"],
        fix:
          "Convert this layer again; look for weights that a coarse scale rounded to 0, or that were pruned."
      )
    }
    let (ratio, spread) = weights.ratios
    let cosine = weights.cosine
    if let noise = perTensor(suspect, weights) { return noise }
    if weights.areMultiples {
      if abs(ratio - 1) > 0.02, spread < 0.3 * abs(ratio - 1) {
        return Self(
          .weightScale, "the weights are \(Words.short(ratio)) times what they should be", 0.95,
          [
            "candidate weights = \(Words.short(ratio)) × the reference's in every channel (cosine \(Words.short(cosine)))"
          ],
          fix:
            "Divide this layer's weight and bias scales by \(Words.short(ratio)), or convert the model again."
        )
      }
      if spread > 0.03 {
        return Self(
          .batchNorm, "every channel is scaled by a number of its own", 0.85,
          [
            "candidate weights over the reference's: \(Words.short(ratio - spread)) to \(Words.short(ratio + spread)) from channel to channel (cosine \(Words.short(cosine)))"
          ],
          fix:
            "Fold batch normalisation with the statistics of the trained model: convert in inference mode."
        )
      }
      return nil
    }
    if weights.isRowOrderWrong {
      return Self(
        .layerLayout, "the output channels stand in another order", 0.85,
        ["each channel's weights are those of another channel of the reference"],
        fix: "Convert the model again; check transpositions next to this op.")
    }
    guard cosine < 0.9999 else { return nil }
    return Self(
      .weights, "the weights are other ones", 0.8,
      ["cosine \(Words.short(cosine)) between the candidate's weights and the reference's"],
      fix: "Check that both files come from the same training run, and convert again.")
  }

  /// The part of the own error in some channels.
  private static func errorShare(
    of suspect: LayerDiagnosis.Suspect, where isMeant: (Int) -> Bool
  ) -> Double {
    let channels = suspect.layer.own.channels
    let total = channels.reduce(0) { $0 + $1.squaredError }
    let meant = channels.indices.reduce(0) { $0 + (isMeant($1) ? channels[$1].squaredError : 0) }
    return total > 0 ? meant / total : 0
  }

  private static func rearranged(_ weights: WeightComparison) -> Self? {
    guard !weights.areMultiples, let rearrangement = weights.rearrangement() else { return nil }
    switch rearrangement {
    case .channelOrder(let order):
      return Self(
        .layerChannelOrder, "the input channels stand in the order \(order)", 0.95,
        [
          "with input channels \(order) the weights are the reference's, as they stand their cosine is \(Words.short(weights.cosine))"
        ],
        fix: order == [2, 1, 0]
          ? "This layer expects BGR where the reference expects RGB: swap the first and the last channel of its weights, or feed it so."
          : "Put this layer's input channels into the reference's order.")
    case .layout(let words):
      return Self(
        .layerLayout, words, 0.9,
        [
          "rearranged, the weights are the reference's; as they stand their cosine is \(Words.short(weights.cosine))"
        ],
        fix:
          "Convert this layer's weights again in the order that the op reads: output, height, width, input."
      )
    }
  }

  /// One scale for channels of very different size.
  private static func perTensor(
    _ suspect: LayerDiagnosis.Suspect, _ weights: WeightComparison
  ) -> Self? {
    let scales = Set(weights.candidate.scales)
    guard scales.count == 1, let scale = scales.first, weights.channels.count > 1,
      suspect.expected.actual > 1.4 * suspect.expected.attainable,
      suspect.own < 3 * suspect.expected.actual
    else { return nil }
    let peaks = weights.reference.channels.map { $0.reduce(0) { max($0, abs($1)) } }
      .filter { $0 > 0 }.sorted()
    let median = peaks.isEmpty ? 0 : peaks[peaks.count / 2]
    return Self(
      .perTensorWeights, "one weight scale for channels of very different size", 0.9,
      [
        "the largest weight is \(Words.short(Double((peaks.last ?? 0) / max(median, .leastNormalMagnitude)))) times the median channel's; that channel has \(Words.short(Double(2 * median / scale))) steps of 255",
        "with a scale a channel, rounding would cost \(Words.short(suspect.expected.attainable / max(suspect.expected.actual, .leastNormalMagnitude) * 100)) % of what it costs",
      ],
      fix: "Quantize this layer's weights per channel, or keep it in float.")
  }

  private static func bias(_ suspect: LayerDiagnosis.Suspect) -> Self? {
    guard let weights = suspect.weights, !weights.reference.bias.isEmpty else { return nil }
    let wanted = weights.reference.bias.map(Double.init)
    let given =
      weights.candidate.bias.isEmpty
      ? [Double](repeating: 0, count: wanted.count) : weights.candidate.bias.map(Double.init)
    guard given.count == wanted.count else { return nil }
    let differences = zip(given, wanted).map { $0 - $1 }
    let energy = differences.reduce(0) { $0 + $1 * $1 } / Double(differences.count)
    guard energy.squareRoot() > 0.5 * suspect.own * 0.3 else { return nil }
    let mean = differences.reduce(0, +) / Double(differences.count)
    let spread = max(0, energy - mean * mean).squareRoot()
    let step = suspect.layer.step
    if step > 0, abs(mean) > 4 * spread, abs(mean) > step {
      return Self(
        .zeroPoint, "the result is \(Words.short(mean / step)) steps off everywhere", 0.9,
        [
          "every channel's bias is off by \(Words.short(mean / step)) steps of the result (± \(Words.short(spread / step)))"
        ],
        fix:
          "Check the zero points of this op's input and result: they were folded into the bias with other values."
      )
    }
    if let steps = foldedZeroPoint(suspect, weights, differences) {
      return Self(
        .zeroPoint, "the input's zero point is \(Words.short(steps)) steps off", 0.9,
        [
          "every channel's bias is off by \(Words.short(-steps)) × input step × the sum of the channel's weights"
        ],
        fix: "Fold the input's zero point into the bias with the value that the input has.")
    }
    let isMissing = given.allSatisfy { $0 == 0 }
    return Self(
      .bias, isMissing ? "the bias is missing" : "the bias is another one", 0.85,
      [
        "the bias is off by \(Words.short(energy.squareRoot())) (root mean square); the own error is \(Words.short(suspect.own))"
      ],
      fix: "Convert this layer again with its bias.")
  }

  /// The steps by which a wrong zero point of the input, folded into the bias, explains its error.
  private static func foldedZeroPoint(
    _ suspect: LayerDiagnosis.Suspect, _ weights: WeightComparison, _ differences: [Double]
  ) -> Double? {
    guard suspect.inputStep > 0 else { return nil }
    let sums = weights.candidate.channels.map { $0.reduce(0.0) { $0 + Double($1) } }
    let energy = sums.reduce(0) { $0 + $1 * $1 }
    let product = zip(sums, differences).reduce(0) { $0 + $1.0 * $1.1 }
    guard energy > 0, sums.count == differences.count else { return nil }
    let slope = product / energy
    let left = zip(sums, differences).reduce(0) {
      $0 + ($1.1 - slope * $1.0) * ($1.1 - slope * $1.0)
    }
    let whole = differences.reduce(0) { $0 + $1 * $1 }
    let steps = -slope / suspect.inputStep
    guard left < 0.05 * whole, abs(steps) > 0.7 else { return nil }
    return steps
  }

  // MARK: Ranges and lines

  private static func range(_ suspect: LayerDiagnosis.Suspect) -> Self? {
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
    let needed = Double(max(0, total.highestWanted)) - Double(min(0, total.lowestWanted))
    let held = Double(range.upperBound) - Double(range.lowerBound)
    guard needed > 0, held > 4 * needed, suspect.own < 3 * suspect.expected.actual else {
      return nil
    }
    let facts = [
      "the tensor holds a range of \(Words.short(held)), the op's values need \(Words.short(needed)): \(Words.short(255 * needed / held)) of 255 steps are used"
    ]
    return Self(
      .rangeTooWide, "the range of the result is too wide", 0.9, facts,
      fix: "Calibrate this tensor's range again; look for outliers in the calibration inputs.")
  }

  /// Other constants of an elementwise op: normalisation inside the graph.
  private static func operands(_ suspect: LayerDiagnosis.Suspect) -> Self? {
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
  private static func joined(_ suspect: LayerDiagnosis.Suspect) -> Self? {
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
  private static func line(_ suspect: LayerDiagnosis.Suspect) -> Self? {
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

  private static func unknown(_ suspect: LayerDiagnosis.Suspect) -> Self {
    suspect.layer.step > 0
      ? Self(
        .quantizationDrift, "departs far more than rounding explains", 0.6, [],
        fix: "Check this layer's scales, or keep it in float.")
      : Self(
        .modelMismatch, "computes something else", 0.6, [],
        fix: "Check that both files come from the same training run.")
  }
}
