public import Foundation

/// The folder of real models and data that the tests read, where this machine has it.
///
/// It lies beside the checkout (`../shared/data`) or where `EXRAY_DATA` says. It is never part of the
/// project; suites that need it are skipped elsewhere, and fail when ``Requirements`` say so.
public enum SharedData {
  /// The folder, or nil where there is none.
  public static let root: URL? = {
    let environment = ProcessInfo.processInfo.environment
    let beside = Requirements.packageRoot.appending(path: "../shared/data").standardizedFileURL
    let folder = environment["EXRAY_DATA"].map { URL(filePath: $0) } ?? beside
    let manifest = folder.appending(path: "manifest.json")
    return FileManager.default.fileExists(atPath: manifest.path) ? folder : nil
  }()

  /// Whether suites that need the folder can run.
  public static var isAvailable: Bool { root != nil }

  /// The path of a file in the folder (`models/vww/vww_96_int8.tflite`).
  public static func path(_ relative: String) throws -> String {
    guard let root else { throw MissingResource(name: "../shared/data/\(relative)") }
    return root.appending(path: relative).path
  }

  /// The bytes of a file in the folder.
  public static func bytes(_ relative: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(filePath: path(relative))))
  }
}

/// What this run of the tests must find.
public enum Requirements {
  /// Whether an absent runtime or data folder is a failure rather than a skip.
  public static let areStrict =
    ProcessInfo.processInfo.environment["EXRAY_REQUIRE_RUNTIMES"] == "1"

  /// The checkout's root.
  public static let packageRoot = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The folder into which `make setup` puts runtimes, models and the Python environment.
  public static let dependencies = packageRoot.appending(path: ".deps")

  /// The Python interpreter with NumPy, Pillow, OpenCV, mcap and ai-edge-litert, or nil where `make setup` has not run.
  public static let python: URL? = {
    let interpreter = dependencies.appending(path: "python/bin/python3")
    return FileManager.default.isExecutableFile(atPath: interpreter.path) ? interpreter : nil
  }()
}

/// A file or a library that a test needs and this machine lacks.
public struct MissingResource: Error, CustomStringConvertible {
  /// What is missing.
  public var name: String

  /// Creates an error.
  public init(name: String) { self.name = name }

  /// What is missing and what to do.
  public var description: String { "\(name) is not here; run make setup" }
}
