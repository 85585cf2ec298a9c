extension JSONTree {
  /// The value as JSON text.
  public func text(_ style: JSONStyle = JSONStyle()) -> String {
    var result = ""
    write(into: &result, style, lineStart: "\n")
    return result
  }

  /// A text as JSON writes it, in quotes.
  public static func quoted(_ text: String, escapes: JSONStyle.Escapes = .short) -> String {
    var result = ""
    write(text, into: &result, escapes)
    return result
  }

  private func write(into result: inout String, _ style: JSONStyle, lineStart: String) {
    switch value {
    case .null: result += "null"
    case .bool(let flag): result += flag ? "true" : "false"
    case .number(let spelling): result += spelling
    case .string(let text): Self.write(text, into: &result, style.escapes)
    case .array(let elements):
      let isLine = !style.isPretty || elements.allSatisfy(\.isNumber)
      let inner = isLine ? "" : lineStart + "  "
      let separator = isLine ? (style.isPretty ? ", " : ",") : "," + inner
      result += "[" + inner
      for (index, element) in elements.enumerated() {
        if index > 0 { result += separator }
        element.write(into: &result, style, lineStart: inner)
      }
      result += isLine ? "]" : lineStart + "]"
    case .object(let members):
      let isLine = !style.isPretty || members.isEmpty
      let inner = isLine ? "" : lineStart + "  "
      result += "{" + inner
      let ordered = style.sortsKeys ? members.sorted { $0.key < $1.key } : members
      for (index, member) in ordered.enumerated() {
        if index > 0 { result += "," + inner }
        Self.write(member.key, into: &result, style.escapes)
        result += style.isPretty ? ": " : ":"
        member.value.write(into: &result, style, lineStart: inner)
      }
      result += isLine ? "}" : lineStart + "}"
    }
  }

  /// Whether the value is a number, or the null that stands for one that does not exist.
  private var isNumber: Bool {
    switch value {
    case .null, .number: true
    default: false
    }
  }

  private static func write(
    _ text: String, into result: inout String, _ escapes: JSONStyle.Escapes
  ) {
    result += "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n" where escapes != .numeric: result += "\\n"
      case "\r" where escapes != .numeric: result += "\\r"
      case "\t" where escapes != .numeric: result += "\\t"
      case "\u{0}"..."\u{1f}": escape(scalar, into: &result)
      case "\u{7f}"..."\u{9f}" where escapes == .shortAndInvisible,
        "\u{2028}"..."\u{2029}" where escapes == .shortAndInvisible:
        escape(scalar, into: &result)
      default: result.unicodeScalars.append(scalar)
      }
    }
    result += "\""
  }

  private static func escape(_ scalar: Unicode.Scalar, into result: inout String) {
    let digits = String(scalar.value, radix: 16)
    result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
  }
}
