/// Turns texts into ids under one recipe.
public struct TextEncoder: Sendable {
  private let recipe: TextRecipe
  private let lookup: [Word: Int]

  /// Creates an encoder.
  public init(_ recipe: TextRecipe, _ vocabulary: Vocabulary) {
    self.init(
      recipe, lookup: recipe.vocabulary.order == .file ? vocabulary.ids : vocabulary.sorted())
  }

  init(_ recipe: TextRecipe, lookup: [Word: Int]) {
    self.recipe = recipe
    self.lookup = lookup
  }

  /// The ids that a text gives, as stored: as many as ``TextRecipe/length`` says.
  public func ids(of text: String) -> [Int] {
    let words = Tokenizer(lowercase: recipe.lowercase, tokens: recipe.tokens)
      .words(of: Array(text.unicodeScalars))
    return recipe.stored(recipe.arranged(words.map { lookup[$0] }))
  }
}

extension TextRecipe {
  /// The ids that words give, before they are stored.
  ///
  /// - Parameter words: The id that the vocabulary has for each word, or nil.
  func arranged(_ words: [Int?]) -> [Int] {
    let limit = min(truncation.limit ?? length, length)
    var ids: [Int] = []
    ids.reserveCapacity(words.count + 2)
    for word in words {
      if let word, vocabulary.size.map({ word + vocabulary.offset < $0 }) ?? true {
        ids.append(word + vocabulary.offset)
      } else if case .id(let unknown) = unknown {
        ids.append(unknown)
      }
    }
    if order == .reversed { ids.reverse() }
    if truncation.specials == .kept {
      let room = max(0, limit - (start == nil ? 0 : 1) - (end == nil ? 0 : 1))
      ids = cut(ids, room)
    }
    if let start { ids.insert(start, at: 0) }
    if let end { ids.append(end) }
    ids = cut(ids, limit)
    let filling = [Int](repeating: padding.id, count: length - ids.count)
    ids = padding.side == .end ? ids + filling : filling + ids
    return shift == 0 ? ids : ids.map { $0 + shift }
  }

  private func cut(_ ids: [Int], _ count: Int) -> [Int] {
    truncation.keep == .head ? Array(ids.prefix(count)) : Array(ids.suffix(count))
  }

  /// Ids as the integers or numbers that reach the model.
  func stored(_ ids: [Int]) -> [Int] {
    switch element {
    case .float32AsInt32: ids.map { Int(Int32(bitPattern: Float($0).bitPattern)) }
    case .int64AsInt32:
      Array(
        ids.flatMap { id in
          [Int(Int32(truncatingIfNeeded: id)), Int(Int32(truncatingIfNeeded: id >> 32))]
        }.prefix(length))
    default: ids
    }
  }
}
