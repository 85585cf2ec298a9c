public import EXrayCore
public import EXrayValidation

/// A user's own assertion about a comparison: a closure, or a program.
///
/// Checks run one after another, after everything else is done, and are listed in the report beside the findings. One
/// that fails makes the verdict `fail`; one that gives no answer makes a verdict of `pass` inconclusive.
///
/// ```swift
/// let check = CustomCheck(name: "at most one in twenty differs") { context in
///   guard let answers = context.report.answers else {
///     return .init(.inconclusive, "the outputs are no class scores")
///   }
///   return .init(answers.top1Agreement >= 0.95 ? .pass : .fail, "agreement \(answers.top1Agreement)")
/// }
/// ```
public struct CustomCheck: Sendable {
  /// What reports call the check.
  public let name: String
  /// Parts of the model whose values the check wants as files.
  public let tensors: Set<RunComparison.Tensor.Role>
  let body: @Sendable (Context) throws -> Answer

  /// Creates a check.
  ///
  /// - Parameters:
  ///   - tensors: Parts of the model whose values are written to temporary files for the check.
  ///   - body: Judges. What it throws is listed as inconclusive, with the error's words.
  public init(
    name: String, tensors: Set<RunComparison.Tensor.Role> = [],
    _ body: @escaping @Sendable (Context) throws -> Answer
  ) {
    self.name = name
    self.tensors = tensors
    self.body = body
  }

  /// What a check concludes.
  public struct Answer: Sendable, Hashable {
    /// The conclusion.
    public var outcome: Verdict
    /// The conclusion in one line.
    public var message: String
    /// The facts behind it, one a line.
    public var evidence: [String]

    /// Creates an answer.
    public init(_ outcome: Verdict, _ message: String, evidence: [String] = []) {
      self.outcome = outcome
      self.message = message
      self.evidence = evidence
    }
  }

  /// What a check may look at.
  public struct Context: Sendable {
    /// The job that compared: `validate` or `compare`.
    public var job: String
    /// The report as it is without custom checks.
    public var report: ValidationReport
    /// Where the candidate can be found.
    public var candidate: Files
    /// Where the reference can be found.
    public var reference: Files
    /// Every frame that was compared, in order.
    public var frames: [Frame]
    /// Values of the parts of the model that checks asked for.
    public var tensors: [TensorFile]
    /// Tensors that were asked for and are not in ``tensors``, because the files would be too large or too many.
    public var omittedTensors: Int
  }

  /// Files of one side.
  public struct Files: Sendable, Hashable, Codable {
    /// The model; nil where traces are compared.
    public var model: String?
    /// The trace; nil where none is kept.
    public var trace: String?
  }

  /// One frame.
  public struct Frame: Sendable, Hashable, Codable {
    /// Its name.
    public var name: String
    /// The right class in the model's numbering, if known.
    public var label: Int?
    /// The candidate's first answer; nil where the output is no vector of class scores.
    public var candidateAnswer: Int?
    /// The reference's first answer.
    public var referenceAnswer: Int?
  }

  /// The values of one tensor in all frames, as a `.npy` file of float32 with the shape `[frames] + shape`.
  public struct TensorFile: Sendable, Hashable, Codable {
    /// Which run: `candidate` or `reference`.
    public var side: String
    /// Which part of the model: `input`, `layer` or `output`.
    public var role: String
    /// The tensor's name.
    public var name: String
    /// The op that made it; nil for inputs.
    public var op: OpReference?
    /// The type in the model; the file holds real values.
    public var elementType: ElementType
    /// The extents in the model.
    public var shape: Shape
    /// The file; gone when the job is over.
    public var path: String
  }
}

/// The checks of one job, and what is gathered for them while it runs.
struct CheckRun {
  let checks: [CustomCheck]
  /// Values that checks asked for; nil where none did.
  private(set) var files: CheckTensors?

  /// Creates a run.
  init(_ checks: [CustomCheck]) { self.checks = checks }

  /// Makes room for the values that checks asked for.
  mutating func prepare(_ comparison: EvidenceCollector) throws(PipelineError) {
    let roles = checks.reduce(into: Set()) { $0.formUnion($1.tensors) }
    if !roles.isEmpty { files = try CheckTensors(roles: roles, of: comparison) }
  }

  /// The report with every check's conclusion.
  func judged(
    _ report: ValidationReport, job: String, candidate: CustomCheck.Files,
    reference: CustomCheck.Files, outcomes: [FrameOutcome], observer: (any ProgressObserver)?
  ) -> ValidationReport {
    guard !checks.isEmpty else { return report }
    let context = CustomCheck.Context(
      job: job, report: report, candidate: candidate, reference: reference,
      frames: outcomes.map {
        .init(
          name: $0.name, label: $0.label, candidateAnswer: $0.candidate,
          referenceAnswer: $0.reference)
      },
      tensors: files?.files ?? [], omittedTensors: files?.omitted ?? 0)
    var results: [CustomCheckResult] = []
    for (index, check) in checks.enumerated() {
      observer?.progress("check \(check.name.prefix(30))", done: index, of: checks.count)
      var answer: CustomCheck.Answer
      do {
        answer = try check.body(context)
      } catch {
        answer = .init(.inconclusive, "gave no answer: \(error)")
      }
      results.append(Self.bounded(answer, name: check.name))
    }
    observer?.progress("checks", done: checks.count, of: checks.count)
    return report.adding(results)
  }

  /// The checks of a run that ended before they could look at anything.
  func notRun(_ report: ValidationReport, because reason: String) -> ValidationReport {
    report.adding(
      checks.map { Self.bounded(.init(.inconclusive, "was not run: \(reason)"), name: $0.name) })
  }

  /// An answer with no more text than a report can show.
  private static func bounded(_ answer: CustomCheck.Answer, name: String) -> CustomCheckResult {
    CustomCheckResult(
      name: String(name.prefix(200)), outcome: answer.outcome,
      message: String(answer.message.prefix(500)),
      evidence: answer.evidence.prefix(32).map { String($0.prefix(300)) })
  }
}

extension ValidationReport {
  /// The report with conclusions of checks, which decide its verdict together with the findings.
  fileprivate func adding(_ results: [CustomCheckResult]) -> ValidationReport {
    var report = self
    report.checks += results
    let failed = results.filter { $0.outcome == .fail }
    let silent = results.filter { $0.outcome == .inconclusive }
    if !failed.isEmpty {
      let words = "The check \(failed[0].name) failed: \(failed[0].message)"
      let more = failed.count > 1 ? " And \(failed.count - 1) more." : ""
      report.summary = (verdict == .fail ? summary + " " : "") + words + more
      report.verdict = .fail
    } else if !silent.isEmpty, verdict == .pass {
      report.summary += " But the check \(silent[0].name) is inconclusive: \(silent[0].message)"
      report.verdict = .inconclusive
    }
    return report
  }
}
