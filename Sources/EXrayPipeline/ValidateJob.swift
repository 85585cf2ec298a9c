import EXrayCore
import EXrayMatching
import EXrayPreprocess
import EXrayRuntime
import EXrayTrace
public import EXrayValidation
import Foundation

/// Runs a candidate and a reference over the same inputs, compares every layer as it comes, names the causes
/// and proves the fix by another replay.
///
/// Nothing is stored but sums and the worst frames, unless traces are asked for.
public struct ValidateJob {
  let candidate: PipelineSpecification
  let reference: PipelineSpecification
  let inputs: InputList
  let labels: LabelSpecification
  let capture: Capture
  private let matching: LayerMatching
  private let traceFolder: String?
  private let tool: String
  private let checks: [CustomCheck]
  private let baseline: Baseline?

  /// Creates a job.
  ///
  /// - Parameters:
  ///   - traceFolder: Where `candidate.mcap` and `reference.mcap` are kept; nil for nowhere.
  ///   - tool: Name and version of the program, for the report.
  ///   - checks: The user's own assertions, run in order after everything else.
  ///   - baseline: What healthy runs came to; nil for what theory says alone.
  public init(
    candidate: PipelineSpecification, reference: PipelineSpecification, inputs: InputList,
    labels: LabelSpecification, capture: Capture = .layers, traceFolder: String?, tool: String,
    checks: [CustomCheck] = [], baseline: Baseline? = nil
  ) {
    self.candidate = candidate
    self.reference = reference
    self.inputs = inputs
    self.labels = labels
    self.capture = capture
    matching = LayerMatching(candidate: candidate.model.model, reference: reference.model.model)
    self.traceFolder = traceFolder
    self.tool = tool
    self.checks = checks
    self.baseline = baseline
  }

  /// Validates.
  ///
  /// - Returns: The report and its pictures. A crash of a model is a finding in it, not an error.
  /// - Throws: What reading the inputs or the models throws.
  public func run(
    observer: (any ProgressObserver)?
  ) throws -> (report: ValidationReport, pictures: ReportPictures) {
    try baseline?.check(reference: reference.summary)
    var checkRun = CheckRun(checks)
    let first: Pass
    switch try pass(
      candidateRecipe: candidate.recipe, stage: "compare", traceFolder: traceFolder,
      prepare: { collector in
        try checkRun.prepare(collector)
        collector.files = checkRun.files
      }, observer: observer)
    {
    case .completed(let pass): first = pass
    case .died(let side, let error):
      return (
        checkRun.notRun(crashReport(side, error), because: "the runtime died"), ReportPictures()
      )
    }
    let context = Judge.Context(
      candidate: candidate.summary, reference: reference.summary,
      candidateModel: candidate.model.model)
    let judge = Judge(context: context)
    let explanation = first.explanation(declared: candidate.recipe)
    let evidence = first.collector.comparison.evidence
    var judgement = judge.judge(evidence, explanation: explanation)
    var notes = first.notes + evidence.notes
    try dissect(
      evidence, recipe: candidate.recipe, judgement: &judgement, notes: &notes,
      observer: observer)
    proveLayerFixes(
      recipe: candidate.recipe, before: first.collector.outcomes, judgement: &judgement,
      notes: &notes, observer: observer)
    judgement.rest(on: replay(first.opening, observer: observer))
    var allFixes: Finding.Gain?
    if let explanation {
      allFixes = try proveFixes(
        explanation, after: first, judge: judge, judgement: &judgement, notes: &notes,
        observer: observer)
    }
    let report = ReportBuilder(
      tool: tool, context: context, evidence: evidence, judgement: judgement,
      latency: first.latency, allFixes: allFixes, notes: notes
    ).report(under: baseline)
    return (
      checkRun.judged(
        report, job: "validate", candidate: files(of: candidate, "candidate"),
        reference: files(of: reference, "reference"), outcomes: first.collector.outcomes,
        observer: observer),
      first.collector.pictures(
        intended: reference.recipe, classNames: labels.classNames, labelOffset: labels.offset)
    )
  }

  private func files(of side: PipelineSpecification, _ name: String) -> CustomCheck.Files {
    CustomCheck.Files(model: side.model.path, trace: traceFolder.map { "\($0)/\(name).mcap" })
  }

  // MARK: One pass over the frames

  enum PassResult {
    case completed(Pass)
    case died(side: String, error: RuntimeError)
  }

  /// What one pass over all frames collected.
  struct Pass {
    var collector: EvidenceCollector
    var intended: Recipe?
    var times: (candidate: [UInt64], reference: [UInt64]) = ([], [])
    var notes: [String] = []
    /// The first frames, to be run again.
    var opening: [CapturedFrame] = []

    /// How the candidate's inputs were made, where they differ and are pictures.
    func explanation(declared: Recipe?) -> Explanation? {
      collector.explanation(intended: intended, declared: declared)
    }

    var latency: LatencyComparison? {
      guard let candidate = LatencyComparison.Latency(times.candidate),
        let reference = LatencyComparison.Latency(times.reference)
      else { return nil }
      return LatencyComparison(
        candidate: candidate, reference: reference,
        caveat:
          "Both models ran at the same time with every layer exposed, which can change the kernels chosen; measure with exray run --capture none."
      )
    }
  }

  /// Runs both models over every frame.
  ///
  /// - Parameter prepare: Called once, before the first frame.
  func pass(
    candidateRecipe: Recipe?, stage: String, traceFolder: String? = nil,
    prepare: (inout EvidenceCollector) throws -> Void = { _ in },
    observer: (any ProgressObserver)?
  ) throws -> PassResult {
    var side = "candidate"
    do {
      var first = try OpenedModel(
        file: candidate.model, runtime: candidate.runtime, options: candidate.options,
        capture: capture)
      side = "reference"
      var second = try OpenedModel(
        file: reference.model, runtime: reference.runtime, options: reference.options,
        capture: capture)
      let pipelines = [
        try InputPipeline(
          recipe: candidateRecipe, input: first.onlyInput(), modelName: candidate.model.name,
          recipeFile: candidate.recipeFile),
        try InputPipeline(
          recipe: reference.recipe, input: second.onlyInput(), modelName: reference.model.name,
          recipeFile: reference.recipeFile),
      ]
      let feed = try FrameFeed(inputs: inputs, pipelines: pipelines, labels: labels.labels)
      defer { feed.cancel() }
      var pass = Pass(
        collector: EvidenceCollector(
          RunComparison(
            candidate: first.tensors.map(\.compared), reference: second.tensors.map(\.compared),
            matching: matching),
          candidate: first.tensors.map(\.compared), reference: second.tensors.map(\.compared),
          frameCount: feed.count),
        intended: pipelines[1].recipe)
      try prepare(&pass.collector)
      var firstRecorder = try recorder("candidate", candidate, first, traceFolder)
      var secondRecorder = try recorder("reference", reference, second, traceFolder)
      while let frame = try feed.next() {
        side = "candidate"
        let start = DispatchTime.now().uptimeNanoseconds
        let (firstBytes, secondBytes) = (frame.sides[0].bytes, frame.sides[1].bytes)
        try unsafe first.session.write(firstBytes.span.bytes, toInput: 0)
        try first.session.start()
        side = "reference"
        try unsafe second.session.write(secondBytes.span.bytes, toInput: 0)
        try second.session.start()
        side = "candidate"
        let firstReport = try first.session.finish()
        side = "reference"
        let secondReport = try second.session.finish()
        try firstRecorder?.record(frame, side: 0, opened: first, report: firstReport, start: start)
        try secondRecorder?.record(
          frame, side: 1, opened: second, report: secondReport, start: start)
        try collect(frame, first, second, into: &pass)
        if pass.opening.count < CapturedFrame.limit {
          pass.opening.append(
            CapturedFrame(
              candidate: try .init(first, input: firstBytes),
              reference: try .init(second, input: secondBytes)))
        }
        pass.times.candidate.append(firstReport.inferenceTime.nanoseconds)
        pass.times.reference.append(secondReport.inferenceTime.nanoseconds)
        observer?.progress(stage, done: pass.times.candidate.count, of: feed.count)
      }
      if let firstRecorder { try firstRecorder.finish() }
      if let secondRecorder { try secondRecorder.finish() }
      return .completed(pass)
    } catch let error as RuntimeError where error.code == .crashed || error.code == .timedOut {
      return .died(side: side, error: error)
    }
  }

  private func recorder(
    _ name: String, _ pipeline: PipelineSpecification, _ opened: borrowing OpenedModel,
    _ folder: String?
  ) throws -> TraceRecorder? {
    guard let folder else { return nil }
    return try TraceRecorder(
      path: "\(folder)/\(name).mcap", pipeline: pipeline, tensors: opened.tensors,
      capture: capture, tool: tool)
  }

  private func collect(
    _ frame: PreparedFrame, _ first: borrowing OpenedModel, _ second: borrowing OpenedModel,
    into pass: inout Pass
  ) throws {
    // Values are lent one pair at a time, so no frame is ever held twice.
    try pass.collector.add(
      name: frame.name, label: frame.label.map { $0 + labels.offset },
      raw: { frame.raw },
      access: { _, pair, body in
        try first.withValues(first.tensors[pair.candidate], inputBytes: frame.sides[0].bytes) {
          candidate in
          try second.withValues(
            second.tensors[pair.reference], inputBytes: frame.sides[1].bytes
          ) { reference in
            body(candidate, reference)
          }
        }
      })
  }

  // MARK: Crashes

  private func crashReport(_ side: String, _ error: RuntimeError) -> ValidationReport {
    let isCrash = error.code == .crashed
    let model = side == "candidate" ? candidate.model.name : reference.model.name
    let finding = Finding(
      cause: isCrash ? .runtimeCrash : .runtimeTimeout,
      title: isCrash
        ? "The runtime died with the \(side) model \(model)"
        : "The runtime did not answer with the \(side) model \(model)",
      where: .init(stage: "runtime"), confidence: 0.99, evidence: [error.message],
      fix: "Try --kernels builtin or reference, and report the model to the runtime's makers.")
    return ReportBuilder(
      tool: tool, context: .init(candidate: candidate.summary, reference: reference.summary),
      crash: finding
    ).report
  }
}
