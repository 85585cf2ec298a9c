import EXrayCore
import EXrayLiteRT
import EXrayRuntime
import EXrayTestKit
import Foundation
import Testing

/// What these suites need from outside.
enum Setup {
  /// The library that `make setup` puts into `.deps`.
  static let library: String? = {
    let path = Requirements.dependencies.appending(path: "litert/\(LiteRT.search.fileName)").path
    return FileManager.default.fileExists(atPath: path) ? path : nil
  }()

  /// The `exray` executable of this build, which hosts sessions.
  static let executable: String? = {
    let bundles = CommandLine.arguments + [ProcessFiles.executable ?? ""]
    let folders = bundles.filter { $0.hasSuffix(".xctest") }.map {
      URL(filePath: $0).deletingLastPathComponent()
    }
    return folders.map { $0.appending(path: "exray").path }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  /// Whether LiteRT's suites run; a strict run has no excuse.
  static let hasLibrary = library != nil || Requirements.areStrict
  /// Whether suites that also run models in another process run.
  static let canHost = hasLibrary && (executable != nil || Requirements.areStrict)
  /// Whether suites that compare with Python run.
  static let hasPython = hasLibrary && (Requirements.python != nil || Requirements.areStrict)
  /// Whether suites that compare real models with Python run.
  static let hasModels = hasPython && (SharedData.isAvailable || Requirements.areStrict)

  static func runtime() throws -> LiteRT {
    guard let library else { throw MissingResource(name: ".deps/litert") }
    return try LiteRT(library: library, checksModels: false)
  }

  static func hosted(timeLimit: Duration = .seconds(60)) throws -> HostedRuntime {
    guard let library else { throw MissingResource(name: ".deps/litert") }
    guard let executable else { throw MissingResource(name: "the exray executable") }
    return try LiteRT.hosted(library: library, executable: executable, timeLimit: timeLimit)
  }

  /// A folder of small models with unusual features, written by Python's official schema.
  static func model(_ name: String) throws -> [UInt8] {
    let folder = try models.get()
    return [UInt8](try Data(contentsOf: folder.appending(path: "\(name).tflite")))
  }

  private static let models = Result {
    let folder = try temporaryFolder()
    try python("models", folder.path)
    return folder
  }

  static func temporaryFolder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "exray-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  /// Runs `Scripts/check_runtime.py`.
  static func python(_ arguments: String...) throws {
    let outcome = try BuiltTool.run(script: "check_runtime.py", arguments)
    try #require(outcome.status == 0, "check_runtime.py: \(outcome.errors)")
  }
}

extension AnySession {
  /// Writes the inputs, runs once and returns the outputs' bytes.
  mutating func answer(_ values: [[UInt8]]) throws -> [[UInt8]] {
    for (index, bytes) in values.enumerated() {
      try unsafe write(bytes.span.bytes, toInput: index)
    }
    try run()
    return try outputBytes()
  }

  func outputBytes() throws -> [[UInt8]] {
    var all: [[UInt8]] = []
    for index in outputs.indices {
      all.append(
        try withOutput(index) { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } })
    }
    return all
  }
}

extension InferenceRuntime {
  func opened(_ model: [UInt8], _ options: SessionOptions = SessionOptions()) throws -> AnySession {
    try unsafe openSession(model: model.span.bytes, options: options)
  }

  /// The error of opening a model that must be refused.
  func refusal(_ model: [UInt8], _ options: SessionOptions = SessionOptions()) -> RuntimeError? {
    do {
      _ = try unsafe openSession(model: model.span.bytes, options: options)
      return nil
    } catch {
      return error
    }
  }
}

/// The little-endian bytes of numbers.
func bytes(_ values: [Float]) -> [UInt8] {
  values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
  }
}

/// Real values as a tensor stores them: quantised by its own scale and zero point where it is an integer.
func stored(_ values: [Float], _ tensor: TensorDescription) -> [UInt8] {
  guard let range = tensor.elementType.integerRange, let scale = tensor.quantization?.scale,
    let width = tensor.elementType.bitWidth
  else { return bytes(values) }
  let zeroPoint = Float(tensor.quantization?.zeroPoint ?? 0)
  return values.flatMap { value -> [UInt8] in
    let rounded = (value / scale + zeroPoint).rounded(.toNearestOrEven)
    let clamped = Int64(min(max(rounded, Float(range.lowerBound)), Float(range.upperBound)))
    return (0..<width / 8).map { UInt8(truncatingIfNeeded: clamped >> (8 * $0)) }
  }
}
