public import Foundation

/// The `exray` program that was built together with the tests.
public enum BuiltTool {
  /// What one call came to.
  public struct Outcome: Sendable {
    /// The exit code; 128 + the signal where a signal ended the program.
    public var status: Int32
    /// Standard output.
    public var output: String
    /// Standard error.
    public var errors: String
  }

  /// The program, in the folder of the test bundle.
  public static let url: URL = {
    let runner = URL(filePath: CommandLine.arguments[0]).standardizedFileURL
    var folder = runner.deletingLastPathComponent()
    while folder.path != "/" {
      let tool = folder.appending(path: "exray")
      if FileManager.default.isExecutableFile(atPath: tool.path), !isFolder(tool) { return tool }
      folder.deleteLastPathComponent()
    }
    return runner.deletingLastPathComponent().appending(path: "exray")
  }()

  private static func isFolder(_ url: URL) -> Bool {
    (try? url.resourceValues(forKeys: [.isDirectoryKey]).isDirectory) ?? false
  }

  /// Runs the program with these arguments and waits for its end.
  public static func run(
    _ arguments: [String], environment: [String: String] = [:]
  ) throws -> Outcome {
    try run(url, arguments, environment: environment)
  }

  /// Runs one of the project's Python scripts and waits for its end.
  public static func run(
    script: String, _ arguments: [String], environment: [String: String] = [:]
  ) throws -> Outcome {
    guard let python = Requirements.python else { throw MissingResource(name: ".deps/python") }
    let path = Requirements.packageRoot.appending(path: "Scripts/\(script)").path
    return try run(python, [path] + arguments, environment: environment)
  }

  /// Runs any program and waits for its end; its output goes through files, so that no pipe fills up.
  public static func run(
    _ program: URL, _ arguments: [String], environment: [String: String] = [:],
    timeLimit: Duration = .seconds(900)
  ) throws -> Outcome {
    try withTemporaryFolder { folder in
      let output = folder.appending(path: "output")
      let errors = folder.appending(path: "errors")
      for file in [output, errors] { try Data().write(to: file) }
      let process = Process()
      process.executableURL = program
      process.arguments = arguments
      process.currentDirectoryURL = Requirements.packageRoot
      process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = try FileHandle(forWritingTo: output)
      process.standardError = try FileHandle(forWritingTo: errors)
      try process.run()
      let end = try process.end(within: timeLimit)
      return Outcome(
        status: end.signal == 0 ? end.code : 128 + end.signal,
        output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
        errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
    }
  }
}

/// Calls `body` with an empty folder that is removed afterwards.
public func withTemporaryFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory
    .appending(path: "exray-test-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder)
}
