/// A set of characters, spelled as between the brackets of a regular expression: `a-z0-9'`.
///
/// `^` at the start means all others. `\w` is what Python's `\w` matches in a `str`: letters and numbers of all
/// scripts and the underscore; `\p` the 32 punctuation characters of ASCII (`string.punctuation`); `\S` everything.
/// Another character after a backslash stands for itself. White space is in no class: it always separates.
public struct CharacterClass: Sendable, Hashable {
  /// The spelling.
  public let spelling: String
  private let isNegated: Bool
  private let hasWords: Bool
  private let hasEverything: Bool
  private let ranges: [ClosedRange<UInt32>]
  /// Membership of ASCII, looked up far more often than all else.
  private let table: [Bool]

  /// Reads a spelling.
  ///
  /// - Returns: Nil where a range runs backwards, or a backslash is the last character.
  public init?(_ spelling: String) {
    var scalars = Array(spelling.unicodeScalars)[...]
    var (hasWords, hasEverything) = (false, false)
    var ranges: [ClosedRange<UInt32>] = []
    isNegated = scalars.first == "^"
    if isNegated { scalars.removeFirst() }
    while let first = scalars.popFirst() {
      var low = first
      if first == "\\" {
        guard let escaped = scalars.popFirst() else { return nil }
        switch escaped {
        case "w":
          hasWords = true
          continue
        case "S":
          hasEverything = true
          continue
        case "p":
          ranges += [0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E]
          continue
        default: low = escaped
        }
      }
      var high = low
      if scalars.count >= 2, scalars.first == "-" {
        scalars.removeFirst()
        high = scalars.removeFirst()
        if high == "\\" {
          guard let escaped = scalars.popFirst() else { return nil }
          high = escaped
        }
      }
      guard low.value <= high.value else { return nil }
      ranges.append(low.value...high.value)
    }
    self.spelling = spelling
    self.hasWords = hasWords
    self.hasEverything = hasEverything
    self.ranges = ranges
    let isNegated = isNegated
    table = (0..<128).map { value in
      let scalar = Unicode.Scalar(UInt8(value))
      return !scalar.isSpace
        && Self.isMember(scalar, hasWords, hasEverything, ranges) != isNegated
    }
  }

  /// Whether a character is in the class.
  public func contains(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.value < 128 { return table[Int(scalar.value)] }
    return !scalar.isSpace
      && Self.isMember(scalar, hasWords, hasEverything, ranges) != isNegated
  }

  private static func isMember(
    _ scalar: Unicode.Scalar, _ hasWords: Bool, _ hasEverything: Bool,
    _ ranges: [ClosedRange<UInt32>]
  ) -> Bool {
    hasEverything || ranges.contains { $0.contains(scalar.value) } || hasWords && scalar.isWord
  }

  private init(hasEverything: Bool) {
    spelling = hasEverything ? "\\S" : ""
    isNegated = false
    hasWords = false
    self.hasEverything = hasEverything
    ranges = []
    table = (0..<128).map { hasEverything && !Unicode.Scalar(UInt8($0)).isSpace }
  }

  /// The class without members, spelled with no characters at all.
  public static let nothing = CharacterClass(hasEverything: false)
  /// All characters but white space.
  public static let everything = CharacterClass(hasEverything: true)

  /// Classes are the same where they are spelled the same.
  public static func == (left: Self, right: Self) -> Bool { left.spelling == right.spelling }

  /// Hashes the spelling.
  public func hash(into hasher: inout Hasher) { hasher.combine(spelling) }
}

extension Unicode.Scalar {
  /// What Python's `str.isspace` holds for: Unicode's White_Space, and the four separators of ASCII.
  var isSpace: Bool {
    value < 128 ? (9...13).contains(value) || (28...32).contains(value) : properties.isWhitespace
  }

  /// What Python's `\w` matches: `str.isalnum`, or the underscore.
  var isWord: Bool {
    if value < 128 { return isASCIIWord }
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      return true
    default: return properties.numericType != nil
    }
  }

  private var isASCIIWord: Bool {
    switch value {
    case 0x30...0x39, 0x41...0x5A, 0x5F, 0x61...0x7A: true
    default: false
    }
  }
}
