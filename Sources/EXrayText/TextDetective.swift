/// Finds the recipe that really made a model's token ids, and how it departs from the intended one.
///
/// What can be read off the ids is read off first: how they are stored, what fills them up and on which side, whether
/// all begin or end alike, their largest. For each way to cut the sentences into words, the offset of ids and what
/// stands for unknown words are voted on. The few recipes that win are run exactly, mended setting by setting,
/// and stripped of every departure that explains nothing.
public struct TextDetective: Sendable {
  /// A sentence and the ids that reached the model.
  public struct Sample: Sendable {
    /// The sentence as it was given.
    public var text: String
    /// The ids, as many as the model takes.
    public var ids: [Int]

    /// Creates a sample.
    public init(text: String, ids: [Int]) {
      self.text = text
      self.ids = ids
    }
  }

  /// The share of token positions that a recipe must explain.
  static let explainedFloor = 0.98
  /// Sentences that are looked at together, and those that the votes take part in.
  private static let (searchLimit, voteLimit) = (100, 16)

  private let intended: TextRecipe
  private let vocabulary: Vocabulary

  /// Creates a detective.
  public init(intended: TextRecipe, vocabulary: Vocabulary) {
    self.intended = intended
    self.vocabulary = vocabulary
  }

  /// Explains the ids that reached a model.
  ///
  /// - Parameters:
  ///   - samples: Sentences and ids; all as many ids.
  ///   - element: How the ids were stored.
  /// - Throws: ``TextError`` where there is no sentence, or ids differ in number.
  public func explain(
    _ samples: [Sample], storedAs element: TextRecipe.Element
  ) throws(TextError) -> TextExplanation {
    guard let width = samples.first?.ids.count, width > 0 else {
      throw TextError(.unsuitableText, "there are no ids to explain; give a sentence and its ids")
    }
    guard samples.allSatisfy({ $0.ids.count == width }) else {
      throw TextError(.unsuitableText, "sentences have other numbers of ids; give one array")
    }
    let lookup = Lookup(file: vocabulary.ids, sorted: vocabulary.sorted())
    let ranking = Evidence.ranking(samples.map(\.text))
    let chosen = ranking.prefix(Self.searchLimit).map { samples[$0] }
    var search = TextSearch(
      intended: intended, lookup: lookup, samples: chosen, voters: Self.voteLimit,
      element: element)
    let (found, alternatives) = search.run()
    let all = TextEvaluation(samples, lookup, storedAs: element)
    let (best, wanted) = (all.score(found), all.score(search.intended))
    let isExplained =
      best.share >= Self.explainedFloor && best.knownMatches >= 3
      && best.knownMatches * 10 >= best.positions
    let recipe = isExplained ? found : nil
    return TextExplanation(
      recipe: recipe, explainedShare: best.share, intendedShare: wanted.share,
      differences: isExplained ? found.differences(from: search.intended) : [],
      ambiguous: isExplained ? search.ambiguities(of: found, alternatives) : [],
      ruledOut: isExplained ? [] : search.ruledOut(best: found, share: best.share),
      searchedCount: chosen.count)
  }
}

/// The vocabulary's ids by word, in both orders.
struct Lookup: Sendable {
  var file: [Word: Int]
  var sorted: [Word: Int]

  subscript(order: TextRecipe.WordList.Order) -> [Word: Int] { order == .file ? file : sorted }
}

/// Which sentences tell most.
enum Evidence {
  /// All sentences, those first that have what tells settings apart: capitals, apostrophes, digits, marks, length.
  static func ranking(_ texts: [String]) -> [Int] {
    let traits = texts.map(traits)
    var counts = [Int](repeating: 0, count: 9)
    var rest = Set(texts.indices)
    var order: [Int] = []
    let lengths = texts.indices.sorted { (texts[$0].utf8.count, $0) < (texts[$1].utf8.count, $1) }
    func take(_ index: Int) {
      guard rest.remove(index) != nil else { return }
      order.append(index)
      for trait in traits[index] { counts[trait] += 1 }
    }
    // The longest and the shortest tell how texts are cut and filled up; then sentences by their traits, then all.
    for index in lengths.suffix(4).reversed() + lengths.prefix(3) { take(index) }
    for index in texts.indices where traits[index].contains(where: { counts[$0] < 4 }) {
      take(index)
    }
    let step = max(1, texts.count / 64)
    for index in stride(from: 0, to: texts.count, by: step) { take(index) }
    for index in texts.indices { take(index) }
    return order
  }

  private static func traits(_ text: String) -> Set<Int> {
    var traits: Set<Int> = []
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x41...0x5A: traits.insert(0)
      case 0x27: traits.insert(1)
      case 0x30...0x39: traits.insert(2)
      case 0x2D: traits.insert(3)
      case 0x21, 0x28, 0x29, 0x2C, 0x3F: traits.insert(4)
      case 0x2E: traits.insert(5)
      case 0x5F, 0x60: traits.insert(6)
      case 0x80...: traits.insert(scalar.properties.isUppercase ? 8 : 7)
      default: break
      }
    }
    return traits
  }
}
