import ArgumentParser
import EXrayPipeline
import EXrayReport
import EXrayValidation

/// `exray baseline`: how far healthy runs of a model go.
struct BaselineTool: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "baseline",
    abstract: "Learn from healthy runs how far a model's layers go where no theory says it.",
    subcommands: [MakeBaseline.self])
}

/// `exray baseline make`.
struct MakeBaseline: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "make",
    abstract: "Learn limits from reports of healthy runs.",
    discussion: """
      Reports are the JSON of exray validate, compare or dissect. exray validate --baseline and exray
      compare --baseline then find what goes beyond. Documentation/baselines.md says how limits are learnt.

      EXAMPLES
        exray baseline make monday/report.json tuesday/report.json -o baseline.json
        exray validate --candidate-model int8.tflite --reference-model float.tflite \\
            --input samples.npy --baseline baseline.json

      EXIT CODES
        0  the baseline was written     2  usage, or a report that cannot be taken
      """)

  @Argument(help: ArgumentHelp("Reports of healthy runs.", valueName: "report"))
  var reports: [String]

  @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "json"))
  var output: String

  @Flag(help: "Take reports with findings, or on weak evidence, for healthy.")
  var acceptFindings = false

  func run() throws {
    try FileAccess.checkWritable(output)
    Leftovers.watch(files: [output])
    let samples = try reports.map { (path: $0, sample: try Self.sample($0)) }
    let baseline = try Baseline(samples, acceptsFindings: acceptFindings, tool: Tool.identity)
    try FileAccess.write(try baseline.json(), to: output)
    print(
      "\(baseline.layers.count) layers from \(baseline.reports) \(baseline.reports == 1 ? "report" : "reports"), \(baseline.frames) frames: \(output)"
        .onOneLine)
  }

  private static func sample(_ path: String) throws -> Baseline.Sample {
    let bytes = try FileAccess.bytes(path, limit: 64 << 20)
    if let sample = try Baseline.Sample(dissectReport: bytes, path: path) { return sample }
    do {
      return Baseline.Sample(try JSONRenderer.parse(String(decoding: bytes, as: UTF8.self)))
    } catch {
      throw PipelineError(.unreadable, "\(path): \(error)")
    }
  }
}
