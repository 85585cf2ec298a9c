import EXrayValidation

/// Puts a comparison's evidence and its judgement into a report.
struct ReportBuilder {
  let report: ValidationReport

  init(
    tool: String, context: Judge.Context, evidence: ComparisonEvidence,
    judgement: Judge.Judgement, latency: LatencyComparison?,
    allFixes: Finding.Gain? = nil, notes: [String]
  ) {
    report = ValidationReport(
      tool: tool, verdict: judgement.verdict,
      summary: Self.summary(
        judgement.verdict, judgement.findings, judgement.evidence, frames: evidence.frames),
      candidate: context.candidate, reference: context.reference, frames: evidence.frames,
      accuracy: evidence.accuracy, answers: evidence.answers, inputs: judgement.inputs,
      layers: judgement.layers, outputs: judgement.outputs, latency: latency,
      findings: judgement.findings, allFixes: allFixes, evidence: judgement.evidence,
      notes: judgement.notes + notes + Self.knifeEdges(evidence, judgement),
      inputShare: judgement.inputShare,
      graph: context.candidateModel.map { ModelGraph($0) }, histograms: judgement.histograms,
      decisions: judgement.decisions)
  }

  /// A report of a run that ended before anything could be compared.
  init(tool: String, context: Judge.Context, crash: Finding) {
    report = ValidationReport(
      tool: tool, verdict: .fail, summary: Self.summary(.fail, [crash], [], frames: 0),
      candidate: context.candidate, reference: context.reference, frames: 0, findings: [crash],
      graph: context.candidateModel.map { ModelGraph($0) })
  }

  /// Says which changed answers and choices are ties, where no fault makes the error against which they are ties.
  private static func knifeEdges(
    _ evidence: ComparisonEvidence, _ judgement: Judge.Judgement
  ) -> [String] {
    guard judgement.findings.isEmpty else { return [] }
    let choices = judgement.decisions.compactMap(\.summary)
    guard let answers = evidence.answers, answers.changedCount > 0, let edges = answers.knifeEdges
    else { return choices }
    return [
      "\(edges) of \(answers.changedCount) changed answers are knife-edges: the reference's lead is within twice the usual error, so that any rounding decides."
    ] + choices
  }

  /// The report in the light of what healthy runs came to.
  func report(under baseline: Baseline?) -> ValidationReport {
    guard let baseline else { return report }
    var judged = baseline.judging(report)
    judged.summary = Self.summary(
      judged.verdict, judged.findings, judged.evidence, frames: judged.frames)
    return judged
  }

  static func summary(
    _ verdict: Verdict, _ findings: [Finding], _ evidence: [EvidenceItem], frames: Int
  ) -> String {
    switch verdict {
    case .pass: "Nothing found over \(frames) \(frames == 1 ? "frame" : "frames")."
    case .inconclusive:
      "The evidence is too weak to say"
        + (evidence.first { $0.worth == .weak }.map { ": " + $0.detail } ?? "") + "."
    case .fail:
      findings.prefix(3).map { $0.title }.joined(separator: "; ")
        + (findings.count > 3 ? "; and \(findings.count - 3) more." : ".")
    }
  }
}
