import EXrayCore

// What is wrong before the model.
extension Judge {
  func inputFindings(
    _ evidence: ComparisonEvidence, explanation: Explanation?, notes: inout [String]
  ) -> [Finding] {
    guard let index = evidence.inputAgreements.firstIndex(where: { $0?.agrees == false }),
      let agreement = evidence.inputAgreements[index]
    else { return [] }
    let tensor = evidence.inputs[index].candidate?.tensor
    let difference =
      "\(percent(agreement.differingFraction)) of the input values differ by more than the number formats explain"
    guard let explanation, explanation.isExplained else {
      var lines = [difference]
      if let explanation, explanation.samples > 0 {
        if explanation.explainedVariance > 0 {
          lines.append(
            "the best of all tried recipes explains \(percent(explanation.explainedVariance)) of the variance of \(frames(explanation.samples))"
          )
        }
        lines += explanation.ruledOut.map { "ruled out: \($0)" }
      }
      return [
        Finding(
          cause: .unexplained,
          title: "The model inputs differ and no known preprocessing explains how",
          where: .init(stage: "input", tensor: tensor), confidence: 0.9, evidence: lines,
          fix:
            "Compare the two input tensors by hand, and check that both runs read the same files.")
      ]
    }
    if !explanation.hadPictures {
      notes.append(
        explanation.ruledOut.isEmpty || explanation.recipe == nil
          ? "Raw pictures were not at hand; causes were read off the two model inputs alone."
          : "No recipe explains the candidate's inputs from the raw pictures; causes were read off the two model inputs alone."
      )
    }
    return explanation.differences.map { item in
      Finding(
        cause: item.cause, title: title(item), where: .init(stage: item.stage, tensor: tensor),
        confidence: confidence(item, explanation),
        evidence: [
          "found: \(item.found); intended: \(item.intended)", rests(explanation), difference,
        ] + doubts(item, explanation),
        fix: "Set the recipe's \(item.stage) stage to: \(item.intended).")
    }
  }

  private func confidence(_ item: Explanation.Difference, _ explanation: Explanation) -> Double {
    let certainty = explanation.hadPictures ? 0.99 : 0.8
    let isVague =
      item.cause == .decode || explanation.ambiguous.contains { $0.stage == item.stage }
    return round(certainty * (isVague ? 0.6 : 1) * max(0.5, explanation.explainedVariance))
  }

  /// What the found and the intended recipe leave over, in words.
  private func rests(_ explanation: Explanation) -> String {
    let found =
      "the found recipe explains \(percent(explanation.explainedVariance)) of the input's variance over \(frames(explanation.samples)) and leaves \(levels(explanation.residualInLevels))"
    guard let intended = explanation.intendedResidualInLevels, intended.isFinite else {
      return found
    }
    return "\(found); the intended one leaves \(levels(intended))"
  }

  /// What the evidence cannot tell apart in a difference's stage.
  private func doubts(_ item: Explanation.Difference, _ explanation: Explanation) -> [String] {
    explanation.ambiguous.filter { $0.stage == item.stage }.map {
      "cannot be told apart: \($0.candidates.joined(separator: ", ")) (\($0.reason))"
    }
  }

  func title(_ difference: Explanation.Difference) -> String {
    switch difference.cause {
    case .channelOrder: "Colour channels are in the wrong order: \(difference.found)"
    case .normalization:
      "The normalisation is \(difference.found), not \(difference.intended)"
    case .rotation, .flip: "The picture is \(difference.found)"
    case .crop: "Another part of the picture is used: \(difference.found)"
    case .resize: "Another interpolation is used: \(difference.found)"
    case .layout: "Values are in the wrong memory order: \(difference.found)"
    case .grayscale: "Colours are lost: \(difference.found)"
    case .decode: "The picture was decoded differently: \(difference.found)"
    case .inputQuantization: "Inputs are quantized wrongly: \(difference.found)"
    default: difference.found
    }
  }

  func rangeFindings(_ evidence: ComparisonEvidence) -> [Finding] {
    evidence.inputAgreements.enumerated().compactMap { index, agreement in
      guard let agreement, agreement.saturatedFraction > thresholds.saturation else { return nil }
      return Finding(
        cause: .inputRange, title: "The quantized input cannot hold the values it is given",
        where: .init(stage: "input", tensor: evidence.inputs[index].candidate?.tensor),
        confidence: 0.95,
        evidence: [
          "\(percent(agreement.saturatedFraction)) of the input values lie outside the input's range and are cut off"
        ],
        fix:
          "Convert the model again with a calibration set that is preprocessed as the app does it."
      )
    }
  }
}
