/// HTML or SVG text that is safe by construction: literals are markup, interpolated strings are escaped.
///
/// `"<b>\(name)</b>"` escapes `name`; only another ``Markup`` goes in as it is. Floating-point numbers cannot be
/// interpolated at all, so each is formatted on purpose.
struct Markup: ExpressibleByStringInterpolation {
  var text: String

  init(stringLiteral value: String) { text = value }

  init(stringInterpolation: Interpolation) { text = stringInterpolation.text }

  /// Markup that this module wrote itself.
  init(trusted text: String) { self.text = text }

  static let none: Markup = ""

  static func + (first: Markup, second: Markup) -> Markup {
    Markup(trusted: first.text + second.text)
  }

  static func += (first: inout Markup, second: Markup) { first.text += second.text }

  struct Interpolation: StringInterpolationProtocol {
    var text = ""

    init(literalCapacity: Int, interpolationCount: Int) {
      text.reserveCapacity(literalCapacity + interpolationCount * 16)
    }

    mutating func appendLiteral(_ literal: String) { text += literal }
    mutating func appendInterpolation(_ string: String) { text += Markup.escaped(string) }
    mutating func appendInterpolation(_ number: Int) { text += number.description }
    mutating func appendInterpolation(_ markup: Markup) { text += markup.text }
    mutating func appendInterpolation(at coordinate: Double) {
      text += NumberText.coordinate(coordinate)
    }
  }

  /// The text on one line with everything that HTML acts upon escaped, also inside quoted attributes.
  static func escaped(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in PlainText.line(text).unicodeScalars {
      switch scalar {
      case "&": result.append(contentsOf: "&amp;".unicodeScalars)
      case "<": result.append(contentsOf: "&lt;".unicodeScalars)
      case ">": result.append(contentsOf: "&gt;".unicodeScalars)
      case "\"": result.append(contentsOf: "&quot;".unicodeScalars)
      case "'": result.append(contentsOf: "&#39;".unicodeScalars)
      default: result.append(scalar)
      }
    }
    return String(result)
  }

  /// The text with the parts between backticks as code.
  static func prose(_ text: String) -> Markup {
    let parts = text.split(separator: "`", omittingEmptySubsequences: false).map(String.init)
    // An odd number of backticks encloses nothing: then they are plain characters.
    guard parts.count % 2 == 1 else { return "\(text)" }
    var result = Markup.none
    for (index, part) in parts.enumerated() {
      result += index % 2 == 1 ? "<code>\(part)</code>" : "\(part)"
    }
    return result
  }
}

extension Sequence where Element == Markup {
  func joined() -> Markup { Markup(trusted: map(\.text).joined()) }
}

/// Bytes as base 64 text (RFC 4648, section 4).
enum Base64 {
  static func text(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var result: [UInt8] = []
    result.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let first = Int(bytes[start])
      let second = start + 1 < bytes.count ? Int(bytes[start + 1]) : 0
      let third = start + 2 < bytes.count ? Int(bytes[start + 2]) : 0
      let group = first << 16 | second << 8 | third
      result.append(alphabet[group >> 18 & 63])
      result.append(alphabet[group >> 12 & 63])
      result.append(start + 1 < bytes.count ? alphabet[group >> 6 & 63] : UInt8(ascii: "="))
      result.append(start + 2 < bytes.count ? alphabet[group & 63] : UInt8(ascii: "="))
    }
    return String(decoding: result, as: UTF8.self)
  }
}
