import EXrayTestKit
import Foundation
import Testing

/// The commands as a shell sees them.
@Suite("Commands that exchange traces")
struct CommandTests {
  private let run = ImportTests.fixtures.appending(path: "python").path

  @Test("import tells what was left out with exit code 1, export takes what it wrote")
  func roundTrip() throws {
    try withTemporaryFolder { folder in
      let trace = folder.appending(path: "a.mcap").path
      let imported = try BuiltTool.run(["import", "mlexray", run, "-o", trace])
      #expect(imported.status == 1 && imported.output == "\(trace): 2 frames, 14 tensors\n")
      #expect(imported.errors.contains("finding: frame 1: 'elided' was abbreviated"))
      let archive = folder.appending(path: "a.npz").path
      let exported = try BuiltTool.run(["export", trace, "--to", archive, "--tensors", "output"])
      #expect(exported.status == 0 && exported.output == "\(archive): 1 arrays\n", "\(exported)")
      #expect(FileManager.default.fileExists(atPath: archive))
    }
  }

  @Test("recover finishes a trace that was cut off, under its own name, and keeps the file")
  func recover() throws {
    try withTemporaryFolder { folder in
      let trace = folder.appending(path: "a.mcap").path
      _ = try BuiltTool.run(["import", "mlexray", run, "-o", trace])
      let bytes = try Data(contentsOf: URL(filePath: trace))
      let partial = folder.appending(path: "dead.mcap.7-0.partial")
      try bytes.prefix(bytes.count * 2 / 3).write(to: partial)
      let target = folder.appending(path: "dead.mcap").path
      let recovered = try BuiltTool.run(["recover", partial.path])
      #expect(recovered.status == 0 && recovered.output.hasPrefix("\(target): "), "\(recovered)")
      #expect(FileManager.default.fileExists(atPath: partial.path))
      let again = try BuiltTool.run(["recover", partial.path])
      #expect(again.status == 2 && again.errors.contains("is there already"))
      let exported = try BuiltTool.run(
        ["export", target, "--to", folder.appending(path: "t").path, "--format", "csv"])
      #expect(exported.status == 0, "\(exported)")
    }
  }

  @Test(
    "What cannot be done is exit code 2 and says what to do",
    arguments: [
      (["import", "mlexray", "/no/such/folder"], "check the path"),
      (["import", "mlexray", "Sources"], "give the run's folder"),
      (["export", "README.md", "--to", "x.npz"], "not"),
      (["export", "README.md", "--to", "x.csv"], "--format csv"),
      (["recover", "README.md"], "--output"),
    ])
  func refusals(arguments: [String], advice: String) throws {
    let outcome = try BuiltTool.run(arguments)
    #expect(outcome.status == 2 && outcome.errors.contains(advice), "\(outcome)")
    #expect(outcome.output.isEmpty)
  }
}
