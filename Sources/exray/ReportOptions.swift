import ArgumentParser
import EXrayPipeline
import EXrayReport
import EXrayValidation

/// A condition under which a comparison ends with exit code 1.
enum FailCondition: ExpressibleByArgument {
  case finding
  case never
  case cause(String)
  case top1Drop(Double)
  case agreementBelow(Double)
  case layerDrift(Double)

  init?(argument: String) {
    let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
    let number = parts.count == 2 ? Double(parts[1]).flatMap { $0.isFinite ? $0 : nil } : nil
    if parts.count == 2, number == nil { return nil }
    switch (parts.first ?? "", number) {
    case ("finding", nil): self = .finding
    case ("never", nil): self = .never
    case ("top1-drop", let number?): self = .top1Drop(number)
    case ("agreement", let number?): self = .agreementBelow(number)
    case ("nrmse", let number?): self = .layerDrift(number)
    case (let name, nil) where Cause.all.contains { Self.isOf($0, name) }:
      self = .cause(name)
    default: return nil
    }
  }

  /// Whether a cause is the named one or of the named family.
  private static func isOf(_ cause: Cause, _ name: String) -> Bool {
    cause.identifier == name || cause.identifier.hasPrefix(name + ".")
  }

  func holds(for report: ValidationReport) -> Bool {
    switch self {
    case .never: false
    case .finding: report.verdict == .fail
    case .cause(let name): report.findings.contains { Self.isOf($0.cause, name) }
    case .top1Drop(let limit):
      report.accuracy.map { $0.reference.top1 - $0.candidate.top1 > limit } ?? false
    case .agreementBelow(let limit): report.answers.map { $0.top1Agreement < limit } ?? false
    case .layerDrift(let limit): report.layers.contains { ($0.metrics?.nrmse ?? 0) > limit }
    }
  }
}

/// When a comparison fails the build.
struct GateOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What exits with 1: finding (default), never, a cause or its family (preprocess), top1-drop=0.02, agreement=0.9, nrmse=0.2. May be repeated.",
      valueName: "condition"))
  var failOn: [FailCondition] = []

  /// Ends the program with the report's exit code.
  ///
  /// Custom checks count under every condition but `never`: who gives one wants to know.
  func exit(for report: ValidationReport) throws {
    let conditions = failOn.isEmpty ? [FailCondition.finding] : failOn
    if conditions.contains(where: { $0.holds(for: report) }) { throw ExitCode(1) }
    let isNever = conditions.contains { if case .never = $0 { true } else { false } }
    if isNever { return }
    let outcomes = report.checks.map(\.outcome)
    if outcomes.contains(.fail) { throw ExitCode(1) }
    if report.verdict == .inconclusive || outcomes.contains(.inconclusive) { throw ExitCode(3) }
  }
}

/// Which part of a model a check wants values of.
enum TensorRole: String, ExpressibleByArgument, CaseIterable {
  case input, layer, output

  var role: RunComparison.Tensor.Role {
    switch self {
    case .input: .input
    case .layer: .layer
    case .output: .output
    }
  }
}

/// The user's own assertions.
struct CheckOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A program of your own that judges the comparison: JSON in, JSON out (see Documentation/checks.md). May be repeated.",
      valueName: "command"))
  var check: [String] = []

  @Option(
    help: ArgumentHelp(
      "Give checks the values of these tensors as .npy files: input, layer or output. May be repeated.",
      valueName: "role"))
  var checkTensors: [TensorRole] = []

  @Option(help: ArgumentHelp("Seconds after which a check is ended.", valueName: "s"))
  var checkTimeout = 60

  func validate() throws {
    guard (1...86_400).contains(checkTimeout) else {
      throw ValidationError("--check-timeout takes 1 to 86400 seconds, not \(checkTimeout).")
    }
    guard checkTensors.isEmpty || !check.isEmpty else {
      throw ValidationError("--check-tensors needs --check to say for which program.")
    }
  }

  func make() throws -> [CustomCheck] {
    try check.map { command in
      try CustomCheck.program(
        command, tensors: Set(checkTensors.map(\.role)), timeLimit: .seconds(checkTimeout),
        reportJSON: { try JSONRenderer.render($0) })
    }
  }
}

/// Shows a report on the terminal and writes its files.
struct ReportOutput {
  var json: String?
  var html: String?
  var junit: String?
  var markdown: String?
  /// What other tools read.
  var overlays: OverlayOptions?
  /// The candidate's model as the user named it; nil where a trace stands for it.
  var model: String?

  /// The four files of a report folder.
  static func folder(_ path: String) -> ReportOutput {
    ReportOutput(
      json: path + "/report.json", html: path + "/report.html", junit: path + "/junit.xml",
      markdown: path + "/report.md")
  }

  /// Refuses files that could not be written later, before the work is done.
  func check() throws {
    let files = [json, html, junit, markdown].compactMap { $0 }
    for path in files { try FileAccess.checkWritable(path) }
    Leftovers.watch(files: files)
    try overlays?.check()
  }

  func write(_ report: ValidationReport, _ pictures: ReportPictures) throws {
    let terminal = Terminal.standardOutput
    let text = TerminalRenderer(color: terminal.isInteractive, width: terminal.width)
      .render(report)
    print(overlays?.guarded(text) ?? text, terminator: "")
    if let json { try FileAccess.write(JSONRenderer.render(report), to: json) }
    if let html {
      try FileAccess.write(HTMLRenderer.render(report, pictures: pictures), to: html)
    }
    if let junit { try FileAccess.write(JUnitRenderer.render(report), to: junit) }
    if let markdown { try FileAccess.write(MarkdownRenderer.render(report), to: markdown) }
    if let html { print("Report: \(html)") }
    try overlays?.write(report, model: model)
  }
}
