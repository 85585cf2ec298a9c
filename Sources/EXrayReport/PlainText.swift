/// Text from files made fit to print: one line, nothing that steers a terminal.
enum PlainText {
  /// The text on one line: white space becomes a space, control and direction characters become U+FFFD.
  static func line(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x09, 0x0a, 0x0d, 0x2028, 0x2029: result.append(" ")
      case 0x00...0x1f, 0x7f...0x9f, 0x200e, 0x200f, 0x202a...0x202e, 0x2066...0x2069, 0xfeff,
        0xfffe, 0xffff:
        result.append("\u{fffd}")
      default: result.append(scalar)
      }
    }
    return String(result)
  }

  /// The text on one line, its middle left out where it is longer than `limit` characters.
  static func shortened(_ text: String, to limit: Int) -> String {
    // Names may be megabytes long; only the ends matter.
    let bounded =
      text.utf8.count > limit * 64 ? String(text.prefix(limit)) + String(text.suffix(limit)) : text
    let clean = line(bounded)
    let count = clean.count
    guard count > limit else { return clean }
    guard limit > 1 else { return String(clean.prefix(max(0, limit))) }
    let head = limit / 2
    return String(clean.prefix(head)) + "…" + String(clean.suffix(limit - 1 - head))
  }

  /// The text's end, which tells tensors apart best, where it is longer than `limit` characters.
  static func ending(_ text: String, within limit: Int) -> String {
    let clean = line(text.utf8.count > limit * 64 ? String(text.suffix(limit + 1)) : text)
    guard clean.count > limit else { return clean }
    return "…" + String(clean.suffix(max(0, limit - 1)))
  }

  /// The text with its end left out where it is longer than `limit` characters.
  static func cut(_ text: String, to limit: Int) -> String {
    let clean = line(text.utf8.count > limit * 64 ? String(text.prefix(limit + 1)) : text)
    guard clean.count > limit else { return clean }
    return String(clean.prefix(max(0, limit - 1))) + "…"
  }

  /// The text in lines of at most `width` characters, broken at spaces; longer words are split.
  static func wrapped(_ text: String, width: Int) -> [String] {
    let width = max(8, width)
    var lines: [String] = []
    var current = ""
    for word in line(text).split(separator: " ") {
      var word = String(word)
      if !current.isEmpty, current.count + 1 + word.count <= width {
        current += " " + word
        continue
      }
      if !current.isEmpty { lines.append(current) }
      while word.count > width {
        lines.append(String(word.prefix(width)))
        word = String(word.dropFirst(width))
      }
      current = word
    }
    if !current.isEmpty { lines.append(current) }
    return lines
  }

  /// The text filled with spaces on the right up to `width`.
  static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  /// The text filled with spaces on the left up to `width`.
  static func aligned(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  /// A count with its noun (`1 frame`, `100 frames`).
  static func count(_ number: Int, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
  }
}
