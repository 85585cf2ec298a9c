import EXrayCore
import EXrayMatching
import EXrayPreprocess
import EXrayTrace
public import EXrayValidation
import MCAPCompression

/// Compares two traces of runs over the same inputs.
public struct CompareJob {
  let candidate: TraceReader
  let reference: TraceReader
  let candidateTensors: [ComparedTensor]
  let referenceTensors: [ComparedTensor]
  private let labels: LabelSpecification
  private let tool: String
  private let checks: [CustomCheck]
  private let baseline: Baseline?

  /// Creates a job.
  ///
  /// - Parameters:
  ///   - candidate: Path of the trace under suspicion.
  ///   - reference: Path of the trace that is trusted.
  ///   - tool: Name and version of the program, for the report.
  ///   - checks: The user's own assertions, run in order after everything else.
  ///   - baseline: What healthy runs came to; nil for what theory says alone.
  /// - Throws: What reading a trace throws.
  public init(
    candidate: String, reference: String, labels: LabelSpecification, tool: String,
    checks: [CustomCheck] = [], baseline: Baseline? = nil
  ) throws {
    self.candidate = try TraceReader(path: candidate, codecs: .standard, expectsAll: true)
    self.reference = try TraceReader(path: reference, codecs: .standard, expectsAll: true)
    candidateTensors = try Self.tensors(self.candidate)
    referenceTensors = try Self.tensors(self.reference)
    self.labels = labels
    self.tool = tool
    self.checks = checks
    self.baseline = baseline
    try baseline?.check(reference: Self.summary(self.reference))
  }

  /// Compares every frame that both traces have.
  public func run(
    observer: (any ProgressObserver)?
  ) throws -> (report: ValidationReport, pictures: ReportPictures) {
    let matched = matchedFrames()
    let intended = try recipe(of: reference)
    var collector = EvidenceCollector(
      comparison(firstFrame: matched.first), candidate: candidateTensors.map(\.tensor),
      reference: referenceTensors.map(\.tensor),
      frameCount: matched.count)
    var checkRun = CheckRun(checks)
    try checkRun.prepare(collector)
    collector.files = checkRun.files
    var times: (candidate: [UInt64], reference: [UInt64]) = ([], [])
    let pass = try pass(over: matched, collector.comparison.pairs)
    let layers = collector.layerPairs.map(pass.groups)
    for (done, frame) in matched.enumerated() {
      try add(frame, pass, layers: layers, to: &collector)
      try pass.endFrame(done + 1)
      if let sample = try candidate.latency(frame: frame.candidate) {
        times.candidate.append(sample.inferenceNanoseconds)
      }
      if let sample = try reference.latency(frame: frame.reference) {
        times.reference.append(sample.inferenceNanoseconds)
      }
      observer?.progress("compare", done: done + 1, of: matched.count)
    }
    var notes: [String] = []
    let total = max(candidate.frames.count, reference.frames.count)
    if matched.count < total {
      notes.append("\(matched.count) of \(total) frames are in both traces.")
    }
    let evidence = collector.comparison.evidence
    notes += evidence.notes
    let context = Judge.Context(
      candidate: Self.summary(candidate), reference: Self.summary(reference))
    let explanation = collector.explanation(
      intended: intended, declared: try recipe(of: candidate))
    var judgement = Judge(context: context).judge(evidence, explanation: explanation)
    judgement.rest(
      on: [frameItem(matched.count, of: total), copyItem(evidence, times)].compactMap(\.self))
    judgement.histograms = try histograms(
      of: judgement, pairs: collector.comparison.pairs,
      frames: matched.map { ($0.candidate, $0.reference) })
    let report = ReportBuilder(
      tool: tool, context: context, evidence: evidence, judgement: judgement,
      latency: latency(times), notes: notes
    ).report(under: baseline)
    return (
      checkRun.judged(
        report, job: "compare", candidate: .init(trace: candidate.path),
        reference: .init(trace: reference.path), outcomes: collector.outcomes, observer: observer),
      collector.pictures(
        intended: intended, classNames: labels.classNames, labelOffset: labels.offset)
    )
  }

  /// Whether enough frames are in both traces.
  private func frameItem(_ matched: Int, of total: Int) -> EvidenceItem? {
    guard matched > 0 else { return nil }
    guard 2 * matched < total else {
      return EvidenceItem(.frames, .sound, "\(matched) of \(total) frames are in both traces")
    }
    return EvidenceItem(
      .frames, .weak,
      "only \(matched) of \(total) frames are in both traces; record both runs over the same inputs"
    )
  }

  /// Whether one trace is a copy of the other under another model's name: two runs never take the same time, to the
  /// nanosecond, for every frame.
  private func copyItem(
    _ evidence: ComparisonEvidence, _ times: (candidate: [UInt64], reference: [UInt64])
  ) -> EvidenceItem? {
    let rows = (evidence.layers + evidence.outputs).filter { ($0.metrics?.count ?? 0) > 0 }
    guard !rows.isEmpty, rows.allSatisfy({ $0.metrics?.mse == 0 }),
      candidate.run.modelSHA256 != reference.run.modelSHA256, !times.candidate.isEmpty,
      times.candidate == times.reference
    else { return nil }
    return EvidenceItem(
      .identicalRuns, .weak,
      "runs of two different model files hold the same values to the last bit and took the same time to the nanosecond; check that one is not a copy of the other"
    )
  }

  private func pass(
    over frames: [TracePass.Frame], _ pairs: [RunComparison.Pair]
  ) throws -> TracePass {
    try TracePass(
      candidate: candidate, reference: reference, frames: frames,
      pairs: pairs.map { pair in
        let (first, second) = (
          candidateTensors[pair.candidate], referenceTensors[pair.reference]
        )
        return .init(
          candidate: first.stream, reference: second.stream,
          byteCount: [first, second].reduce(0) {
            $0 + ($1.tensor.description.byteCount ?? 0)
          })
      })
  }

  /// The comparison, where names do not match layers by what they held in the first frame.
  private func comparison(firstFrame frame: TracePass.Frame?) -> RunComparison {
    func values(
      _ trace: TraceReader, _ tensor: ComparedTensor, _ frame: Int?
    ) -> ValuePrint? {
      guard let frame else { return nil }
      var values: [Float]?
      _ = try? trace.withTensor(tensor.stream, frame: frame) {
        values = tensor.tensor.description.realValues(in: $0)
      }
      return values.flatMap(ValuePrint.init)
    }
    return RunComparison(
      candidate: candidateTensors.map(\.tensor), reference: referenceTensors.map(\.tensor),
      candidateValues: { values(candidate, candidateTensors[$0], frame?.candidate) },
      referenceValues: { values(reference, referenceTensors[$0], frame?.reference) })
  }

  /// Frames of the same name, or of the same position where names are not shared.
  private func matchedFrames() -> [TracePass.Frame] {
    var positions: [String: Int] = [:]
    for (index, frame) in reference.frames.enumerated() where positions[frame.name] == nil {
      positions[frame.name] = index
    }
    let byName = candidate.frames.enumerated().compactMap { index, frame in
      positions[frame.name].map { TracePass.Frame(candidate: index, reference: $0) }
    }
    if !byName.isEmpty { return byName }
    guard candidate.frames.count == reference.frames.count else { return [] }
    return candidate.frames.indices.map { TracePass.Frame(candidate: $0, reference: $0) }
  }

  private func add(
    _ frame: TracePass.Frame, _ pass: TracePass, layers: [Range<Int>]?,
    to collector: inout EvidenceCollector
  ) throws {
    let name = reference.frames[frame.reference].name
    let label =
      labels.labels?[name] ?? reference.frames[frame.reference].label.flatMap { Labels.number($0) }
    if let layers {
      try collector.addLayers(layers, frame: name) { try pass.withPair($0, frame: frame, $1) }
    }
    try collector.add(
      name: name, label: label.map { $0 + labels.offset }, areLayersAdded: layers != nil,
      raw: {
        let raw =
          (try? reference.rawInput(frame: frame.reference))
          ?? (try? candidate.rawInput(frame: frame.candidate))
        return raw
      },
      access: { position, _, body in try pass.withPair(position, frame: frame, body) })
  }

  /// A tensor that takes part in the comparison, and its position in its trace.
  struct ComparedTensor {
    var stream: Int
    var tensor: RunComparison.Tensor
  }

  /// The model's tensors of which a trace holds values; those of the app's own have no place in the model, and
  /// sketches hold no values.
  ///
  /// Layers and embeddings that an app logged without their op follow all ops.
  ///
  /// - Throws: ``PipelineError`` for a trace that holds nothing but sketches.
  private static func tensors(_ trace: TraceReader) throws(PipelineError) -> [ComparedTensor] {
    guard trace.tensors.isEmpty || !trace.tensors.indices.allSatisfy(trace.isSketched) else {
      throw PipelineError(
        .unsuitableInput,
        "\(trace.path): holds sketches of tensors and no values, which cannot be compared layer by layer;"
          + " record the level io or layers")
    }
    var nextOp = (trace.tensors.compactMap { $0.op?.index }.max() ?? -1) + 1
    return trace.tensors.indices.compactMap { position in
      guard !trace.isSketched(position) else { return nil }
      let stream = trace.tensors[position]
      var op = stream.op
      let role: RunComparison.Tensor.Role
      switch stream.role {
      case .input: role = .input
      case .output: role = .output
      case .layer, .embedding:
        role = .layer
        if op == nil {
          op = OpReference(index: nextOp, type: stream.role.rawValue)
          nextOp += 1
        }
      case .custom: return nil
      }
      return ComparedTensor(
        stream: position,
        tensor: RunComparison.Tensor(role: role, op: op, description: stream.description))
    }
  }

  private func recipe(of trace: TraceReader) throws -> Recipe? {
    try trace.run.recipe.map { try Recipe(json: Array($0.utf8), file: trace.path) }
  }

  private static func summary(_ trace: TraceReader) -> RunSummary {
    let run = trace.run
    return RunSummary(
      model: run.model.isEmpty ? trace.path : run.model, modelSHA256: run.modelSHA256,
      runtime: [run.runtime, run.runtimeVersion].filter { !$0.isEmpty }.joined(separator: " "),
      kernels: run.kernels, threads: run.threads,
      recipe: run.recipe.flatMap {
        (try? Recipe(json: Array($0.utf8), file: trace.path))?.name ?? "unnamed"
      }, device: run.device)
  }

  private func latency(
    _ times: (candidate: [UInt64], reference: [UInt64])
  ) -> LatencyComparison? {
    guard let first = LatencyComparison.Latency(times.candidate),
      let second = LatencyComparison.Latency(times.reference)
    else { return nil }
    let captured = [candidate.run, reference.run].contains { $0.capture == Capture.layers.rawValue }
    return LatencyComparison(
      candidate: first, reference: second,
      caveat: captured
        ? "Layers were captured, which can change the kernels chosen; measure with --capture none."
        : nil)
  }
}
