/// The ways to cut sentences into words that are tried.
enum TextCandidates {
  /// Characters of words: all, Python's `\w`, letters, letters and digits, each with and without capitals and the
  /// apostrophe; what Keras' Tokenizer and TextVectorization leave; `clean_str`'s.
  static let words = [
    "\\S", "\\w", "\\w'", "\\w'\\-", "a-z", "a-z'", "a-z0-9", "a-z0-9'", "a-z0-9'\\-", "A-Za-z",
    "A-Za-z'", "A-Za-z0-9", "A-Za-z0-9'", "A-Za-z0-9_", "A-Za-z0-9_'", "a-z0-9'`", "A-Za-z0-9'`",
    "^!\"#$%&()*+,\\-./:;<=>?@[\\\\\\]\\^_`{|}~", "^\\p",
  ].compactMap(CharacterClass.init)

  /// Characters that are a token each.
  static let marks = ["", "\\p", "(),!?", ".,!?", ".,!?;:"].compactMap(CharacterClass.init)

  /// Every recipe that cuts the sentences in another way, a recipe's own way first.
  static func cuts(around base: TextRecipe, _ texts: [String]) -> [TextRecipe] {
    let scalars = Set(texts.flatMap(\.unicodeScalars))
    let hasApostrophe = scalars.contains("'")
    let isASCII = scalars.allSatisfy(\.isASCII)
    let hasCapitals = scalars.contains { $0.properties.lowercaseMapping != String($0) }
    let lowercases = TextRecipe.Lowercase.allCases.filter { choice in
      choice == base.lowercase || hasCapitals && (choice != .ascii || !isASCII)
    }
    let contractions = TextRecipe.Tokens.Contractions.allCases.filter {
      $0 == base.tokens.contractions || hasApostrophe
    }
    var result = [base]
    for lowercase in lowercases {
      for words in unique(base.tokens.words, Self.words) {
        for marks in unique(base.tokens.marks, Self.marks) {
          for others in TextRecipe.Tokens.Others.allCases {
            for contraction in contractions {
              var recipe = base
              recipe.lowercase = lowercase
              recipe.tokens = .init(
                words: words, marks: marks, others: others, contractions: contraction)
              if recipe != base { result.append(recipe) }
            }
          }
        }
      }
    }
    return result
  }

  private static func unique(
    _ first: CharacterClass, _ others: [CharacterClass]
  ) -> [CharacterClass] {
    [first] + others.filter { $0 != first }
  }

  /// Other values of one setting.
  static func alternatives(
    _ knob: TextKnob, to recipe: TextRecipe, intended: TextRecipe
  ) -> [TextRecipe] {
    var list: [TextRecipe] = []
    func add(_ change: (inout TextRecipe) -> Void) {
      var other = recipe
      change(&other)
      if other != recipe, !list.contains(other) { list.append(other) }
    }
    add { knob.copy(from: intended, to: &$0) }
    switch knob {
    case .lowercase:
      for value in TextRecipe.Lowercase.allCases { add { $0.lowercase = value } }
    case .words: for value in words { add { $0.tokens.words = value } }
    case .marks: for value in marks { add { $0.tokens.marks = value } }
    case .others:
      for value in TextRecipe.Tokens.Others.allCases { add { $0.tokens.others = value } }
    case .contractions:
      for value in TextRecipe.Tokens.Contractions.allCases {
        add { $0.tokens.contractions = value }
      }
    case .order: for value in TextRecipe.Order.allCases { add { $0.order = value } }
    case .listOrder:
      for value in TextRecipe.WordList.Order.allCases { add { $0.vocabulary.order = value } }
    case .keep:
      for value in TextRecipe.Truncation.Keep.allCases { add { $0.truncation.keep = value } }
    case .specials:
      for value in TextRecipe.Truncation.Specials.allCases {
        add { $0.truncation.specials = value }
      }
    case .paddingSide:
      for value in TextRecipe.Padding.Side.allCases { add { $0.padding.side = value } }
    case .unknown:
      add { $0.unknown = .dropped }
      for id in [0, 1, 2, 3] { add { $0.unknown = .id(id) } }
    case .start: add { $0.start = nil }
    case .end: add { $0.end = nil }
    case .size: add { $0.vocabulary.size = nil }
    case .paddingID: for id in [0, 1] { add { $0.padding.id = id } }
    case .limit: add { $0.truncation.limit = nil }
    case .offset, .length, .shift, .element: break
    }
    return list
  }
}
