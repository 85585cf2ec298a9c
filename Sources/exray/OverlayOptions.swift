import ArgumentParser
import EXrayCore
import EXrayPipeline
import EXrayReport
import EXrayValidation
import Foundation

/// Reports for other tools, beside EXray's own.
struct OverlayOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A folder for Model Explorer node data, one file per metric.", valueName: "folder"))
  var modelExplorer: String?

  @Option(help: ArgumentHelp("Write the findings as SARIF 2.1.0.", valueName: "file"))
  var sarif: String?

  @Flag(
    inversion: .prefixedNo,
    help: "Print findings as GitHub annotations; by default where GITHUB_ACTIONS is true.")
  var github: Bool?

  /// Whether annotations are printed.
  var printsAnnotations: Bool {
    github ?? (ProcessInfo.processInfo.environment["GITHUB_ACTIONS"] == "true")
  }

  /// Text for the terminal, in which GitHub looks for no commands: names come from files, and could hold some.
  func guarded(_ text: String) -> String {
    guard printsAnnotations else { return text }
    var digest = SHA256()
    let bytes = Array(text.utf8)
    unsafe digest.update(bytes.span.bytes)
    let word = "exray-" + digest.hexadecimal.prefix(16)
    return "::stop-commands::\(word)\n\(text)::\(word)::\n"
  }

  /// Refuses places that could not be written later, before the work is done.
  func check() throws {
    if let sarif {
      try FileAccess.checkWritable(sarif)
      Leftovers.watch(files: [sarif])
    }
    if let modelExplorer {
      Leftovers.watch(files: [], folders: try FileAccess.makeFolder(modelExplorer))
    }
  }

  /// Writes the files.
  ///
  /// - Parameter model: The candidate's model as the user named it; nil where a trace stands for it.
  func write(_ report: ValidationReport, model: String?) throws {
    if let sarif { try FileAccess.write(SARIFRenderer.render(report, model: model), to: sarif) }
    if let modelExplorer {
      let files = ModelExplorerRenderer.render(report)
      for file in files { try FileAccess.write(file.text, to: "\(modelExplorer)/\(file.name)") }
      // A metric of an earlier run would look like one of this run.
      for name in ModelExplorerRenderer.fileNames where !files.contains(where: { $0.name == name })
      {
        try? FileManager.default.removeItem(atPath: "\(modelExplorer)/\(name)")
      }
    }
    if printsAnnotations { print(GitHubRenderer.render(report), terminator: "") }
  }
}
