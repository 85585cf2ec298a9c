public import EXrayCore

/// A layer of which a trace tells no more than this.
public struct ListedLayer: Sendable {
  /// The op that made it; nil for inputs.
  public var op: OpReference?
  /// Name, type and shape.
  public var description: TensorDescription

  /// Creates a layer.
  public init(op: OpReference?, description: TensorDescription) {
    self.op = op
    self.description = description
  }
}

extension LayerMatching {
  /// Matches two lists of layers, each in execution order, where there are no models.
  ///
  /// Names that are unique come first, then values, then the order of what is left between them. Pairs are positions
  /// in the lists.
  ///
  /// - Parameters:
  ///   - candidateValues: A print of the values that a candidate's layer, by position, has in one frame; asked for
  ///     only where names do not settle the matter.
  ///   - referenceValues: The same of the reference, for the same input.
  /// - Complexity: O(*n* log *n*); stretches without unique names are aligned in O(*k*·*l*) time and space of their
  ///   lengths, at most 4 million cells altogether.
  public init(
    candidate: [ListedLayer], reference: [ListedLayer],
    candidateValues: (Int) -> ValuePrint? = { _ in nil },
    referenceValues: (Int) -> ValuePrint? = { _ in nil }
  ) {
    var matcher = ListMatcher(candidate, reference)
    matcher.matchNames()
    matcher.matchValues(candidateValues, referenceValues)
    matcher.matchOrder()
    self = matcher.result()
  }

  /// How the values of two tensors lie that are known by their shapes alone.
  public static func permutation(
    from candidate: Shape, to reference: Shape
  ) -> AxisPermutation? {
    guard case .permuted(let found) = AxisPermutation.between(candidate, reference) else {
      return nil
    }
    return found.keepsMemoryOrder ? nil : found
  }
}

/// Matches two lists by names, values and order.
private struct ListMatcher {
  private let own: [Item]
  private let other: [Item]
  private var partner: [Int]
  private var inverse: [Int]
  private var reasons: [MatchReason?]
  private var groups: [LayerMatching.AmbiguousGroup] = []
  /// Cells of alignments that may still be computed.
  private var cells = 4 << 20

  private struct Item {
    var type: String?
    var name: String
    var parts: Set<Substring>
    var shape: Shape
    var elementCount: Int?

    /// Conversions between number formats exist on one side only; they match nothing but their like.
    var isConversion: Bool { type == "QUANTIZE" || type == "DEQUANTIZE" }

    init(_ layer: ListedLayer) {
      type = layer.op?.type
      name = layer.description.name
      parts = Set(LayerName.parts(name))
      shape = layer.description.shape
      elementCount = shape.elementCount
    }

    /// How much speaks for two layers being the same; 0 where they cannot be.
    func score(_ mate: Item) -> Int32 {
      guard elementCount == mate.elementCount else { return 0 }
      let isSame = type == mate.type
      if !isSame, isConversion || mate.isConversion { return 0 }
      if name == mate.name, !name.isEmpty { return isSame ? 16 : 12 }
      if !parts.isDisjoint(with: mate.parts) { return isSame ? 10 : 6 }
      return isSame && shape == mate.shape ? 2 : 0
    }
  }

  init(_ candidate: [ListedLayer], _ reference: [ListedLayer]) {
    own = candidate.map(Item.init)
    other = reference.map(Item.init)
    partner = [Int](repeating: -1, count: own.count)
    inverse = [Int](repeating: -1, count: other.count)
    reasons = [MatchReason?](repeating: nil, count: own.count)
  }

  private mutating func pair(_ first: Int, _ second: Int, _ reason: MatchReason) {
    guard partner[first] < 0, inverse[second] < 0,
      own[first].score(other[second]) > 0 || reason == .activations
    else { return }
    partner[first] = second
    inverse[second] = first
    reasons[first] = reason
  }

  // MARK: Names

  /// Pairs layers whose whole name, or else a part of it, occurs once on each side.
  mutating func matchNames() {
    for splits in [false, true] {
      let first = Self.places(own, partner, splits)
      let second = Self.places(other, inverse, splits)
      for (name, place) in first.sorted(by: { $0.value < $1.value }) where place >= 0 {
        if let mate = second[name], mate >= 0 { pair(place, mate, .name) }
      }
    }
  }

  /// Where each name is; -1 where it is more than once.
  private static func places(
    _ items: [Item], _ partner: [Int], _ splits: Bool
  ) -> [Substring: Int] {
    var places: [Substring: Int] = [:]
    for (index, item) in items.enumerated() where partner[index] < 0 && !item.name.isEmpty {
      for name in splits ? Array(item.parts) : [item.name[...]] {
        places[name] = places[name] == nil ? index : -1
      }
    }
    return places
  }

  // MARK: Values

  mutating func matchValues(
    _ candidateValues: (Int) -> ValuePrint?, _ referenceValues: (Int) -> ValuePrint?
  ) {
    let first = own.indices.filter { partner[$0] < 0 && !own[$0].isConversion }
    let second = other.indices.filter { inverse[$0] < 0 && !other[$0].isConversion }
    guard !first.isEmpty, !second.isEmpty else { return }
    let counts = Set(first.map { own[$0].elementCount })
      .intersection(second.map { other[$0].elementCount })
    var prints: [Int?: (own: [(Int, ValuePrint)], other: [(Int, ValuePrint)])] = [:]
    for place in first where counts.contains(own[place].elementCount) {
      if let print = candidateValues(place) {
        prints[own[place].elementCount, default: ([], [])].own.append((place, print))
      }
    }
    guard !prints.isEmpty else { return }
    for place in second where counts.contains(other[place].elementCount) {
      if let print = referenceValues(place) {
        prints[other[place].elementCount, default: ([], [])].other.append((place, print))
      }
    }
    for (_, bucket) in prints.sorted(by: { ($0.key ?? -1) < ($1.key ?? -1) }) {
      let pairs = PrintPairing.pairs(bucket.own.map(\.1), bucket.other.map(\.1))
      for (one, two) in pairs { pair(bucket.own[one].0, bucket.other[two].0, .activations) }
    }
  }

  // MARK: Order

  /// Aligns what is left between pairs that stand in the same order on both sides.
  mutating func matchOrder() {
    var start = (0, 0)
    for anchor in anchors() + [own.count] {
      let end = anchor < own.count ? (anchor, partner[anchor]) : (own.count, other.count)
      align(
        (start.0..<end.0).filter { partner[$0] < 0 }, (start.1..<end.1).filter { inverse[$0] < 0 })
      start = (end.0 + 1, end.1 + 1)
    }
    groups.sort { $0.candidates[0] < $1.candidates[0] }
  }

  /// The longest run of pairs that ascends on both sides.
  ///
  /// Source: Schensted, Longest increasing and decreasing subsequences, 1961.
  private func anchors() -> [Int] {
    var ends: [Int] = []
    var before = [Int](repeating: -1, count: own.count)
    for index in own.indices where partner[index] >= 0 {
      var (low, high) = (0, ends.count)
      while low < high {
        let middle = (low + high) / 2
        if partner[ends[middle]] < partner[index] { low = middle + 1 } else { high = middle }
      }
      if low > 0 { before[index] = ends[low - 1] }
      if low == ends.count { ends.append(index) } else { ends[low] = index }
    }
    var run: [Int] = []
    var place = ends.last ?? -1
    while place >= 0 {
      run.append(place)
      place = before[place]
    }
    return run.reversed()
  }

  /// Pairs what every best alignment of two stretches pairs; where they differ, it is ambiguous.
  ///
  /// Source: Needleman and Wunsch, A general method applicable to the search for similarities, 1970.
  private mutating func align(_ first: [Int], _ second: [Int]) {
    var (first, second) = (first, second)
    if first.count.multipliedReportingOverflow(by: second.count).overflow
      || first.count * second.count > cells
    {
      trim(&first, &second)
    }
    let (rows, columns) = (first.count, second.count)
    guard rows > 0, columns > 0, rows <= cells / columns else { return }
    cells -= rows * columns
    let width = columns + 1
    var best = [Int32](repeating: 0, count: (rows + 1) * width)
    var scores = [Int32](repeating: 0, count: rows * columns)
    for row in (0..<rows).reversed() {
      for column in (0..<columns).reversed() {
        let score = own[first[row]].score(other[second[column]])
        scores[row * columns + column] = score
        let matched = score > 0 ? score + best[(row + 1) * width + column + 1] : 0
        best[row * width + column] = max(
          matched, best[(row + 1) * width + column], best[row * width + column + 1])
      }
    }
    func path(eager: Bool) -> [Int] {
      var pairs = [Int](repeating: -1, count: rows)
      var (row, column) = (0, 0)
      while row < rows, column < columns {
        let here = best[row * width + column]
        let score = scores[row * columns + column]
        let matches = score > 0 && here == score + best[(row + 1) * width + column + 1]
        let skipsRow = here == best[(row + 1) * width + column]
        let skipsColumn = here == best[row * width + column + 1]
        if matches, eager || !skipsRow && !skipsColumn {
          pairs[row] = column
          (row, column) = (row + 1, column + 1)
        } else if skipsRow {
          row += 1
        } else {
          column += 1
        }
      }
      return pairs
    }
    let (early, late) = (path(eager: true), path(eager: false))
    var open: (own: Set<Int>, other: Set<Int>) = ([], [])
    for row in 0..<rows {
      if early[row] == late[row] {
        if early[row] >= 0 { pair(first[row], second[early[row]], .order) }
      } else {
        open.own.insert(first[row])
        for column in [early[row], late[row]] where column >= 0 {
          open.other.insert(second[column])
        }
      }
    }
    group(open.own.sorted(), open.other.sorted())
  }

  /// Lists layers of one type and size as ambiguous.
  private mutating func group(_ first: [Int], _ second: [Int]) {
    var classes: [String: LayerMatching.AmbiguousGroup] = [:]
    for index in first {
      classes[key(own[index]), default: .init(candidates: [], references: [])].candidates
        .append(index)
    }
    for index in second where inverse[index] < 0 {
      classes[key(other[index]), default: .init(candidates: [], references: [])].references
        .append(index)
    }
    groups += classes.sorted { $0.key < $1.key }.map(\.value)
      .filter { !$0.candidates.isEmpty && !$0.references.isEmpty }
  }

  private func key(_ item: Item) -> String { "\(item.type ?? "")\(item.shape.description)" }

  /// Pairs what two long stretches begin and end with alike.
  private mutating func trim(_ first: inout [Int], _ second: inout [Int]) {
    var start = 0
    while start < min(first.count, second.count),
      own[first[start]].score(other[second[start]]) > 0
    {
      pair(first[start], second[start], .order)
      start += 1
    }
    first.removeFirst(start)
    second.removeFirst(start)
    while let one = first.last, let two = second.last, own[one].score(other[two]) > 0 {
      pair(one, two, .order)
      first.removeLast()
      second.removeLast()
    }
  }

  // MARK: Result

  func result() -> LayerMatching {
    let inOrder = Set(anchors())
    let pairs = partner.indices.compactMap { index -> LayerMatching.Pair? in
      guard partner[index] >= 0 else { return nil }
      return found(index, inOrder.contains(index))
    }
    let ambiguous = (
      Set(groups.flatMap(\.candidates)), Set(groups.flatMap(\.references))
    )
    return LayerMatching(
      pairs: pairs, ambiguous: groups,
      unmatchedCandidates: Self.unmatched(own, partner, ambiguous.0),
      unmatchedReferences: Self.unmatched(other, inverse, ambiguous.1))
  }

  private func found(_ index: Int, _ isInOrder: Bool) -> LayerMatching.Pair {
    let (item, mate) = (own[index], other[partner[index]])
    var weights: [MatchReason: Double] = [:]
    if !item.name.isEmpty, item.name == mate.name {
      weights[.name] = 0.9
    } else if !item.parts.isDisjoint(with: mate.parts) {
      weights[.name] = 0.7
    }
    if reasons[index] == .activations { weights[.activations] = 0.9 }
    if item.type == mate.type, item.shape == mate.shape { weights[.shape] = 0.3 }
    if isInOrder { weights[.order] = 0.5 }
    let open = weights.values.sorted().reduce(1) { $0 * (1 - $1) }
    var pair = LayerMatching.Pair(
      candidate: index, reference: partner[index],
      confidence: (min(0.999, 1 - open) * 1000).rounded() / 1000,
      reasons: MatchReason.allCases.filter { weights[$0] != nil })
    switch AxisPermutation.between(item.shape, mate.shape) {
    case .same: break
    case .permuted(let permutation):
      pair.permutation = permutation.keepsMemoryOrder ? nil : permutation
    case .unknown: pair.isArrangementKnown = false
    }
    return pair
  }

  private static func unmatched(
    _ items: [Item], _ partner: [Int], _ ambiguous: Set<Int>
  ) -> [LayerMatching.Unmatched] {
    items.indices.compactMap { index in
      guard partner[index] < 0 else { return nil }
      return .init(
        tensor: index,
        absence: ambiguous.contains(index)
          ? .ambiguous : items[index].isConversion ? .conversion : .noCounterpart)
    }
  }
}
