/// One search for the recipe that made ids: invariants, votes, exact trials.
struct TextSearch {
  /// A way in which ids may have been stored, undone.
  struct Reading {
    /// What the recipe says of it.
    var element: TextRecipe.Element?
    /// The ids; fewer than the model takes where the rest is lost.
    var rows: [[Int]]
  }

  /// The intended recipe; where it leaves the storing open, as the ids are stored.
  let intended: TextRecipe
  let width: Int
  let evaluation: TextEvaluation
  let voters: TextEvaluation
  private let samples: [TextDetective.Sample]
  private let readings: [Reading]
  /// A departure must be worth this part of the positions that a recipe misses.
  private static let slack = 0.05
  /// The share of token positions from which on a recipe is worth mending.
  private static let hope = 0.3

  init(
    intended: TextRecipe, lookup: Lookup, samples: [TextDetective.Sample], voters: Int,
    element: TextRecipe.Element
  ) {
    self.intended = intended
    self.samples = samples
    width = samples.first?.ids.count ?? 0
    evaluation = TextEvaluation(samples, lookup, storedAs: element)
    self.voters = TextEvaluation(
      Array(samples.prefix(voters)), lookup, storedAs: element)
    readings = Self.readings(
      samples.prefix(voters).map(\.ids), element, isOpen: intended.element == nil)
  }

  /// How ids may have been stored.
  private static func readings(
    _ rows: [[Int]], _ element: TextRecipe.Element, isOpen: Bool
  ) -> [Reading] {
    let plain = Reading(element: isOpen ? nil : element, rows: rows)
    guard element == .int32 else { return [plain] }
    let values = rows.joined()
    // The bits of whole numbers up to 2²⁴ as float32: 0, or from 1.0 on.
    let numbers = rows.map { row in
      row.map { Int(exactly: Float(bitPattern: UInt32(truncatingIfNeeded: $0))) }
    }
    if values.contains(where: { $0 >= 0x3F80_0000 }), !numbers.joined().contains(nil) {
      return [Reading(element: .float32AsInt32, rows: numbers.map { $0.compactMap { $0 } }), plain]
    }
    let isHalved = rows.allSatisfy { row in
      stride(from: 1, to: row.count, by: 2).allSatisfy { row[$0] == 0 || row[$0] == -1 }
    }
    guard isHalved, Set(values).count > 2 else { return [plain] }
    let even = rows.map { row in stride(from: 0, to: row.count, by: 2).map { row[$0] } }
    return [Reading(element: .int64AsInt32, rows: even), plain]
  }

  /// The recipe that explains most with the fewest departures, and others that explain as much with as few.
  mutating func run() -> (found: TextRecipe, alternatives: [TextRecipe]) {
    let whole = evaluation.score(intended)
    if whole.misses == 0, whole.positions > 0 { return (intended, []) }
    var finalists: [TextRecipe] = [intended]
    // The intended words first; where a departure or two explain everything, no other words are tried.
    for isWide in [false, true] {
      var candidates: [(recipe: TextRecipe, misses: Int)] = []
      for reading in readings {
        var base = intended
        base.element = reading.element
        base.length = width
        base.truncation.limit = base.truncation.limit.map { min($0, width) }
        var vote = TextVote(base: base, evaluation: voters, rows: reading.rows)
        candidates += vote.candidates(isWide: isWide).map { ($0, voters.score($0).misses) }
      }
      candidates.sort { ($0.misses, cost($0.recipe)) < ($1.misses, cost($1.recipe)) }
      var rivals: [TextRecipe] = []
      for (recipe, _) in candidates where rivals.count < (isWide ? 12 : 6) {
        if !rivals.contains(recipe) { rivals.append(recipe) }
      }
      // What explains little is far from the truth, not a setting away from it.
      finalists += rivals.map { voters.score($0).share < Self.hope ? $0 : mended($0) }
      let leader = best(finalists)
      if evaluation.score(leader).misses == 0, leader.knobs(from: intended).count <= 2 { break }
    }
    let simple = finalists.map { stripped($0) }
    let found = best(simple)
    let misses = evaluation.score(found).misses
    let count = found.knobs(from: intended).count
    var alternatives: [TextRecipe] = []
    for other in simple where other != found && !alternatives.contains(other) {
      if other.knobs(from: intended).count == count, evaluation.score(other).misses == misses {
        alternatives.append(other)
      }
    }
    return (found, alternatives)
  }

  private func best(_ recipes: [TextRecipe]) -> TextRecipe {
    var leader = (recipe: intended, misses: Int.max, cost: Double.infinity)
    for recipe in recipes {
      let (misses, cost) = (evaluation.score(recipe).misses, cost(recipe))
      if (misses, cost) < (leader.misses, leader.cost) { leader = (recipe, misses, cost) }
    }
    return leader.recipe
  }

  /// How far a recipe is from the intended one: its departures, the likelier ones for a little less.
  private func cost(_ recipe: TextRecipe) -> Double {
    recipe.knobs(from: intended).reduce(0) { sum, knob in
      switch knob {
      case .words, .marks: sum + 1.2
      case .others, .contractions, .specials, .shift: sum + 1.1
      case .size, .limit, .listOrder: sum + 1.3
      case .offset:
        sum + 1 + min(0.3, Double(abs(recipe.vocabulary.offset - intended.vocabulary.offset)) / 100)
      default: sum + 1
      }
    }
  }

  // MARK: Exact trials

  /// Gives one setting after the other another value, each time the one that explains most more.
  private func mended(_ recipe: TextRecipe) -> TextRecipe {
    var (current, misses) = (recipe, evaluation.score(recipe).misses)
    for _ in 0..<6 where misses > 0 {
      var better: TextRecipe?
      for knob in TextKnob.allCases {
        for other in TextCandidates.alternatives(knob, to: current, intended: intended) {
          let found = evaluation.score(other, bound: misses).misses
          if found < misses { (better, misses) = (other, found) }
        }
      }
      guard let better else { break }
      current = better
    }
    return current
  }

  /// Takes back every departure, alone and in pairs, that explains nothing.
  private func stripped(_ recipe: TextRecipe) -> TextRecipe {
    var current = recipe
    let misses = evaluation.score(recipe).misses
    let allowed = misses + Int(Double(misses) * Self.slack)
    func isAsGood(_ other: TextRecipe) -> Bool {
      evaluation.score(other, bound: allowed).misses <= allowed
    }
    var changed = true
    while changed {
      changed = false
      let knobs = current.knobs(from: intended)
      for knob in knobs.reversed() {
        var other = current
        knob.copy(from: intended, to: &other)
        if isAsGood(other) {
          current = other
          changed = true
        }
      }
      guard !changed else { continue }
      pairs: for (index, first) in knobs.enumerated() {
        for second in knobs[(index + 1)...] {
          var other = current
          first.copy(from: intended, to: &other)
          second.copy(from: intended, to: &other)
          if isAsGood(other) {
            current = other
            changed = true
            break pairs
          }
        }
      }
    }
    return rounded(current)
  }

  /// A limit of the vocabulary between the largest id that is in use and the smallest that is not, as round as can be.
  private func rounded(_ recipe: TextRecipe) -> TextRecipe {
    guard let size = recipe.vocabulary.size, size != intended.vocabulary.size else { return recipe }
    let bounds = sizeBounds(recipe, size)
    guard bounds.lowerBound < bounds.upperBound else { return recipe }
    var result = recipe
    for unit in [10_000, 1_000, 500, 100, 10] {
      let round = (bounds.lowerBound + unit - 1) / unit * unit
      if bounds.contains(round) {
        result.vocabulary.size = round
        return result
      }
    }
    return recipe
  }

  /// The limits of the vocabulary that give the same ids.
  func sizeBounds(_ recipe: TextRecipe, _ size: Int) -> ClosedRange<Int> {
    var (low, high) = (0, Int.max)
    for id in evaluation.words(recipe).joined().compactMap({ $0 }) {
      let id = id + recipe.vocabulary.offset
      if id < size { low = max(low, id + 1) } else { high = min(high, id) }
    }
    return low...max(low, high)
  }
}
