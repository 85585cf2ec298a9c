import ArgumentParser
import EXrayExchange
import EXrayPipeline
import Foundation

/// `exray import`: a run that another program logged, as a trace.
struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Turn what another program logged into a trace.",
    discussion: """
      EXAMPLES
        exray import mlexray trace_imagenet/MobileNetV2/1_cloud_tflite/run -o run.mcap
      """,
    subcommands: [ImportMLEXray.self])
}

/// `exray import mlexray`: the text traces of ML-EXray.
struct ImportMLEXray: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mlexray",
    abstract: "Turn a run that ML-EXray logged as text into a trace.",
    discussion: """
      Reads what its Python, C++ and Android loggers write. Tensors whose values are not all there
      are left out and listed as findings.

      EXAMPLES
        exray import mlexray trace_imagenet/MobileNetV2/1_cloud_tflite/run -o run.mcap
        exray compare phone.mcap cloud.mcap

      EXIT CODES
        0  all taken over        1  some of it was not: the findings say what and why
        2  usage or unreadable input
      """)

  @Argument(help: "The run's folder (with nativeLog in it), or one that holds one run.")
  var folder: String

  @Option(
    name: [.long, .short],
    help: ArgumentHelp(
      "Where the trace goes; else RUN.mcap in the working folder.",
      valueName: "mcap"))
  var output: String?

  func run() throws {
    let output = output ?? Self.defaultOutput(folder)
    try FileAccess.checkWritable(output)
    Leftovers.watch(files: [output])
    let progress = ProgressBar()
    let summary = try MLEXrayImport(folder: folder).write(to: output, tool: Tool.identity) {
      progress.progress("import", done: $0, of: $1)
    }
    for finding in summary.findings {
      let place = finding.firstFrame.map { "frame \($0): " } ?? ""
      let tensor = finding.tensor.map { "'\($0)' " } ?? ""
      let more = finding.count > 1 ? " (\(finding.count) times)" : ""
      StandardStreams.writeError(
        "exray: finding: \(place)\(tensor)\(finding.message)\(more)".onOneLine + "\n")
    }
    print(
      "\(output): \(summary.frames) \(summary.frames == 1 ? "frame" : "frames"), "
        + "\(summary.tensors) \(summary.tensors == 1 ? "tensor" : "tensors")".onOneLine)
    if !summary.findings.isEmpty { throw ExitCode(1) }
  }

  /// The folder's name with the extension of a trace.
  private static func defaultOutput(_ folder: String) -> String {
    let name = URL(filePath: folder).standardizedFileURL.lastPathComponent
    return (["", "/", ".", ".."].contains(name) ? "run" : name) + ".mcap"
  }
}
