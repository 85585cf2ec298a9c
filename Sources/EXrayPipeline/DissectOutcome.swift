import EXrayCore
public import EXrayLayers
public import EXrayValidation

/// What taking two models apart came to.
public struct DissectOutcome: Sendable {
  /// Which layers go wrong by themselves.
  public let diagnosis: LayerDiagnosis
  /// The layers that have a partner, over the recorded frames, in the candidate's order.
  public let layers: [TensorComparison]
  /// How the values of the worst layers are spread, the worst first.
  public let histograms: [LayerHistogram]
  /// How the choices differ of ops that choose among values.
  public let decisions: [DecisionComparison]
  /// Frames that were recorded.
  public let frames: Int

  /// What is normal and worth knowing; choices are ties only where no fault makes the error against which they are.
  public var notes: [String] {
    diagnosis.notes + (diagnosis.findings.isEmpty ? decisions.compactMap(\.summary) : [])
  }

  /// Layers with a histogram.
  static let histogramLimit = 5

  init(
    _ diagnosis: LayerDiagnosis, layers evidence: [LayerEvidence], decisions: [DecisionComparison],
    _ recording: LayerRecording
  ) {
    self.diagnosis = diagnosis
    self.decisions = decisions
    frames = recording.frames.count
    let blamed = diagnosis.findings.compactMap(\.where.op)
    layers = zip(evidence, diagnosis.layers).enumerated().map { position, layer in
      Self.row(position, layer.0, layer.1, isBlamed: blamed.contains(layer.0.op.index), recording)
    }
    // Own error below 0.4 % of the result is no reason to look at a layer, however small its rounding is.
    func weight(_ index: Int) -> Double {
      let errors = diagnosis.layers[index].errors
      if blamed.contains(diagnosis.layers[index].op.index) { return .infinity }
      return errors.own >= 0.004 ? errors.excess : errors.own
    }
    let ranked = zip(evidence.indices, diagnosis.layers.indices).map(\.0)
      .filter { weight($0) > 0 }
      .sorted { (-weight($0), $0) < (-weight($1), $1) }
    histograms = ranked.prefix(Self.histogramLimit).compactMap {
      Self.histogram(evidence[$0], recording)
    }
  }

  private static func row(
    _ position: Int, _ layer: LayerEvidence, _ summary: LayerSummary, isBlamed: Bool,
    _ recording: LayerRecording
  ) -> TensorComparison {
    let (own, other) = (
      recording.description(candidate: layer.tensor),
      recording.description(reference: layer.referenceTensor)
    )
    var difference = DifferenceAccumulator(candidate: own, reference: other)
    for (number, frame) in recording.frames.enumerated() {
      guard let first = frame.candidate[layer.tensor],
        let second = frame.reference[layer.referenceTensor],
        let firstCount = own.byteCount, first.count >= firstCount,
        let secondCount = other.byteCount, second.count >= secondCount
      else { continue }
      unsafe difference?.add(
        candidate: first.span.bytes, reference: second.span.bytes, frame: "frame \(number)")
    }
    return TensorComparison(
      index: position, status: isBlamed ? .fail : .pass,
      candidate: .init(
        tensor: own.name, op: layer.op, elementType: own.elementType, shape: own.shape),
      reference: .init(
        tensor: other.name, op: layer.referenceOp, elementType: other.elementType,
        shape: other.shape),
      metrics: difference?.metrics, worstFrame: difference?.worstFrame, errors: summary.errors)
  }

  private static func histogram(
    _ layer: LayerEvidence, _ recording: LayerRecording
  ) -> LayerHistogram? {
    var counter = HistogramCounter(candidate: recording.description(candidate: layer.tensor))
    for isCounting in [false, true] {
      for frame in recording.frames {
        let candidate = recording.reals(candidate: layer.tensor, in: frame)
        let reference = recording.reals(reference: layer.referenceTensor, in: frame)
        if isCounting {
          counter.count(candidate: candidate, reference: reference)
        } else {
          counter.extend(candidate: candidate, reference: reference)
        }
      }
    }
    return counter.histogram(op: layer.op.index, tensor: layer.description.name)
  }
}

extension DissectJob {
  /// What was found, as every renderer shows it.
  ///
  /// - Parameter tool: Name and version of the program.
  public func report(_ outcome: DissectOutcome, tool: String) -> ValidationReport {
    let verdict = DissectReport(outcome.diagnosis).verdict
    return ValidationReport(
      tool: tool, verdict: verdict,
      summary: ReportBuilder.summary(
        verdict, outcome.diagnosis.findings, [], frames: outcome.frames),
      candidate: candidate.summary, reference: reference.summary, frames: outcome.frames,
      layers: outcome.layers, findings: outcome.diagnosis.findings,
      notes: outcome.notes,
      inputShare: outcome.diagnosis.inputShare, graph: ModelGraph(candidate.model.model),
      histograms: outcome.histograms, decisions: outcome.decisions)
  }
}
