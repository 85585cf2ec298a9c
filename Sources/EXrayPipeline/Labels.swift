/// The right class of each input, read from a file with a line per input.
///
/// A line is a file name, a class number, and anything more, separated by commas, tabs or spaces. A first line
/// without a number is a header. Empty lines and lines that begin with `#` are skipped.
public struct Labels: Sendable {
  private var classes: [String: Int] = [:]
  /// The file, as the caller named it.
  let path: String

  /// The classes that a label may name: more than any model has, and no sum of them and an offset overflows.
  static let range = -1_000_000_000...1_000_000_000

  /// Reads a labels file.
  ///
  /// - Throws: ``PipelineError`` with the line number, where a line has no class number or repeats a name
  ///   with another class.
  public init(path: String) throws(PipelineError) {
    let bytes = try FileAccess.bytes(path)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw PipelineError(.malformedLabels, "\(path): is not UTF-8 text; save it as plain text")
    }
    self.path = path
    var number = 0
    let body = text.hasPrefix("\u{FEFF}") ? text.dropFirst() : text[...]
    for line in body.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      number += 1
      let fields = Self.fields(line)
      guard let name = fields.first, !name.hasPrefix("#") else { continue }
      guard !name.isEmpty, fields.count >= 2, let label = Self.number(fields[1]) else {
        if classes.isEmpty, number == 1, fields.count >= 2, !fields[1].allSatisfy(\.isNumber) {
          continue
        }
        throw PipelineError(
          .malformedLabels,
          "\(path): line \(number): expected a file name and a class number, found '\(line.prefix(60))'; correct the line"
        )
      }
      if let known = classes.updateValue(label, forKey: String(name)), known != label {
        throw PipelineError(
          .malformedLabels,
          "\(path): line \(number): \(name.prefix(100)) has class \(label) here and \(known) above; remove one of the lines"
        )
      }
    }
    guard !classes.isEmpty else {
      throw PipelineError(
        .malformedLabels, "\(path): has no labels; write a line per input: file name, class")
    }
  }

  /// A class number, or nil where the text is none or is absurdly large.
  static func number(_ text: some StringProtocol) -> Int? {
    Int(text).flatMap { range.contains($0) ? $0 : nil }
  }

  /// The class of an input by its file name, if the file names it.
  public subscript(name: String) -> Int? { classes[name] }

  private static func fields(_ line: Substring) -> [Substring] {
    if line.contains(",") {
      return line.split(separator: ",", omittingEmptySubsequences: false).map { field in
        field.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed().reduce(into: Substring())
        {
          $0.append($1)
        }
      }
    }
    return line.split { $0 == " " || $0 == "\t" }
  }
}
