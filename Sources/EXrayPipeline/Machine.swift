import Foundation

/// The machine that runs a job, as traces record it.
public enum Machine {
  /// Architecture, processor model and count, as in `x86_64 Intel Xeon (2 processors)`.
  public static let device: String = {
    #if arch(x86_64)
      let architecture = "x86_64"
    #elseif arch(arm64)
      let architecture = "arm64"
    #else
      let architecture = "unknown architecture"
    #endif
    let count = ProcessInfo.processInfo.processorCount
    let model = field("model name", of: "/proc/cpuinfo", separator: ":")
    return [architecture, model, "(\(count) processors)"].compactMap { $0 }.joined(separator: " ")
  }()

  /// Name and version of the operating system.
  public static let operatingSystem: String =
    field("PRETTY_NAME", of: "/etc/os-release", separator: "=")
    ?? ProcessInfo.processInfo.operatingSystemVersionString

  private static func field(_ name: String, of path: String, separator: Character) -> String? {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
    for line in text.split(separator: "\n") where line.hasPrefix(name) {
      guard let position = line.firstIndex(of: separator) else { continue }
      return line[line.index(after: position)...]
        .trimmingCharacters(in: CharacterSet(charactersIn: " \t\""))
    }
    return nil
  }
}
