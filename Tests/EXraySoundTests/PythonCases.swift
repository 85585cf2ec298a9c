import EXrayJSON
import EXraySound
import EXrayTestKit
import Foundation

/// What Scripts/check_sound.py wrote, made once a run.
struct PythonCases {
  static let generated = Result { try PythonCases() }

  let folder: URL

  private init() throws {
    let environment = ProcessInfo.processInfo.environment
    folder = FileManager.default.temporaryDirectory.appending(
      path: "exray-sound-\(ProcessInfo.processInfo.processIdentifier)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let outcome = try BuiltTool.run(
      script: "check_sound.py",
      [folder.path, "--seed", environment["EXRAY_SOUND_SEED"] ?? "1"])
    guard outcome.status == 0 else {
      throw MissingResource(name: "check_sound.py: \(outcome.errors)")
    }
  }

  /// The cases of a JSON list.
  func list<Case: Decodable>(_ name: String, of: Case.Type) throws -> [Case] {
    try JSONDecoder().decode([Case].self, from: Data(contentsOf: folder.appending(path: name)))
  }

  func path(_ name: String) -> String {
    name.hasPrefix("/") ? name : folder.appending(path: name).path
  }

  func doubles(_ name: String) throws -> [Double] {
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: path(name))))
    return stride(from: 0, to: bytes.count, by: 8).map { start in
      Double(bitPattern: (0..<8).reduce(0) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) })
    }
  }
}

/// A recipe inside a case: any JSON, read by EXray's own reader.
struct RecipeInCase: Decodable {
  let recipe: SoundRecipe

  init(from decoder: any Decoder) throws {
    let text = try JSONTree(from: decoder).text()
    recipe = try SoundRecipe(json: Array(text.utf8), file: "case")
  }
}

/// The largest difference of two lists, as a part of the second one's largest value.
func relativeDifference(_ values: [Double], _ wanted: [Double]) -> Double {
  guard values.count == wanted.count else { return .infinity }
  let largest = max(wanted.reduce(0) { max($0, abs($1)) }, .leastNormalMagnitude)
  return zip(values, wanted).reduce(0) { max($0, abs($1.0 - $1.1)) } / largest
}
