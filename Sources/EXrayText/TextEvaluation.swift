/// Sentences cut into words once for each way to cut them, and recipes held against the ids.
final class TextEvaluation {
  /// How well a recipe explains ids.
  struct Score {
    /// Positions at which the recipe or the ids have something else than padding.
    var positions = 0
    /// Those at which both agree.
    var matches = 0
    /// Those of them that are words of the vocabulary.
    var knownMatches = 0

    var misses: Int { positions - matches }
    /// 0 where there is nothing to explain.
    var share: Double { positions == 0 ? 0 : Double(matches) / Double(positions) }
  }

  private struct Cut: Hashable {
    var lowercase: TextRecipe.Lowercase
    var tokens: TextRecipe.Tokens
    var order: TextRecipe.WordList.Order
  }

  let samples: [TextDetective.Sample]
  /// How the ids are stored.
  private let element: TextRecipe.Element
  private let texts: [[Unicode.Scalar]]
  private let lookup: Lookup
  private var cuts: [Cut: [[Int?]]] = [:]

  init(
    _ samples: [TextDetective.Sample], _ lookup: Lookup, storedAs element: TextRecipe.Element
  ) {
    self.samples = samples
    self.element = element
    self.lookup = lookup
    texts = samples.map { Array($0.text.unicodeScalars) }
  }

  /// The vocabulary's ids of each sentence's words; nil for words that it does not have.
  func words(_ recipe: TextRecipe) -> [[Int?]] {
    let cut = Cut(
      lowercase: recipe.lowercase, tokens: recipe.tokens, order: recipe.vocabulary.order)
    if let known = cuts[cut] { return known }
    let ids = lookup[cut.order]
    let tokenizer = Tokenizer(lowercase: cut.lowercase, tokens: cut.tokens)
    let words = texts.map { text in tokenizer.words(of: text).map { ids[$0] } }
    if cuts.count < 4096 { cuts[cut] = words }
    return words
  }

  /// The ids that a recipe gives for each sentence, as stored.
  func ids(_ recipe: TextRecipe) -> [[Int]] {
    words(recipe).map { recipe.stored(recipe.arranged($0)) }
  }

  /// Holds a recipe against the ids; a recipe that stores them in another way has none right.
  ///
  /// - Parameter bound: Misses after which it does not matter how many more there are.
  func score(_ recipe: TextRecipe, bound: Int = .max) -> Score {
    var score = Score()
    let isStoredSo = recipe.element.map { $0.storage == element } ?? true
    let padding = recipe.stored([recipe.padding.id + recipe.shift]).first ?? 0
    let specials = [recipe.unknown.id, recipe.start, recipe.end].map { id in
      id.flatMap { recipe.stored([$0 + recipe.shift]).first }
    }
    let isHalved = recipe.element == .int64AsInt32
    for (sample, words) in zip(samples, words(recipe)) {
      let ids = isStoredSo ? recipe.stored(recipe.arranged(words)) : []
      let isWhole = ids.count == sample.ids.count
      for (index, id) in sample.ids.enumerated() {
        let isRight = isWhole && ids[index] == id
        if isRight, id == padding || isHalved && index % 2 == 1 { continue }
        score.positions += 1
        guard isRight else { continue }
        score.matches += 1
        if !specials.contains(id) { score.knownMatches += 1 }
      }
      if score.misses > bound { break }
    }
    return score
  }
}

extension TextRecipe.Element {
  /// The type of the array that holds such ids.
  fileprivate var storage: Self {
    switch self {
    case .float32AsInt32, .int64AsInt32: .int32
    default: self
    }
  }
}
