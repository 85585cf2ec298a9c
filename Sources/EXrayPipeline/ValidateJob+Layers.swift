import EXrayCore
import EXrayLayers
import EXrayPreprocess
import EXrayValidation

// Which layer is to blame: the models are taken apart where their layers differ.
extension ValidateJob {
  /// Frames that the models are taken apart over.
  private static var dissectedFrames: Int { 8 }

  /// Names the layers that go wrong by themselves, in place of what drift alone suggests.
  ///
  /// - Parameter recipe: The candidate's recipe, corrected where faults before the model were found.
  func dissect(
    _ evidence: ComparisonEvidence, recipe: Recipe?, judgement: inout Judge.Judgement,
    notes: inout [String], observer: (any ProgressObserver)?
  ) throws {
    let rows = evidence.layers + evidence.outputs
    guard capture == .layers, evidence.inputAgreements.allSatisfy({ $0?.agrees ?? true }),
      rows.contains(where: { $0.metrics?.isDifferent ?? false })
    else { return }
    var candidate = candidate
    candidate.recipe = recipe
    let job = DissectJob(
      candidate: candidate, reference: reference, inputs: inputs, frameLimit: Self.dissectedFrames)
    do {
      let outcome = try job.measure(isComplete: false, observer: observer)
      judgement.apply(outcome.diagnosis, losesAccuracy: Judge.losesAccuracy(evidence))
      judgement.inputShare = outcome.diagnosis.inputShare
      judgement.histograms = outcome.histograms
      judgement.decisions = outcome.decisions
      notes += outcome.diagnosis.notes
    } catch {
      // The comparison stands without it: a part of a model may be one that its runtime refuses.
      notes.append("The models could not be taken apart: \(error)")
    }
  }
}

extension DifferenceMetrics {
  fileprivate var isDifferent: Bool {
    mse > 0 || candidateNotFinite > 0 || referenceNotFinite > 0
  }
}

extension Judge.Judgement {
  /// Causes that drift alone suggests, and that taking the models apart says better.
  private static let superseded: Set<Cause> = [
    .quantizationDrift, .modelMismatch, .kernelMismatch, .biasScale, .inputRange, .notFinite,
    .accuracyLoss, .constantOutput,
  ]
  /// Causes that are nothing where every op does what it should and no accuracy is lost.
  private static let drift: Set<Cause> = [.quantizationDrift, .accuracyLoss]

  fileprivate mutating func apply(_ diagnosis: LayerDiagnosis, losesAccuracy: Bool) {
    let summaries = Dictionary(
      diagnosis.layers.map { ($0.op.index, $0) }, uniquingKeysWith: { first, _ in first })
    for index in layers.indices {
      guard let side = layers[index].candidate, let op = side.op,
        let summary = summaries[op.index], summary.tensor == side.tensor
      else { continue }
      layers[index].errors = summary.errors
    }
    guard !diagnosis.findings.isEmpty else {
      if !losesAccuracy, !diagnosis.layers.isEmpty { dismissDrift() }
      return
    }
    var found = diagnosis.findings
    let drift = findings.filter { Self.superseded.contains($0.cause) }
    for fact in drift.flatMap(\.evidence) where !found[0].evidence.contains(fact) {
      found[0].evidence.append(fact)
    }
    findings = findings.filter { !Self.superseded.contains($0.cause) } + found
    verdict = .fail
    let blamed = Set(found.compactMap(\.where.op))
    for index in layers.indices where blamed.contains(layers[index].candidate?.op?.index ?? -1) {
      layers[index].status = .fail
    }
  }

  /// Takes drift for what it is where no op adds more than rounding.
  private mutating func dismissDrift() {
    findings.removeAll { Self.drift.contains($0.cause) }
    guard findings.isEmpty, verdict == .fail else { return }
    verdict = .pass
    for index in layers.indices where layers[index].status == .fail { layers[index].status = .pass }
    for index in outputs.indices where outputs[index].status == .fail {
      outputs[index].status = .pass
    }
  }
}
