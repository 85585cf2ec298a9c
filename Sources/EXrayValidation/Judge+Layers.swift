import EXrayCore
import EXrayModel

// What is wrong inside the model.
extension Judge {
  func structuralFindings(_ evidence: ComparisonEvidence) -> [Finding] {
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

  func driftFindings(
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
    layers = layers.map { status($0, limit: limit) }
    outputs = outputs.map { status($0, limit: limit) }
    var evidenceLines: [String] = []
    if let accuracy = evidence.accuracy {
      evidenceLines.append(
        "top-1 \(percent(accuracy.candidate.top1)) against \(percent(accuracy.reference.top1)) on \(accuracy.labelledFrames) labelled frames (p = \(short(accuracy.pValue)))"
      )
    }
    if let answers = evidence.answers {
      evidenceLines.append("first answers agree on \(percent(answers.top1Agreement)) of the frames")
    }
    let losesAccuracy = Self.losesAccuracy(evidence, thresholds)
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

  /// Whether labelled frames show that the candidate answers fewer right, beyond chance.
  package static func losesAccuracy(
    _ evidence: ComparisonEvidence, _ thresholds: Thresholds = Thresholds()
  ) -> Bool {
    evidence.accuracy.map {
      $0.candidate.top1 < $0.reference.top1 && $0.pValue < thresholds.significance
    } ?? false
  }

  /// The row, failed where it drifts beyond the limit, unknown where no limit applies.
  private func status(_ row: TensorComparison, limit: Double) -> TensorComparison {
    guard let metrics = row.metrics, metrics.count > 0 else { return row }
    var row = row
    if let drift = metrics.relativeDrift {
      if drift > limit { row.status = .fail }
    } else if metrics.mse > 0 {
      row.status = .unknown
    }
    return row
  }

  /// The first layer that leaves the drift of the layers before it, else the first over its limit.
  func onset(_ layers: [TensorComparison]) -> Int? {
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

  func driftTitle(_ cause: Cause, _ row: TensorComparison?) -> String {
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

  func driftFix(_ cause: Cause) -> String {
    switch cause {
    case .kernelMismatch:
      "Run this op with the other kernels, and report it to the runtime's makers with both outputs."
    case .quantizationDrift, .accuracyLoss:
      "Check this layer's scales, calibrate with inputs preprocessed as the app does it, or keep it in float."
    default: "Check that both files come from the same training run."
    }
  }

  func location(_ row: TensorComparison) -> Finding.Location {
    Finding.Location(
      stage: row.candidate?.op == nil ? "output" : "layer", op: row.candidate?.op?.index,
      tensor: row.candidate?.tensor)
  }

  func biasScaleFindings() -> [Finding] {
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
}
