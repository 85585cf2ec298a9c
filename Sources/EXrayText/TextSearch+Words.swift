extension TextSearch {
  // MARK: What cannot be told apart

  /// Settings of a recipe that could be others without any other id, and other recipes as good.
  func ambiguities(of found: TextRecipe, _ alternatives: [TextRecipe]) -> [TextAmbiguity] {
    let ids = evaluation.ids(found)
    var list: [TextAmbiguity] = []
    for knob in TextKnob.allCases {
      guard let reason = reason(knob) else { continue }
      var others = TextCandidates.alternatives(knob, to: found, intended: intended)
      var isAny = false
      // An id that stands nowhere could be any.
      if let probe = probe(knob, found), evaluation.ids(probe) == ids {
        others = []
        isAny = true
      }
      let equal = others.filter { evaluation.ids($0) == ids }
      guard !equal.isEmpty || isAny else { continue }
      let words = isAny ? ["any other id"] : equal.prefix(4).map { knob.words($0) }
      list.append(
        TextAmbiguity(stage: knob.stage, candidates: [knob.words(found)] + words, reason: reason))
    }
    if let size = found.vocabulary.size, size != intended.vocabulary.size {
      let bounds = sizeBounds(found, size)
      if bounds.lowerBound < bounds.upperBound {
        list.append(
          TextAmbiguity(
            stage: "vocabulary",
            candidates: [
              TextKnob.size.words(found),
              "any limit from \(bounds.lowerBound) to \(bounds.upperBound)",
            ], reason: "no word has an id in between"))
      }
    }
    for other in alternatives where evaluation.ids(other) == ids {
      let (mine, theirs) = (found.knobs(from: intended), other.knobs(from: intended))
      guard mine.map(\.cause) != theirs.map(\.cause) else { continue }
      list.append(
        TextAmbiguity(
          stage: Set((mine + theirs).map(\.stage)).sorted().joined(separator: ", "),
          candidates: [
            mine.map { $0.words(found) }.joined(separator: ", "),
            theirs.map { $0.words(other) }.joined(separator: ", "),
          ], reason: "both give these ids with as few departures"))
    }
    return list
  }

  /// The recipe with an id of its own that no other setting uses.
  private func probe(_ knob: TextKnob, _ recipe: TextRecipe) -> TextRecipe? {
    var other = recipe
    switch knob {
    case .unknown where recipe.unknown != .dropped: other.unknown = .id(TextRecipe.idLimit - 1)
    case .paddingID: other.padding.id = TextRecipe.idLimit - 1
    default: return nil
    }
    return other
  }

  private func reason(_ knob: TextKnob) -> String? {
    switch knob {
    case .lowercase: "no capital letter in these sentences gives another id"
    case .words, .marks, .others: "no character in these sentences gives another id"
    case .contractions: "no apostrophe in these sentences gives another id"
    case .order: "the sentences read the same backwards"
    case .unknown: "no word in these sentences is unknown"
    case .keep: "no sentence is cut"
    case .specials: "no sentence with a start or an end is cut"
    case .paddingID: "no sentence is padded"
    case .paddingSide: "no sentence is padded"
    case .start, .end, .listOrder, .offset, .size, .limit, .length, .shift, .element: nil
    }
  }

  // MARK: What was ruled out

  /// What was tried in vain.
  func ruledOut(best: TextRecipe, share: Double) -> [String] {
    let percent = (share * 1000).rounded(.down) / 10
    var list: [String] = []
    let rows = Set(evaluation.samples.map(\.ids))
    if rows.count == 1, evaluation.samples.count > 1 {
      list.append("ids: the same for all sentences, so they were not made from them")
    }
    let given = evaluation.ids(intended)
    let elsewhere = zip(given, evaluation.samples).filter { own, sample in
      own != sample.ids && given.contains(sample.ids)
    }
    if elsewhere.count * 2 > evaluation.samples.count {
      list.append(
        "sentences: \(elsewhere.count) of \(evaluation.samples.count) have the ids of another one; "
          + "give sentences and ids in the same order")
    }
    if let (word, share) = consistency(), share > 0.9 {
      list.append(
        "vocabulary: words have ids of their own, but others than this file gives (\(word)); "
          + "give the file that the app uses")
    }
    list.append(
      "all ways to cut words, offsets, special ids, padding, truncation and storing: the best "
        + "explains \(percent) % of the token positions")
    return list
  }

  /// Whether words of the vocabulary always have the same id, though not their own; with an example.
  private func consistency() -> (example: String, share: Double)? {
    var ids: [Int: [Int: Int]] = [:]
    for (words, sample) in zip(evaluation.words(intended), evaluation.samples) {
      let places = intended.places(words)
      for (place, id) in zip(places, sample.ids) {
        if let place { ids[place, default: [:]][id, default: 0] += 1 }
      }
    }
    var (agreeing, total) = (0, 0)
    var distinct: Set<Int> = []
    var example: (own: Int, other: Int, count: Int)?
    for (own, found) in ids.sorted(by: { $0.key < $1.key }) {
      let sum = found.values.reduce(0, +)
      guard sum > 1, let most = found.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }) else {
        continue
      }
      agreeing += most.value
      total += sum
      distinct.insert(most.key)
      if most.key != own, most.value > example?.count ?? 0 { example = (own, most.key, most.value) }
    }
    guard total >= 20, distinct.count >= 5, let example else { return nil }
    return (
      "the word \(example.own) has \(example.other)", Double(agreeing) / Double(total)
    )
  }
}

extension TextRecipe {
  /// The ids of words where they stand in the array; nil for everything else.
  fileprivate func places(_ words: [Int?]) -> [Int?] {
    var plain = self
    // An id that no vocabulary gives marks what is no word.
    let mark = -2 * TextRecipe.idLimit
    plain.shift = 0
    plain.padding.id = mark
    if plain.unknown != .dropped { plain.unknown = .id(mark) }
    if plain.start != nil { plain.start = mark }
    if plain.end != nil { plain.end = mark }
    return plain.arranged(words).map { $0 == mark ? nil : $0 }
  }
}
