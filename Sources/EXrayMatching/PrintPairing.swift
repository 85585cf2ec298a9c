/// Pairs prints that are each other's nearest by far.
enum PrintPairing {
  /// Prints less alike than this are of other values.
  private static let least: Float = 0.8
  /// The next nearest must be less alike by this part of what is missing to 1.
  private static let margin: Float = 2
  /// Comparisons of one list with another, at most.
  private static let workLimit = 64 << 20

  /// Positions of pairs, ascending.
  ///
  /// - Complexity: O(*n*·*m*), at most 64 million comparisons; of longer lists none is paired.
  static func pairs(_ first: [ValuePrint], _ second: [ValuePrint]) -> [(Int, Int)] {
    guard !first.isEmpty, !second.isEmpty, first.count <= workLimit / second.count else { return [] }
    var best = [Rank](repeating: Rank(), count: first.count)
    var mates = [Rank](repeating: Rank(), count: second.count)
    // Sixteen of the 64 numbers tell most strangers.
    let heads = first.map { $0.vector.lowHalf.lowHalf }
    let others = second.map { $0.vector.lowHalf.lowHalf }
    for (one, head) in heads.enumerated() {
      for (two, other) in others.enumerated() {
        let gap = head - other
        if (gap * gap).sum() > 0.25 { continue }
        let cosine = first[one].cosine(second[two])
        best[one].add(two, cosine)
        mates[two].add(one, cosine)
      }
    }
    return best.indices.compactMap { one in
      guard let two = best[one].clear, mates[two].clear == one else { return nil }
      return (one, two)
    }
  }

  /// The nearest and the next.
  private struct Rank {
    var place = -1
    var first: Float = -1
    var second: Float = -1

    mutating func add(_ place: Int, _ cosine: Float) {
      if cosine > first {
        (self.place, second, first) = (place, first, cosine)
      } else {
        second = max(second, cosine)
      }
    }

    /// The nearest where no other comes near; nil elsewhere.
    var clear: Int? {
      guard place >= 0, first >= least else { return nil }
      let missing = max(1 - first, 1e-4)
      return 1 - second > (1 + margin) * missing ? place : nil
    }
  }
}
