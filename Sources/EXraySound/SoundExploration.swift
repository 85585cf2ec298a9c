/// Finds recipes that are worth a closer look: every departure, every pair of departures, and more around the best.
///
/// Two faults can hide each other: with the wrong bytes every window is as bad as another. So pairs are all tried, in an
/// order in which the right one comes early; of three faults, one pair must show.
struct SoundExploration {
  private struct Node {
    var recipe: SoundRecipe
    var match: SoundScreen.Match
    /// The stages in which the recipe departs.
    var knobs: Set<String>
  }

  private let intended: SoundRecipe
  private let channels: Int
  private let featureCount: Int
  /// Below this a match is exact.
  private let noise: Double
  private let workLimit: Int
  private var screen: SoundScreen
  private var seen: Set<SoundRecipe> = []
  /// Recipes with one departure, two and three.
  private var levels: [[Node]] = []

  var work: Int { screen.work }
  var triedCount: Int { seen.count }

  init(
    intended: SoundRecipe, channels: Int, featureCount: Int, noise: Double, workLimit: Int,
    screen: SoundScreen
  ) {
    self.intended = intended
    self.channels = channels
    self.featureCount = featureCount
    self.noise = noise
    self.workLimit = workLimit
    self.screen = screen
  }

  /// Recipes worth a closer look, those with few departures first.
  ///
  /// - Parameter rounds: Departures that may be found beside each other.
  mutating func leads(from start: SoundRecipe, rounds: Int) -> [SoundRecipe] {
    seen = [start]
    var level = expanded(start, knobs: [])
    var result = Self.leading(level, Self.leadCount)
    for round in 1..<max(1, rounds) {
      guard !level.contains(where: { $0.match.plain <= noise }) else { break }
      // Two departures and a line that leave most of the deviation are no way to an answer.
      if round > 1, level.allSatisfy({ $0.match.line > 0.75 }) { break }
      let bases = Self.leading(level, round == 1 ? level.count : Self.leadCount)
      level = []
      for base in bases {
        level += expanded(base.recipe, knobs: base.knobs)
        if level.contains(where: { $0.match.plain <= noise }) { break }
      }
      result += Self.leading(level, Self.leadCount)
    }
    return result.map(\.recipe)
  }

  /// What of each level is followed, by each measure.
  private static let leadCount = 12
  /// Recipes that differ in the same stages only are much alike, so that few of them are followed.
  private static let alikeCount = 2

  /// All single departures of a recipe.
  private mutating func expanded(_ base: SoundRecipe, knobs: Set<String>) -> [Node] {
    var nodes: [Node] = []
    let candidates = SoundCandidates.around(
      base, intended: intended, channels: channels, featureCount: featureCount)
    for candidate in candidates
    where work < workLimit && seen.insert(candidate.recipe).inserted {
      guard let match = screen.match(candidate.recipe) else { continue }
      nodes.append(
        Node(recipe: candidate.recipe, match: match, knobs: knobs.union([candidate.knob])))
    }
    return nodes
  }

  /// The best by each measure, taken in turn.
  private static func leading(_ level: [Node], _ count: Int) -> [Node] {
    let measures: [KeyPath<SoundScreen.Match, Double>] = [\.plain, \.line, \.lines]
    let orders = measures.map { measure in
      best(
        level.indices.sorted {
          level[$0].match[keyPath: measure] < level[$1].match[keyPath: measure]
        },
        of: level, count)
    }
    var result: [Node] = []
    var taken: Set<Int> = []
    for place in 0..<(orders.map(\.count).max() ?? 0) {
      for order in orders where place < order.count && taken.insert(order[place]).inserted {
        result.append(level[order[place]])
      }
    }
    return result
  }

  private static func best(_ order: [Int], of level: [Node], _ count: Int) -> [Int] {
    guard count < level.count else { return order }
    var alike: [Set<String>: Int] = [:]
    var result: [Int] = []
    for index in order where result.count < count {
      alike[level[index].knobs, default: 0] += 1
      if alike[level[index].knobs, default: 0] <= alikeCount { result.append(index) }
    }
    return result
  }
}
