import ArgumentParser
import EXrayPipeline
import EXrayReport
import EXrayRuntime
import EXrayValidation
import Foundation

/// `exray dissect`: which op of a model goes wrong by itself.
struct Dissect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Take a model apart: whose error it is, how much is normal, and what went wrong.",
    discussion: """
      Every op of the model is run on its own, beside the trusted model's, and blamed only for what it
      adds itself. Documentation/layers.md says what the columns mean.

      EXAMPLES
        exray dissect int8.tflite --reference float.tflite --recipe recipe.json --input photos/
        exray dissect model.tflite --reference-kernels reference --input samples.npy
        exray dissect float.tflite --fp16 --recipe recipe.json --input photos/
        exray dissect int8.tflite --reference float.tflite --input samples.npy --json layers.json
        exray dissect int8.tflite --reference float.tflite --input samples.npy \\
            --html layers.html --model-explorer overlays/ --sarif layers.sarif

      EXIT CODES
        0  every op does what it should        1  an op does not
        2  usage or unreadable input        3  no layer could be compared
      """)

  @Argument(help: "The model under suspicion, a .tflite file.")
  var model: String

  @Option(
    help: ArgumentHelp("The model that is trusted; the same one by default.", valueName: "tflite"))
  var reference: String?

  @Option(
    help: ArgumentHelp("How pictures become inputs; not needed for arrays.", valueName: "json"))
  var recipe: String?

  @Option(help: "The kernels that compute the model under suspicion.")
  var kernels = KernelMode.xnnpack

  @Option(help: "The kernels that compute the trusted model.")
  var referenceKernels = KernelMode.xnnpack

  @Option(help: ArgumentHelp("How many inputs are used, from the first on.", valueName: "n"))
  var frames = 8

  @Flag(help: "Also say what will overflow or vanish once a delegate computes in float16.")
  var fp16 = false

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Pictures (JPEG, PNG), a folder of them, a trace, or .npy arrays [N, …].", valueName: "path"))
  var input: [String]

  @Option(help: ArgumentHelp("Write what was found as JSON.", valueName: "file"))
  var json: String?

  @Option(help: ArgumentHelp("Write the report as one HTML file.", valueName: "file"))
  var html: String?

  @OptionGroup var overlays: OverlayOptions
  @OptionGroup var runtime: RuntimeOptions

  func validate() throws {
    guard (1...1000).contains(frames) else {
      throw ValidationError("--frames takes 1 to 1000, not \(frames).")
    }
  }

  func run() throws {
    let files = [json, html].compactMap(\.self)
    for file in files { try FileAccess.checkWritable(file) }
    Leftovers.watch(files: files)
    try overlays.check()
    let candidate = try ModelFile(path: model)
    let trusted = try reference.map { try ModelFile(path: $0) } ?? candidate
    let file = try recipe.map { try RecipeFile(path: $0) }
    let engine = try runtime.make()
    func side(_ model: ModelFile, _ kernels: KernelMode) -> PipelineSpecification {
      PipelineSpecification(
        model: model, recipe: file?.recipe, recipeName: file?.name, recipeFile: recipe,
        runtime: engine, options: SessionOptions(kernels: kernels, threads: runtime.threads))
    }
    let job = DissectJob(
      candidate: side(candidate, kernels), reference: side(trusted, referenceKernels),
      inputs: try InputList(paths: input), frameLimit: frames)
    let outcome = try job.measure(predictsHalf: fp16, observer: ProgressBar())
    let report = DissectReport(outcome, of: job)
    if let json { try FileAccess.write(try report.json(), to: json) }
    let whole = job.report(outcome, tool: Tool.identity)
    if let html { try FileAccess.write(HTMLRenderer.render(whole), to: html) }
    print(overlays.guarded(LayerTable(report).text + "\n"), terminator: "")
    try overlays.write(whole, model: model)
    switch report.verdict {
    case .pass: return
    case .fail: throw ExitCode(1)
    case .inconclusive: throw ExitCode(3)
    }
  }
}

/// The layers of a dissected model as a table, the findings below.
private struct LayerTable {
  let text: String

  init(_ report: DissectReport) {
    var lines = [Self.heading]
    lines += report.layers.map(Self.row)
    if let share = report.inputShare {
      lines.append("     inputs".padded(67) + Self.percent(share).padded(left: 10))
    }
    for finding in report.findings {
      lines += ["", "✗ \(finding.title)", "  cause  \(finding.cause)"]
      lines += finding.evidence.map { "         \($0)" }
      lines.append("  fix    \(finding.fix)")
    }
    if report.findings.isEmpty, !report.layers.isEmpty {
      lines += ["", "✓ Every op does what it should."]
    }
    lines += report.notes.map { "  \($0)" }
    text = lines.map(\.onOneLine).joined(separator: "\n")
  }

  private static let heading =
    "  op".padded(27)
    + ["own", "inherited", "steps", "excess", "share"].map { $0.padded(left: 10) }.joined()

  private static func row(_ layer: DissectReport.Layer) -> String {
    let errors = layer.errors
    let cells = [
      percent(errors.own), percent(errors.inherited), number(errors.ownInSteps),
      number(errors.excess), errors.share.map(percent) ?? "–",
    ]
    return "\(layer.op)".padded(left: 4) + " " + String(layer.type.prefix(21)).padded(22)
      + cells.map { $0.padded(left: 10) }.joined()
  }

  private static func percent(_ value: Double) -> String {
    value.isFinite ? String(format: "%.1f%%", value * 100) : "–"
  }

  private static func number(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "–" }
    return String(format: "%.2f", value)
  }
}

extension String {
  fileprivate func padded(_ width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }

  fileprivate func padded(left width: Int) -> String {
    String(repeating: " ", count: max(0, width - count)) + self
  }
}
