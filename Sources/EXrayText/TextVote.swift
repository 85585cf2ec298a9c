/// What the ids of a few sentences say about a recipe: for each way to cut and lay out the words, the offset of ids and
/// what stands for unknown words are what most positions say.
struct TextVote {
  private let base: TextRecipe
  private let evaluation: TextEvaluation
  private let rows: [[Int]]
  private let width: Int

  /// - Parameter rows: The ids of the evaluation's sentences, as they were before they were stored.
  init(base: TextRecipe, evaluation: TextEvaluation, rows: [[Int]]) {
    self.base = base
    self.evaluation = evaluation
    self.rows = rows
    width = base.length
  }

  /// The places at which the parts of a sentence are expected.
  private struct Layout {
    var side: TextRecipe.Padding.Side
    var padding: Int
    var start: Int?
    var end: Int?
    var limit: Int
    var keep: TextRecipe.Truncation.Keep
  }

  private struct Ballot {
    var layout: Layout
    var recipe: TextRecipe
    var isDropping: Bool
    var share: Double
    var offset: Int
    var unknown: Int?
  }

  /// Recipes that explain the ids best, as full recipes.
  ///
  /// - Parameter isWide: Whether other ways to cut sentences into words are tried, too.
  mutating func candidates(isWide: Bool) -> [TextRecipe] {
    let layouts = layouts()
    let sizes = sizes()
    var ballots: [Ballot] = []
    for order in TextRecipe.WordList.Order.allCases {
      var seen: Set<[[Int?]]> = []
      var recipe = base
      recipe.vocabulary.order = order
      let cuts =
        isWide ? TextCandidates.cuts(around: recipe, evaluation.samples.map(\.text)) : [recipe]
      for cut in cuts {
        // The first of those that cut these sentences alike is nearest to the intended one.
        guard seen.insert(evaluation.words(cut)).inserted else { continue }
        for size in sizes {
          for wordOrder in TextRecipe.Order.allCases {
            for isDropping in [false, true] {
              var trial = cut
              trial.vocabulary.size = size
              trial.order = wordOrder
              if let best = best(trial, isDropping, layouts) { ballots.append(best) }
            }
          }
        }
      }
      // Another order of ids is looked for only where the file's explains little.
      if (ballots.map(\.share).max() ?? 0) > 0.9 { break }
    }
    ballots.sort { $0.share > $1.share }
    return ballots.prefix(24).flatMap { recipes($0) }
  }

  // MARK: Invariants

  /// What fills up short sentences, whether all begin and end alike, and whether long ones end at the same length.
  private func layouts() -> [Layout] {
    var layouts: [Layout] = []
    for (side, id) in fillings() {
      let contents = rows.map { Self.content($0, side, id) }
      // What is shorter than the longest is whole: it begins and ends as sentences do.
      let longest = contents.map(\.count).max() ?? width
      let short = contents.filter { $0.count < longest && !$0.isEmpty }
      let usable = short.isEmpty ? contents.filter { !$0.isEmpty } : short
      let starts = Self.common(usable.map { $0[$0.startIndex] }, base.start.map { $0 + base.shift })
      let ends = Self.common(usable.map { $0[$0.endIndex - 1] }, base.end.map { $0 + base.shift })
      var limits = [base.truncation.limit ?? width]
      for limit in [longest, width] where limit > 0 && !limits.contains(limit) {
        limits.append(limit)
      }
      for start in starts {
        for end in ends {
          for limit in limits {
            for keep in TextRecipe.Truncation.Keep.allCases {
              layouts.append(
                Layout(
                  side: side, padding: id, start: start, end: end, limit: limit, keep: keep))
            }
          }
        }
      }
    }
    return layouts
  }

  /// What most sentences end with, and what most begin with, by how much of it there is; the intended filling too.
  private func fillings() -> [(TextRecipe.Padding.Side, Int)] {
    var found: [(side: TextRecipe.Padding.Side, id: Int, count: Int)] = []
    for side in TextRecipe.Padding.Side.allCases {
      let edges = rows.compactMap { side == .end ? $0.last : $0.first }
      for id in Self.mostCommon(edges, 2) {
        let count = rows.reduce(0) { $0 + $1.count - Self.content($1, side, id).count }
        found.append((side, id, count))
      }
    }
    found.sort { $0.count > $1.count }
    var result = found.prefix(2).map { ($0.side, $0.id) }
    let wanted = (base.padding.side, base.padding.id + base.shift)
    if !result.contains(where: { $0 == wanted }) { result.append(wanted) }
    return result
  }

  private static func content(
    _ row: [Int], _ side: TextRecipe.Padding.Side, _ id: Int
  ) -> ArraySlice<Int> {
    if side == .start { return row.drop { $0 == id } }
    let end = row.lastIndex { $0 != id } ?? -1
    return row[..<(end + 1)]
  }

  /// Nothing, and what a third of the values or more are, since some may be cut off; the intended one too.
  private static func common(_ values: [Int], _ wanted: Int?) -> [Int?] {
    var result: [Int?] = [nil]
    if let first = mostCommon(values, 1).first,
      values.filter({ $0 == first }).count * 3 >= values.count
    {
      result.append(first)
    }
    if let wanted, !result.contains(wanted) { result.append(wanted) }
    return result
  }

  private static func mostCommon(_ values: [Int], _ count: Int) -> [Int] {
    var counts: [Int: Int] = [:]
    for value in values { counts[value, default: 0] += 1 }
    return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(count).map(\.key)
  }

  /// The intended limit of the vocabulary; where the largest ids are far below what the words have, one above them.
  ///
  /// The largest of all may stand for unknown words.
  private func sizes() -> [Int?] {
    let largest = Set(rows.joined()).sorted().suffix(2)
    let known = evaluation.words(base).joined().compactMap { $0 }.max() ?? 0
    return [base.vocabulary.size]
      + largest.filter { $0 > 0 && known > $0 + 8 }.map { Optional($0 + 1) }
  }

  // MARK: Votes

  /// Layouts that all sentences vote on, and sentences that vote on all layouts: they include long and short ones.
  private static let (likelyCount, sampleCount) = (6, 6)
  /// Stands for a word without an id.
  private static let none = Int.min

  private func best(_ trial: TextRecipe, _ isDropping: Bool, _ layouts: [Layout]) -> Ballot? {
    let limit = trial.vocabulary.size ?? Int.max
    let sentences = evaluation.words(trial).map { words in
      var ids = words.map { id in id.map { $0 < limit ? $0 : Self.none } ?? Self.none }
      if isDropping { ids.removeAll { $0 == Self.none } }
      if trial.order == .reversed { ids.reverse() }
      return ids
    }
    var likely = layouts
    if layouts.count > Self.likelyCount {
      // A few sentences, the longest and the shortest first, rule most layouts out.
      likely = layouts.map { ($0, vote(sentences, $0, trial, isDropping, rows: Self.sampleCount)) }
        .sorted { $0.1.share > $1.1.share }.prefix(Self.likelyCount).map(\.0)
    }
    var best: Ballot?
    for layout in likely {
      let ballot = vote(sentences, layout, trial, isDropping, rows: rows.count)
      if ballot.share > best?.share ?? 0 { best = ballot }
    }
    return best
  }

  private func vote(
    _ sentences: [[Int]], _ layout: Layout, _ trial: TextRecipe, _ isDropping: Bool, rows count: Int
  ) -> Ballot {
    var (offsets, unknowns) = (Majority(), Majority())
    var (hits, positions) = (0, 0)
    let (head, tail) = (layout.start == nil ? 0 : 1, layout.end == nil ? 0 : 1)
    for (row, words) in zip(rows.prefix(count), sentences) {
      let count = words.count + head + tail
      let kept = min(count, layout.limit)
      // Where the kept part lies in the whole sentence, and in the row, of which the end may be lost.
      let skipped = layout.keep == .head ? 0 : count - kept
      let begin = layout.side == .end ? 0 : width - kept
      let body = min(begin, row.count)..<min(begin + kept, row.count)
      for position in row.indices where !body.contains(position) {
        if row[position] != layout.padding { positions += 1 }
      }
      positions += body.count
      for position in body {
        let id = row[position]
        let index = position - begin + skipped - head
        if index < 0 {
          hits += id == layout.start ? 1 : 0
        } else if index >= words.count {
          hits += id == layout.end ? 1 : 0
        } else if words[index] != Self.none {
          offsets.add(id - words[index])
        } else {
          unknowns.add(id)
        }
      }
    }
    hits += offsets.count + unknowns.count
    return Ballot(
      layout: layout, recipe: trial, isDropping: isDropping,
      share: positions == 0 ? 0 : Double(hits) / Double(positions), offset: offsets.value,
      unknown: unknowns.isEmpty ? nil : unknowns.value)
  }

  /// The value that more than half of all are, where there is one.
  ///
  /// Source: R. S. Boyer, J. S. Moore, MJRTY – A Fast Majority Vote Algorithm, 1991. ``count`` is how often the value
  /// came since it last took the lead, at most how often it came at all.
  private struct Majority {
    private(set) var value = 0
    private(set) var count = 0
    private var lead = 0

    var isEmpty: Bool { count == 0 }

    mutating func add(_ next: Int) {
      if lead == 0, next != value || count == 0 { (value, count) = (next, 0) }
      if next == value {
        lead += 1
        count += 1
      } else {
        lead -= 1
      }
    }
  }

  // MARK: Recipes

  /// The recipes that a ballot stands for: the offset in the words' ids, or in all ids.
  private func recipes(_ ballot: Ballot) -> [TextRecipe] {
    let layout = ballot.layout
    var found = ballot.recipe
    found.truncation.keep = layout.keep
    found.truncation.limit =
      layout.limit == base.truncation.limit ?? width ? base.truncation.limit : layout.limit
    found.padding.side = layout.side
    return Set([base.shift, ballot.offset - base.vocabulary.offset]).sorted().map { shift in
      var recipe = found
      recipe.shift = shift
      recipe.vocabulary.offset = ballot.offset - shift
      recipe.padding.id = layout.padding - shift
      recipe.start = layout.start.map { $0 - shift }
      recipe.end = layout.end.map { $0 - shift }
      if ballot.isDropping {
        recipe.unknown = .dropped
      } else {
        recipe.unknown = .id(ballot.unknown.map { $0 - shift } ?? base.unknown.id ?? 0)
        if ballot.unknown == nil, base.unknown == .dropped { recipe.unknown = .dropped }
      }
      return recipe
    }
  }
}
