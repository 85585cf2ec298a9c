import ArgumentParser
import EXrayPipeline
import EXrayTrace
import Foundation
import MCAP
import MCAPCompression

/// `exray recover`: a trace whose writer died, finished.
struct Recover: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Finish the trace of an app that died while it wrote.",
    discussion: """
      Takes over everything up to the last complete chunk; the file itself is not changed.

      EXAMPLES
        exray recover run.mcap.4711-0.partial
        exray recover run.mcap.4711-0.partial -o saved.mcap
      """)

  @Argument(help: "The file that the writer left: NAME.mcap.PROCESS-0.partial.")
  var file: String

  @Option(
    name: [.long, .short],
    help: ArgumentHelp(
      "Where the finished file goes; else the name that the writer would have given it.",
      valueName: "mcap"))
  var output: String?

  func run() throws {
    let target = try output ?? Self.name(of: file)
    try FileAccess.checkWritable(target)
    // A signal removes what this process left in the folder, by its number; that of the dead one may be the same.
    if !file.contains(".\(ProcessInfo.processInfo.processIdentifier)-") {
      Leftovers.watch(files: [target])
    }
    let recovery = try Recovery.recover(from: file, to: target, codecs: .standard)
    var lines = [
      "\(target): \(recovery.messageCount) messages in \(recovery.chunkCount) chunks"
    ]
    if let trace = try? TraceReader(path: target, codecs: .standard) {
      let count = trace.frames.count
      lines[0] += ", \(count) complete \(count == 1 ? "frame" : "frames")"
    }
    if let damage = recovery.damage {
      lines.append("lost: the last \(recovery.lostByteCount) bytes (\(damage))")
    }
    print(lines.map(\.onOneLine).joined(separator: "\n"))
  }

  /// The name that the writer would have given the file, which must be free.
  private static func name(of file: String) throws -> String {
    guard let match = file.wholeMatch(of: /(.+)\.[0-9]+-[0-9]+\.partial/) else {
      throw ValidationError(
        "'\(file)' is not named NAME.PROCESS-0.partial; say with --output where the finished file goes."
      )
    }
    let name = String(match.1)
    guard !FileManager.default.fileExists(atPath: name) else {
      throw ValidationError(
        "'\(name)' is there already; say with --output where the finished file goes.")
    }
    return name
  }
}
