import EXray
public import EXrayModel

/// Turns the evidence of a comparison into findings and a verdict.
///
/// Findings before the model come first: where the inputs differ, drift inside the model is inherited and
/// is not reported as a fault of its own.
public struct Judge: Sendable {
  /// What is known about the two runs apart from their values.
  public struct Context: Sendable {
    /// The run under suspicion.
    public var candidate: RunSummary
    /// The run that is trusted.
    public var reference: RunSummary
    /// The candidate's model, where it is at hand; lets faults be found without running.
    public var candidateModel: Model?

    /// Creates a context.
    public init(candidate: RunSummary, reference: RunSummary, candidateModel: Model? = nil) {
      self.candidate = candidate
      self.reference = reference
      self.candidateModel = candidateModel
    }

    /// Whether weights are stored with fewer bits than float32.
    var hasReducedPrecision: Bool {
      candidateModel?.primary.tensors.contains {
        $0.constantBytes != nil
          && [.int8, .uint8, .int4, .float16].contains($0.description.elementType)
      } ?? false
    }

    /// Whether both runs used the same model file.
    var isSameModel: Bool {
      !candidate.modelSHA256.isEmpty && candidate.modelSHA256 == reference.modelSHA256
    }
  }

  /// Limits between what is normal and what is a finding.
  ///
  /// Measured on healthy float and int8 pairs; see `Documentation/decisions/0003-thresholds.md`.
  public struct Thresholds: Sendable {
    /// Largest nrmse of a layer of a healthy quantized model against its float model.
    public var quantizedLayer = 0.35
    /// Largest nrmse of a layer of the same float model under other kernels.
    public var floatKernel = 1e-3
    /// Largest nrmse of a layer of the same quantized model under other kernels.
    public var quantizedKernel = 0.1
    /// An nrmse that layers of healthy models rarely pass, and a rise over the layers before it; together
    /// they place a fault that other evidence has shown.
    public var onset = (level: 0.05, rise: 1.4)
    /// Smallest share of equal first answers of a healthy quantized model.
    public var agreement = 0.7
    /// Largest probability of chance at which lost accuracy is a finding.
    public var significance = 0.01
    /// Largest share of input values outside the quantized input's range.
    public var saturation = 0.02

    /// The measured limits.
    public init() {}
  }

  private let context: Context
  private let thresholds: Thresholds

  /// Creates a judge.
  public init(context: Context, thresholds: Thresholds = Thresholds()) {
    self.context = context
    self.thresholds = thresholds
  }

  /// What the evidence amounts to.
  public struct Judgement: Sendable {
    /// The conclusion.
    public var verdict: Verdict
    /// Faults found, the most certain cause first.
    public var findings: [Finding]
    /// The inputs with their final status.
    public var inputs: [TensorComparison]
    /// The layers with their final status; unknown where drift is inherited from the inputs.
    public var layers: [TensorComparison]
    /// The outputs with their final status.
    public var outputs: [TensorComparison]
    /// What limits the evidence.
    public var notes: [String]
  }

  /// Judges the evidence.
  ///
  /// - Parameter explanation: How the candidate's inputs were made, where they differ from the reference's.
  public func judge(_ evidence: ComparisonEvidence, explanation: Explanation?) -> Judgement {
    var notes: [String] = []
    var findings = inputFindings(evidence, explanation: explanation, notes: &notes)
    let inputsAgree = evidence.inputAgreements.allSatisfy { $0?.agrees ?? true }
    var layers = evidence.layers
    var outputs = evidence.outputs
    let inputs = zip(evidence.inputs, evidence.inputAgreements).map { row, agreement in
      var row = row
      if agreement?.agrees == false { row.status = .fail }
      return row
    }
    findings += structuralFindings(evidence)
    if inputsAgree {
      let known = rangeFindings(evidence) + biasScaleFindings()
      let drift = driftFindings(evidence, layers: &layers, outputs: &outputs)
      // What the file itself shows to be wrong is the cause; drift is then its evidence.
      findings += known.isEmpty ? drift : known.map { $0.supported(by: drift) }
    } else {
      for index in layers.indices where layers[index].metrics != nil {
        layers[index].status = .unknown
      }
      for index in outputs.indices where outputs[index].metrics != nil {
        outputs[index].status = .unknown
      }
      notes.append(
        "The inputs differ, so drift inside the model is inherited from them and was not judged.")
    }
    let compared = (evidence.outputs + evidence.layers).count { $0.metrics != nil }
    let verdict: Verdict
    if !findings.isEmpty {
      verdict = .fail
    } else if evidence.frames == 0 || compared == 0 {
      verdict = .inconclusive
      notes.append(
        evidence.frames == 0
          ? "No frame is in both runs, so nothing was compared."
          : "No tensor of one run has a counterpart in the other, so nothing was compared.")
    } else {
      verdict = .pass
    }
    let mapped = evidence.layers.count { $0.metrics != nil }
    if !evidence.layers.isEmpty, mapped < evidence.layers.count {
      notes.append("\(mapped) of \(evidence.layers.count) layers have a counterpart.")
    }
    return Judgement(
      verdict: verdict, findings: findings, inputs: inputs, layers: layers, outputs: outputs,
      notes: notes)
  }

  // MARK: Before the model

  private func inputFindings(
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
        lines.append(
          "the best of all tried recipes explains \(percent(explanation.explainedVariance)) of the variance of \(frames(explanation.samples))"
        )
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
        "Raw pictures were not at hand; causes were read off the two model inputs alone.")
    }
    let certainty = explanation.hadPictures ? 0.99 : 0.8
    return explanation.differences.map { item in
      let sharpness = item.cause == .decode ? 0.6 : 1
      return Finding(
        cause: item.cause, title: title(item), where: .init(stage: item.stage, tensor: tensor),
        confidence: round(certainty * sharpness * max(0.5, explanation.explainedVariance)),
        evidence: [
          "found: \(item.found); intended: \(item.intended)",
          "the found recipe explains \(percent(explanation.explainedVariance)) of the input's variance over \(frames(explanation.samples)) and leaves \(levels(explanation.residualInLevels)); the intended one leaves \(levels(explanation.intendedResidualInLevels))",
          difference,
        ],
        fix: "Set the recipe's \(item.stage) stage to: \(item.intended).")
    }
  }

  private func title(_ difference: Explanation.Difference) -> String {
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

  private func rangeFindings(_ evidence: ComparisonEvidence) -> [Finding] {
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

  // MARK: Inside the model

  private func structuralFindings(_ evidence: ComparisonEvidence) -> [Finding] {
    var findings: [Finding] = []
    let firstBad = (evidence.layers + evidence.outputs).first {
      ($0.metrics?.candidateNotFinite ?? 0) > 0 && $0.metrics?.referenceNotFinite == 0
    }
    if let firstBad, let metrics = firstBad.metrics {
      findings.append(
        Finding(
          cause: .notFinite, title: "NaN or infinite values where the reference is finite",
          where: location(firstBad), confidence: 0.99,
          evidence: ["\(metrics.candidateNotFinite) values are not finite, first in this tensor"],
          fix: "Look for a division by zero, an overflow of float16, or a wrong scale at this op."))
    }
    for (index, output) in evidence.outputs.enumerated() {
      if output.status == .shapeAmbiguous || output.status == .notMapped {
        findings.append(
          Finding(
            cause: .outputMismatch, title: "The outputs cannot be compared",
            where: .init(stage: "output", tensor: output.candidate?.tensor), confidence: 0.99,
            evidence: [
              "candidate \(output.candidate.map { $0.shape.description } ?? "has none"), reference \(output.reference.map { $0.shape.description } ?? "has none")"
            ],
            fix: "Compare models of the same task, with outputs of the same shape."))
      }
      if evidence.frames >= 3, evidence.candidateOutputIsConstant[index] {
        findings.append(
          Finding(
            cause: .constantOutput, title: "The output is the same for every frame",
            where: .init(stage: "output", tensor: output.candidate?.tensor), confidence: 0.95,
            evidence: [
              "\(evidence.frames) frames gave one output; the reference's outputs differ"
            ],
            fix: "Check that inputs reach the model and that no layer is saturated."))
      }
    }
    return findings
  }

  private func driftFindings(
    _ evidence: ComparisonEvidence, layers: inout [TensorComparison],
    outputs: inout [TensorComparison]
  ) -> [Finding] {
    let isQuantized =
      context.hasReducedPrecision
      || (evidence.layers + evidence.inputs + evidence.outputs).contains {
        $0.candidate?.elementType.isInteger == true && $0.metrics != nil
          || $0.candidate?.elementType != $0.reference?.elementType && $0.metrics != nil
      }
    let limit =
      !context.isSameModel
      ? thresholds.quantizedLayer
      : isQuantized ? thresholds.quantizedKernel : thresholds.floatKernel
    for index in layers.indices where (layers[index].metrics?.nrmse ?? 0) > limit {
      layers[index].status = .fail
    }
    for index in outputs.indices where (outputs[index].metrics?.nrmse ?? 0) > limit {
      outputs[index].status = .fail
    }
    var evidenceLines: [String] = []
    if let accuracy = evidence.accuracy {
      evidenceLines.append(
        "top-1 \(percent(accuracy.candidate.top1)) against \(percent(accuracy.reference.top1)) on \(accuracy.labelledFrames) labelled frames (p = \(short(accuracy.pValue)))"
      )
    }
    if let answers = evidence.answers {
      evidenceLines.append("first answers agree on \(percent(answers.top1Agreement)) of the frames")
    }
    let losesAccuracy =
      evidence.accuracy.map {
        $0.candidate.top1 < $0.reference.top1 && $0.pValue < thresholds.significance
      } ?? false
    let losesAnswers =
      evidence.answers.map { answers in
        answers.top1Agreement < thresholds.agreement
          && wilsonInterval(
            successes: Int((answers.top1Agreement * Double(evidence.frames)).rounded()),
            trials: evidence.frames)[1] < thresholds.agreement + 0.1
      } ?? false
    let failing = layers.firstIndex { $0.status == .fail }
    let failingOutput = outputs.firstIndex { $0.status == .fail }
    guard failing != nil || failingOutput != nil || losesAccuracy || losesAnswers else { return [] }

    let suspect = onset(layers)
    let cause: Cause
    if context.isSameModel {
      cause = .kernelMismatch
    } else if isQuantized {
      cause = suspect != nil || failing != nil ? .quantizationDrift : .accuracyLoss
    } else {
      cause = .modelMismatch
    }
    if let suspect { layers[suspect].status = .fail }
    let row = suspect.map { layers[$0] } ?? failingOutput.map { outputs[$0] }
    if let row, let nrmse = row.metrics?.nrmse {
      let before = suspect.flatMap { $0 > 0 ? layers[$0 - 1].metrics?.nrmse : nil }
      let rise = before.map { ", \(short($0)) at the layer before" } ?? ""
      evidenceLines.insert("nrmse \(short(nrmse)) at this tensor\(rise)", at: 0)
    }
    return [
      Finding(
        cause: cause, title: driftTitle(cause, row),
        where: row.map(location) ?? .init(stage: "output"),
        confidence: suspect == nil ? 0.6 : 0.8, evidence: evidenceLines, fix: driftFix(cause))
    ]
  }

  /// The first layer that leaves the drift of the layers before it, else the first over its limit.
  private func onset(_ layers: [TensorComparison]) -> Int? {
    var before: [Double] = []
    for index in layers.indices {
      guard let nrmse = layers[index].metrics?.nrmse else { continue }
      if nrmse > thresholds.onset.level, nrmse > thresholds.onset.rise * (before.max() ?? 0) {
        return index
      }
      before.append(nrmse)
      if before.count > 3 { before.removeFirst() }
    }
    return layers.firstIndex { $0.status == .fail }
  }

  private func driftTitle(_ cause: Cause, _ row: TensorComparison?) -> String {
    let place = row?.candidate.map { side in
      side.op.map { "op \($0.index) \($0.type)" } ?? "output \(side.tensor)"
    }
    let site = place ?? "the answers"
    return switch cause {
    case .kernelMismatch: "The same model computes other values at \(site)"
    case .quantizationDrift: "The quantized model departs from the float model at \(site)"
    case .accuracyLoss: "The quantized model loses answers, worst at \(site)"
    default: "The models compute different things from \(site) on"
    }
  }

  private func driftFix(_ cause: Cause) -> String {
    switch cause {
    case .kernelMismatch:
      "Run this op with the other kernels, and report it to the runtime's makers with both outputs."
    case .quantizationDrift, .accuracyLoss:
      "Check this layer's scales, calibrate with inputs preprocessed as the app does it, or keep it in float."
    default: "Check that both files come from the same training run."
    }
  }

  private func location(_ row: TensorComparison) -> Finding.Location {
    Finding.Location(
      stage: row.candidate?.op == nil ? "output" : "layer", op: row.candidate?.op?.index,
      tensor: row.candidate?.tensor)
  }

  // MARK: Without running

  private func biasScaleFindings() -> [Finding] {
    guard let graph = context.candidateModel?.primary else { return [] }
    return graph.biasScaleMismatches().map { mismatch in
      Finding(
        cause: .biasScale,
        title: "The bias of op \(mismatch.op.index) \(mismatch.op.type) has the wrong scale",
        where: .init(stage: "layer", op: mismatch.op.index, tensor: mismatch.bias),
        confidence: 0.95,
        evidence: [
          "bias scale ÷ (input scale × weight scale) = \(short(mismatch.ratio)) instead of 1, read off the model file"
        ],
        fix: "Quantize this bias again with input scale × weight scale, or convert the model again."
      )
    }
  }

  private func frames(_ count: Int) -> String { count == 1 ? "1 frame" : "\(count) frames" }
  private func percent(_ fraction: Double) -> String { short(fraction * 100) + " %" }
  private func levels(_ value: Double) -> String { "\(short(value)) levels" }
  private func short(_ value: Double) -> String { decimal(Float(value), significant: 3) }
  private func round(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}

extension Finding {
  /// The finding with the evidence of others.
  fileprivate func supported(by others: [Finding]) -> Finding {
    var finding = self
    finding.evidence += others.flatMap { [$0.title] + $0.evidence }
    return finding
  }
}
