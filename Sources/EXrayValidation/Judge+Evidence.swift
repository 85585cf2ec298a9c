import EXrayCore

// What the evidence is worth, before it is judged.
extension Judge {
  /// The smallest share of the candidate's layers that says something about the model.
  private static let leastCoverage = 0.25

  /// What can be said of a comparison's worth from its values.
  func evidenceItems(_ evidence: ComparisonEvidence) -> [EvidenceItem] {
    guard evidence.frames > 0 else { return [] }
    return [
      coverage(evidence), staleness(evidence), outputValues(evidence),
    ].compactMap(\.self)
  }

  private func coverage(_ evidence: ComparisonEvidence) -> EvidenceItem {
    let layers = evidence.layers.filter { $0.candidate != nil }
    let compared = layers.count { ($0.metrics?.count ?? 0) > 0 }
    let outputs = evidence.outputs.count { ($0.metrics?.count ?? 0) > 0 }
    let words =
      "\(compared) of \(layers.count) layers and \(outputs) of \(evidence.outputs.count) outputs were compared"
    if !layers.isEmpty, Double(compared) < Self.leastCoverage * Double(layers.count) {
      return EvidenceItem(
        .coverage, .weak,
        words + ": too few to say that nothing is wrong inside; compare models of one origin")
    }
    return EvidenceItem(.coverage, .sound, words)
  }

  private func staleness(_ evidence: ComparisonEvidence) -> EvidenceItem? {
    guard evidence.layers.contains(where: { $0.metrics != nil }) else { return nil }
    let stale = evidence.staleLayers
    guard let first = stale.first else {
      return EvidenceItem(
        .staleLayers, .sound, "no layer holds another frame's or another layer's values")
    }
    let side = first.isCandidate ? "candidate" : "reference"
    let row = evidence.layers[first.index]
    let name = (first.isCandidate ? row.candidate : row.reference)?.tensor ?? "layer \(first.index)"
    let what = first.source.map { source -> String in
      let row = evidence.layers[source]
      return
        "the values of \((first.isCandidate ? row.candidate : row.reference)?.tensor ?? "another layer")"
    }
    return EvidenceItem(
      .staleLayers, .weak,
      "\(stale.count) of \(evidence.layers.count) layers hold values that are not theirs, first \(name) of the \(side), which holds \(what ?? "the same values in every frame"): the runtime reused the memory before it was read; record with EXray's capture, or with the runtime's option to preserve all tensors"
    )
  }

  private func outputValues(_ evidence: ComparisonEvidence) -> EvidenceItem? {
    let rows = evidence.outputs.filter { ($0.metrics?.count ?? 0) > 0 }
    guard !rows.isEmpty else { return nil }
    if evidence.frames >= 3, evidence.inputsChange, evidence.bothOutputsAreConstant {
      return EvidenceItem(
        .outputValues, .weak,
        "both runs give one and the same output for all \(evidence.frames) frames, so that no fault could show; check that inputs reach the models"
      )
    }
    if rows.allSatisfy({ $0.metrics?.isOneNumber ?? false }) {
      return EvidenceItem(
        .outputValues, .weak,
        "all outputs of both runs are one and the same number, so that no fault could show; check that inputs reach the models"
      )
    }
    return EvidenceItem(.outputValues, .sound, "the outputs are no constants")
  }
}

extension DifferenceMetrics {
  /// Whether both sides hold nothing but one number.
  fileprivate var isOneNumber: Bool { count >= 16 && mse == 0 && nrmse == nil }
}
