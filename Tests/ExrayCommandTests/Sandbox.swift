import EXrayTestKit
import Foundation

/// An empty folder for the files of one run of the tool, with a folder inside for what the run writes.
struct Sandbox: Sendable {
  let folder: URL

  /// Where runs write; must be empty after a run that failed.
  var output: String { folder.appending(path: "output").path }

  /// What runs have written, in order.
  var written: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: output).sorted() }
  }

  func path(_ name: String) -> String { folder.appending(path: name).path }

  /// Makes a file and returns its path.
  func file(_ name: String, _ bytes: [UInt8]) throws -> String {
    try Data(bytes).write(to: URL(filePath: path(name)))
    return path(name)
  }

  /// Makes a text file and returns its path.
  func file(_ name: String, _ text: String) throws -> String { try file(name, Array(text.utf8)) }

  /// Makes a file that claims a size and takes none on disk, and returns its path.
  func sparse(_ name: String, _ start: [UInt8], _ size: Int) throws -> String {
    let path = try file(name, start)
    let handle = try FileHandle(forWritingTo: URL(filePath: path))
    try handle.truncate(atOffset: UInt64(size))
    try handle.close()
    return path
  }

  /// Makes a folder and returns its path.
  func folder(_ name: String) throws -> String {
    try FileManager.default.createDirectory(atPath: path(name), withIntermediateDirectories: true)
    return path(name)
  }

  /// Makes a symbolic link and returns its path.
  func link(_ name: String, to target: String) throws -> String {
    try FileManager.default.createSymbolicLink(atPath: path(name), withDestinationPath: target)
    return path(name)
  }

  /// Makes a `.npy` file of zeros and returns its path.
  func zeros(_ name: String, _ shape: [Int], descriptor: String = "<f4", size: Int = 4) throws
    -> String
  {
    let values = [UInt8](repeating: 0, count: size * shape.reduce(1, *))
    return try file(name, Self.array(shape, descriptor, values))
  }

  /// The bytes of a NumPy array file.
  static func array(_ shape: [Int], _ descriptor: String, _ values: [UInt8]) -> [UInt8] {
    let extents = shape.map { "\($0)," }.joined(separator: " ")
    let header =
      "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': (\(extents)), }\n"
    let count = header.utf8.count
    var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8)
    bytes += [1, 0, UInt8(count & 255), UInt8(count >> 8)]
    bytes += Array(header.utf8)
    return bytes + values
  }
}

/// Calls `body` with an empty sandbox that is removed afterwards.
func withSandbox<Result>(_ body: (Sandbox) throws -> Result) throws -> Result {
  try withTemporaryFolder { folder in
    let sandbox = Sandbox(folder: folder)
    _ = try sandbox.folder("output")
    return try body(sandbox)
  }
}

extension BuiltTool.Outcome {
  /// What is wrong with the message of a failure; empty where it is one clear line.
  ///
  /// - Parameter place: The path that the message may name once.
  func faults(naming place: String? = nil) -> [String] {
    var faults: [String] = []
    let lines = errors.split(separator: "\n", omittingEmptySubsequences: false)
    if lines.count != 2 || lines.last != "" { faults.append("has \(lines.count - 1) lines") }
    if !errors.hasPrefix("exray: ") { faults.append("does not begin with the program's name") }
    if errors.utf8.count > 900 { faults.append("takes \(errors.utf8.count) bytes") }
    for word in [
      "Fatal error", "Program crashed", "Backtrace", "Stack dump", "Optional(", "Error(", "NSError",
      "NSCocoa", "EXrayModel", "EXrayPipeline", "Swift.", "Index out of range",
    ] where errors.contains(word) {
      faults.append("has the word \(word)")
    }
    if let place, errors.components(separatedBy: place).count > 2 {
      faults.append("names \(place) more than once")
    }
    // What to do comes last, after a colon or a semicolon.
    let advice = errors.split(whereSeparator: { ";:".contains($0) }).last ?? ""
    if advice.split(separator: " ").count < 2 { faults.append("does not say what to do") }
    return faults
  }
}

extension BuiltTool {
  /// Runs the tool through a shell command in which `$exray` is the tool and `$1…` are the arguments.
  static func shell(
    _ command: String, _ arguments: [String] = [], environment: [String: String] = [:]
  ) throws -> Outcome {
    try run(
      URL(filePath: "/bin/sh"), ["-c", command, "sh"] + arguments,
      environment: environment.merging(["exray": url.path]) { $1 })
  }

  /// Process numbers of running programs that were started with this in their environment.
  static func processes(with mark: String) -> [String] {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return all.filter { name in
      guard name.allSatisfy(\.isNumber),
        let environment = FileManager.default.contents(atPath: "/proc/\(name)/environ")
      else { return false }
      return String(decoding: environment, as: UTF8.self).contains(mark)
    }
  }
}
