import EXrayCore
import EXrayTrace

/// Names that tensors have in other formats, each given once.
struct ExportNames {
  private var given: Set<String>

  /// - Parameter reserved: Names that no tensor gets.
  init(reserved: Set<String> = []) { given = Set(reserved.map { $0.lowercased() }) }

  /// The tensor's own name, else its topic; where another has it, with its topic, else with a number.
  mutating func plain(_ stream: TensorStream) -> String {
    let name = stream.description.name
    let topic = String(stream.topic.dropFirst())
    return unique(name.isEmpty ? topic : name, further: "\(name.isEmpty ? topic : name) (\(topic))")
  }

  /// The name as the path of an archive's member: relative, without steps upwards or characters that steer.
  mutating func archived(_ stream: TensorStream) -> String {
    let name = stream.description.name.isEmpty ? stream.topic : stream.description.name
    let parts = name.split(separator: "/").map { part -> String in
      let safe = String(
        String.UnicodeScalarView(part.unicodeScalars.prefix(120).map(Self.printable)))
      return safe.allSatisfy { $0 == "." } ? "_" : safe
    }
    let path = parts.isEmpty ? "tensor" : parts.prefix(16).joined(separator: "/")
    return unique(path, further: "\(path) (\(Self.fileTopic(stream)))")
  }

  /// A file name: topic and name, of letters, digits, dots, hyphens and underscores only.
  mutating func file(_ stream: TensorStream) -> String {
    let name = stream.description.name.unicodeScalars.prefix(120).map { scalar in
      scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
        || [".", "-", "_"].contains(scalar) ? scalar : "_"
    }
    let text = String(String.UnicodeScalarView(name))
    let whole = Self.fileTopic(stream) + (text.isEmpty ? "" : "-" + text)
    return unique(whole, further: whole + "-2")
  }

  private static func fileTopic(_ stream: TensorStream) -> String {
    stream.topic.split(separator: "/").joined(separator: "-")
  }

  private static func printable(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    let steers = [.control, .format, .surrogate].contains(scalar.properties.generalCategory)
    return steers || scalar == "\\" ? "_" : scalar
  }

  /// Names that differ in case only are the same file on some systems.
  private mutating func unique(_ name: String, further: String) -> String {
    if given.insert(name.lowercased()).inserted { return name }
    var candidate = further
    var number = 2
    while !given.insert(candidate.lowercased()).inserted {
      number += 1
      candidate = "\(further)-\(number)"
    }
    return candidate
  }
}
