/// The words of a text under a recipe's first two stages.
struct Tokenizer {
  let lowercase: TextRecipe.Lowercase
  let tokens: TextRecipe.Tokens

  private static let apostrophe: Unicode.Scalar = "'"

  /// The words, in the order of the text.
  func words(of text: [Unicode.Scalar]) -> [Word] {
    var words: [Word] = []
    var current: [UInt8] = []
    func flush() {
      guard !current.isEmpty else { return }
      words.append(Word(utf8: current))
      current.removeAll(keepingCapacity: true)
    }
    let scalars = contracted(lowered(text))
    for scalar in scalars {
      if scalar.isSpace {
        flush()
      } else if tokens.marks.contains(scalar) {
        flush()
        words.append(Word(utf8: Array(UTF8.encode(scalar) ?? .init())))
      } else if tokens.words.contains(scalar) {
        if scalar.value < 128 {
          current.append(UInt8(scalar.value))
        } else {
          current += Array(UTF8.encode(scalar) ?? .init())
        }
      } else if tokens.others == .space {
        flush()
      }
    }
    flush()
    return words
  }

  // MARK: Lower case

  private func lowered(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    guard lowercase != .none else { return text }
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(text.count)
    for (index, scalar) in text.enumerated() {
      if scalar.value < 128 {
        let isCapital = (0x41...0x5A).contains(scalar.value)
        result.append(isCapital ? Unicode.Scalar(UInt8(scalar.value + 32)) : scalar)
      } else if lowercase == .ascii {
        result.append(scalar)
      } else if scalar == "\u{3A3}" {
        result.append(Self.isFinalSigma(text, index) ? "\u{3C2}" : "\u{3C3}")
      } else {
        result.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
      }
    }
    return result
  }

  /// Whether a capital sigma ends a word: a cased letter before it, none after it, case-ignorable ones not counted.
  ///
  /// Source: The Unicode Standard, table 3-17, Final_Sigma.
  private static func isFinalSigma(_ text: [Unicode.Scalar], _ index: Int) -> Bool {
    let before = text[..<index].last { !$0.properties.isCaseIgnorable }
    let after = text[(index + 1)...].first { !$0.properties.isCaseIgnorable }
    return before?.properties.isCased == true && after?.properties.isCased != true
  }

  // MARK: Apostrophes

  /// Endings that become words of their own; the first character of each gets a space before it.
  ///
  /// Source: Y. Kim, Convolutional Neural Networks for Sentence Classification, 2014, `clean_str` of its program.
  private static let endings = ["'s", "'ve", "n't", "'re", "'d", "'ll"].map {
    Array($0.unicodeScalars)
  }

  private func contracted(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    guard tokens.contractions != .kept, text.contains(Self.apostrophe) else { return text }
    if tokens.contractions == .joined { return text.filter { $0 != Self.apostrophe } }
    var result: [Unicode.Scalar] = []
    for (index, scalar) in text.enumerated() {
      if scalar == Self.apostrophe || scalar == "n",
        Self.endings.contains(where: { text[index...].starts(with: $0) })
      {
        result.append(" ")
      }
      result.append(scalar)
    }
    return result
  }
}

/// A word, equal to another where all bytes are; Swift's strings would take two spellings of é for one.
public struct Word: Sendable, Hashable, Comparable {
  let utf8: [UInt8]

  /// Creates a word.
  public init(_ text: String) { utf8 = Array(text.utf8) }

  init(utf8: [UInt8]) { self.utf8 = utf8 }

  /// The word as text.
  public var text: String { String(decoding: utf8, as: UTF8.self) }

  /// Hashes the bytes at once.
  public func hash(into hasher: inout Hasher) {
    unsafe utf8.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
  }

  /// The order of code points.
  public static func < (left: Self, right: Self) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8)
  }
}

extension TextRecipe {
  /// The words that a text is made of under this recipe, in the order of the text.
  ///
  /// - Complexity: O(*n*) in the length of the text, but for capital sigmas, which look at their neighbours.
  public func words(of text: String) -> [String] {
    Tokenizer(lowercase: lowercase, tokens: tokens).words(of: Array(text.unicodeScalars))
      .map(\.text)
  }
}
