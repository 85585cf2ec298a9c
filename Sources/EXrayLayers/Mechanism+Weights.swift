import EXrayCore
import EXrayModel
import EXrayValidation

// What weights and biases say.
extension Mechanism {
  static func weights(_ suspect: Suspect) -> Self? {
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
    of suspect: Suspect, where isMeant: (Int) -> Bool
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
    _ suspect: Suspect, _ weights: WeightComparison
  ) -> Self? {
    let scales = Set(weights.candidate.scales)
    guard scales.count == 1, let scale = scales.first, weights.channels.count > 1,
      suspect.expected.actual > 1.4 * suspect.expected.attainable,
      suspect.expected.weights > 0.7 * suspect.expected.actual,
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

  static func bias(_ suspect: Suspect) -> Self? {
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
    let isMissing = given.allSatisfy { $0 == 0 }
    let step = suspect.layer.step
    if !isMissing, step > 0, abs(mean) > 4 * spread, abs(mean) > step {
      return Self(
        .zeroPoint, "the result is \(Words.short(mean / step)) steps off everywhere", 0.9,
        [
          "every channel's bias is off by \(Words.short(mean / step)) steps of the result (± \(Words.short(spread / step)))"
        ],
        fix:
          "Check the zero points of this op's input and result: they were folded into the bias with other values."
      )
    }
    if !isMissing, let steps = foldedZeroPoint(suspect, weights, differences) {
      return Self(
        .zeroPoint, "the input's zero point is \(Words.short(steps)) steps off", 0.9,
        [
          "every channel's bias is off by \(Words.short(-steps)) × input step × the sum of the channel's weights"
        ],
        fix: "Fold the input's zero point into the bias with the value that the input has.")
    }
    return Self(
      .bias, isMissing ? "the bias is missing" : "the bias is another one", 0.85,
      [
        "the bias is off by \(Words.short(energy.squareRoot())) (root mean square); the own error is \(Words.short(suspect.own))"
      ],
      fix: "Convert this layer again with its bias.")
  }

  /// The steps by which a wrong zero point of the input, folded into the bias, explains its error.
  private static func foldedZeroPoint(
    _ suspect: Suspect, _ weights: WeightComparison, _ differences: [Double]
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
}
