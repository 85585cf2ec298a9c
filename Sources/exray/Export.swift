import ArgumentParser
import EXrayExchange
import EXrayPipeline
import EXrayTrace
import Foundation
import MCAPCompression

/// `exray export`: parts of a trace in formats of other programs.
struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write tensors, times and sensors of a trace in formats of other programs.",
    discussion: """
      Arrays hold a tensor's values in all frames meant, stacked: [frame, …]. An index says what is what.

      EXAMPLES
        exray export run.mcap --to outputs.npz --tensors output --frames 0-9
        exray export run.mcap --to layers.safetensors --tensors layer --tensors 'input*'
        exray export run.mcap --to arrays/ --format npy
        exray export run.mcap --to tables/ --format csv
        exray export run.mcap --to timeline.json --format perfetto
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case npy, npz, safetensors, csv, perfetto
  }

  @Argument(help: "The trace.")
  var trace: String

  @Option(
    help: ArgumentHelp(
      "Where it goes: a file, or a folder for npy and csv.", valueName: "path"))
  var to: String

  @Option(
    help:
      "npy, npz, safetensors, csv or perfetto; else by the name: .npz, .safetensors, .json, or a folder of npy."
  )
  var format: Format?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Tensors: a role (input, layer, output, embedding, custom), or names or topics with * and ?.",
      valueName: "pattern"))
  var tensors: [String] = []

  @Option(help: ArgumentHelp("Frames, as 0-9 or 3,7 or 100-.", valueName: "list"))
  var frames: String?

  func run() throws {
    let format = try chosenFormat()
    let isFolder = format == .npy || format == .csv
    let selection = TraceSelection(
      tensors: tensors, frames: try frames.map { try TraceSelection.frames(parsing: $0) })
    let reader = try TraceReader(path: trace, codecs: .standard)
    let progress = ProgressBar()
    let export = try TraceExport(reader, selection: selection) {
      progress.progress("export", done: $0, of: $1)
    }
    let made: [String]
    if isFolder {
      made = try FileAccess.makeFolder(to)
    } else {
      try FileAccess.checkWritable(to)
      made = []
    }
    // Partial files lie beside their targets.
    Leftovers.watch(files: [isFolder ? to + "/index.json" : to], folders: made)
    let summary =
      switch format {
      case .npy: try export.writeNPY(toFolder: to)
      case .npz: try export.writeNPZ(to: to)
      case .safetensors: try export.writeSafetensors(to: to)
      case .csv: try export.writeCSV(toFolder: to)
      case .perfetto: try export.writePerfetto(to: to)
      }
    for skipped in summary.skipped {
      StandardStreams.writeError("exray: left out: \(skipped)".onOneLine + "\n")
    }
    let what =
      switch format {
      case .npy, .npz, .safetensors: "arrays"
      case .csv: "rows"
      case .perfetto: "events"
      }
    print("\(to): \(summary.count) \(what)".onOneLine)
  }

  private func chosenFormat() throws -> Format {
    if let format { return format }
    switch URL(filePath: to).pathExtension.lowercased() {
    case "npz": return .npz
    case "safetensors": return .safetensors
    case "json": return .perfetto
    case "csv":
      throw ValidationError("CSV is several tables: name a folder and say --format csv.")
    case "npy":
      throw ValidationError("There is one .npy a tensor: name a folder and say --format npy.")
    case "": return .npy
    case let other:
      throw ValidationError(
        "'.\(other)' tells no format; say --format npy, npz, safetensors, csv or perfetto.")
    }
  }
}
