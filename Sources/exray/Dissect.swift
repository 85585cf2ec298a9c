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

  @OptionGroup var models: ModelPairOptions

  @Option(help: "The kernels that compute the trusted model.")
  var referenceKernels = KernelMode.xnnpack

  @Option(help: ArgumentHelp("How many inputs are used, from the first on.", valueName: "n"))
  var frames = 8

  @Flag(help: "Also say what will overflow or vanish once a delegate computes in float16.")
  var fp16 = false

  @Option(help: ArgumentHelp("Write what was found as JSON.", valueName: "file"))
  var json: String?

  @Option(help: ArgumentHelp("Write the report as one HTML file.", valueName: "file"))
  var html: String?

  @OptionGroup var overlays: OverlayOptions

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
    let sides = try models.read(referenceKernels: referenceKernels)
    let job = DissectJob(
      candidate: sides.candidate, reference: sides.reference, inputs: sides.inputs,
      frameLimit: frames)
    let outcome = try job.measure(predictsHalf: fp16, observer: ProgressBar())
    let report = DissectReport(outcome, of: job)
    if let json { try FileAccess.write(try report.json(), to: json) }
    let whole = job.report(outcome, tool: Tool.identity)
    if let html { try FileAccess.write(HTMLRenderer.render(whole), to: html) }
    print(overlays.guarded(LayerTable(report).text + "\n"), terminator: "")
    try overlays.write(whole, model: models.model)
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
