import EXrayCore

// What a baseline says about a comparison.
extension Baseline {
  /// Causes that are nothing where the layer keeps to what healthy runs came to.
  private static let dismissible: Set<Cause> = [
    .quantizationDrift, .kernelMismatch, .modelMismatch, .weightScale, .biasScale, .zeroPoint,
    .rangeTooNarrow, .rangeTooWide, .perTensorWeights, .calibration, .concatScale, .activation,
    .layerChannelOrder, .layerLayout, .batchNorm, .deadChannels, .bias, .weights,
    .inputNormalization,
  ]

  /// A layer or an output that goes further than healthy runs.
  private struct Excess {
    var row: TensorComparison
    /// Whether the layer itself does it, rather than those before it.
    var isOwn: Bool
    var evidence: [String]
  }

  /// The report in the light of the baseline: what healthy runs do is no finding, and what they do not is one.
  ///
  /// The summary stays as it was.
  public func judging(_ report: ValidationReport) -> ValidationReport {
    var report = report
    report.notes += differences(from: report)
    guard report.frames > 0, !report.inputs.contains(where: { $0.status == .fail }) else {
      report.notes.append(
        "The inputs differ or nothing was compared, so the baseline was not used.")
      return report
    }
    let limits = Dictionary(
      layers.map { (Place(tensor: $0.tensor, op: $0.op.index), $0) },
      uniquingKeysWith: { first, _ in first })
    var excesses: [Excess] = []
    var within: Set<Int> = []
    var unknown = 0
    for index in report.layers.indices {
      let row = report.layers[index]
      guard let side = row.candidate, let op = side.op, row.metrics != nil else { continue }
      guard let limit = limits[Place(tensor: side.tensor, op: op.index)] else {
        unknown += 1
        continue
      }
      if let excess = Self.excess(row, limit) {
        excesses.append(excess)
      } else {
        within.insert(index)
      }
    }
    excesses += outputExcesses(report)
    dismiss(within, isWhole: excesses.isEmpty && unknown == 0, in: &report)
    if unknown > 0 {
      report.notes.append("The baseline has no limits for \(unknown) layers.")
    }
    for excess in excesses {
      let tensor = excess.row.candidate?.tensor
      for index in report.layers.indices where report.layers[index].candidate?.tensor == tensor {
        report.layers[index].status = .fail
      }
    }
    if let finding = finding(excesses, report) {
      report.findings.append(finding)
      report.verdict = .fail
    }
    return report
  }

  /// What is not as it was when the baseline was learnt.
  private func differences(from report: ValidationReport) -> [String] {
    var notes: [String] = []
    if candidate.modelSHA256 != report.candidate.modelSHA256 {
      notes.append(
        "The baseline was learnt from another file of the model (\(candidate.model)); layers are told by name and op."
      )
    }
    for (side, now, then) in [
      ("candidate", report.candidate, candidate), ("reference", report.reference, reference),
    ] where (now.runtime, now.kernels) != (then.runtime, then.kernels) {
      notes.append(
        "The baseline's \(side) ran on \(then.runtime) with \(then.kernels) kernels, this one on \(now.runtime) with \(now.kernels) kernels."
      )
    }
    return notes
  }

  /// What passes a layer's limits; nil where it keeps to them.
  private static func excess(_ row: TensorComparison, _ limit: Layer) -> Excess? {
    var evidence: [String] = []
    var isOwn = false
    if let metrics = row.metrics, metrics.candidateNotFinite > metrics.referenceNotFinite {
      evidence.append("\(metrics.candidateNotFinite) values are not finite")
    }
    if let errors = row.errors, let own = limit.own, !(errors.own <= own),
      limit.excess.map({ !(errors.excess <= $0) }) ?? true
    {
      isOwn = true
      evidence.append("own error \(Words.percent(errors.own)), healthy runs \(Words.percent(own))")
      if let allowed = limit.excess {
        evidence.append(
          "\(Words.short(errors.excess)) times what rounding explains, healthy runs \(Words.short(allowed)) times"
        )
      }
    }
    if let drift = row.metrics?.relativeDrift, let allowed = limit.nrmse, drift > allowed {
      evidence.append("nrmse \(Words.short(drift)), healthy runs \(Words.short(allowed))")
    }
    return evidence.isEmpty ? nil : Excess(row: row, isOwn: isOwn, evidence: evidence)
  }

  private func outputExcesses(_ report: ValidationReport) -> [Excess] {
    report.outputs.compactMap { row in
      guard let limit = outputs.first(where: { $0.tensor == row.candidate?.tensor }),
        let drift = row.metrics?.relativeDrift, drift > limit.nrmse
      else { return nil }
      return Excess(
        row: row, isOwn: false,
        evidence: ["nrmse \(Words.short(drift)), healthy runs \(Words.short(limit.nrmse))"])
    }
  }

  /// Takes findings back that are about what healthy runs do as well.
  private func dismiss(_ within: Set<Int>, isWhole: Bool, in report: inout ValidationReport) {
    let ops = Set(within.compactMap { report.layers[$0].candidate?.op?.index })
    let dismissed = report.findings.filter { finding in
      guard Self.dismissible.contains(finding.cause) else { return false }
      return finding.where.op.map { ops.contains($0) } ?? isWhole
    }
    for index in within where report.layers[index].status == .fail {
      report.layers[index].status = .pass
    }
    report.notes.append(
      "\(within.count) layers keep to the baseline of \(reports) healthy \(reports == 1 ? "run" : "runs")."
    )
    guard !dismissed.isEmpty else { return }
    report.findings.removeAll { dismissed.contains($0) }
    report.notes += dismissed.map {
      "Dismissed, for healthy runs do the same: \($0.title) (\($0.cause))."
    }
    guard report.findings.isEmpty else { return }
    for index in report.outputs.indices where report.outputs[index].status == .fail {
      report.outputs[index].status = .pass
    }
    if report.verdict == .fail {
      report.verdict = report.evidence.contains { $0.worth == .weak } ? .inconclusive : .pass
    }
  }

  /// One finding for all that goes too far, at the first layer that does so by itself.
  private func finding(_ excesses: [Excess], _ report: ValidationReport) -> Finding? {
    var facts: [String] = []
    if let answers = report.answers, let agreement,
      wilsonInterval(
        successes: Int((answers.top1Agreement * Double(report.frames)).rounded()),
        trials: report.frames)[1] < agreement
    {
      facts.append(
        "first answers agree on \(Words.percent(answers.top1Agreement)) of the frames, in healthy runs on at least \(Words.percent(agreement))"
      )
    }
    let first = excesses.first { $0.isOwn } ?? excesses.first
    guard first != nil || !facts.isEmpty else { return nil }
    let op = first?.row.candidate?.op
    let tensor = first?.row.candidate?.tensor
    let place = op.map { "op \($0.index) \($0.type)" } ?? tensor.map { "output \($0)" }
    if excesses.count > 1 {
      facts.append("\(excesses.count - 1) more layers and outputs go further than in healthy runs")
    }
    return Finding(
      cause: .beyondBaseline,
      title:
        "\(place ?? "The answers") \(place == nil ? "go" : "goes") further than in healthy runs",
      where: .init(stage: op == nil ? "output" : "layer", op: op?.index, tensor: tensor),
      confidence: 0.9, evidence: (first?.evidence ?? []) + facts,
      fix:
        "Compare this op with that of the healthy model; where the change is meant, learn the baseline again."
    )
  }
}
