import ArgumentParser
import EXrayPipeline
import EXrayValidation

/// `exray compare`: two traces, layer by layer.
struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare two traces layer by layer and name the causes of differences.",
    discussion: """
      EXAMPLES
        exray compare app.mcap reference.mcap
        exray compare app.mcap reference.mcap --html report.html --junit junit.xml --fail-on top1-drop=0.02
        exray compare app.mcap reference.mcap --sarif exray.sarif --github
        exray compare app.mcap reference.mcap --check "python3 my_check.py" --check-tensors output
      """)

  @Argument(help: "The trace under suspicion.")
  var candidate: String

  @Argument(help: "The trace that is trusted.")
  var reference: String

  @Option(help: ArgumentHelp("Write the report as JSON.", valueName: "file"))
  var json: String?

  @Option(help: ArgumentHelp("Write the report as one HTML file.", valueName: "file"))
  var html: String?

  @Option(help: ArgumentHelp("Write the report as JUnit XML.", valueName: "file"))
  var junit: String?

  @Option(help: ArgumentHelp("Write the report as Markdown.", valueName: "file"))
  var markdown: String?

  @Option(
    help: ArgumentHelp("What healthy runs came to, from exray baseline make.", valueName: "json"))
  var baseline: String?

  @OptionGroup var overlays: OverlayOptions
  @OptionGroup var labels: LabelOptions
  @OptionGroup var checks: CheckOptions
  @OptionGroup var gate: GateOptions

  func run() throws {
    let output = ReportOutput(
      json: json, html: html, junit: junit, markdown: markdown, overlays: overlays)
    try output.check()
    let job = try CompareJob(
      candidate: candidate, reference: reference, labels: try labels.specification(),
      tool: Tool.identity, checks: try checks.make(),
      baseline: try baseline.map { try Baseline(path: $0) })
    let (report, pictures) = try job.run(observer: ProgressBar())
    try output.write(report, pictures)
    try gate.exit(for: report)
  }
}
