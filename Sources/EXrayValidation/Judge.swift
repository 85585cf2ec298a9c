import EXrayCore
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

  let context: Context
  let thresholds: Thresholds

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
    /// What the comparison's worth rests on.
    public var evidence: [EvidenceItem]
    /// What limits the evidence.
    public var notes: [String]
    /// The part of the final error that the inputs alone make; nil where models were not taken apart.
    public var inputShare: Double?
    /// How the values of the worst layers are spread, the worst first.
    public var histograms: [LayerHistogram] = []
    /// How the choices differ of ops that choose among values.
    public var decisions: [DecisionComparison] = []

    /// Adds to what the worth rests on; a comparison that found nothing on weak evidence is inconclusive.
    public mutating func rest(on items: [EvidenceItem]) {
      evidence += items
      if verdict == .pass, items.contains(where: { $0.worth == .weak }) { verdict = .inconclusive }
    }
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
    let items = evidenceItems(evidence)
    // What a stale layer differs by is chance.
    let stale = Set(evidence.staleLayers.map(\.index))
    for index in stale { layers[index].metrics = nil }
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
    for index in stale {
      layers[index].metrics = evidence.layers[index].metrics
      layers[index].status = .unknown
    }
    let compared = (evidence.outputs + evidence.layers).count { ($0.metrics?.count ?? 0) > 0 }
    let verdict: Verdict
    if !findings.isEmpty {
      verdict = .fail
    } else if evidence.frames == 0 || compared == 0 {
      verdict = .inconclusive
      notes.append(
        evidence.frames == 0
          ? "No frame is in both runs, so nothing was compared."
          : "No tensor has finite values in both runs, so nothing was compared.")
    } else {
      verdict = items.contains { $0.worth == .weak } ? .inconclusive : .pass
    }
    let mapped = evidence.layers.count { $0.metrics != nil }
    if !evidence.layers.isEmpty, mapped < evidence.layers.count {
      notes.append("\(mapped) of \(evidence.layers.count) layers have a counterpart.")
    }
    return Judgement(
      verdict: verdict, findings: findings, inputs: inputs, layers: layers, outputs: outputs,
      evidence: items, notes: notes)
  }
}

extension Finding {
  /// The finding with the evidence of others.
  fileprivate func supported(by others: [Finding]) -> Finding {
    var finding = self
    finding.evidence += others.flatMap { [$0.title] + $0.evidence }
    return finding
  }
}
