/// Pairs prints that are each other's nearest by far.
enum PrintPairing {
  /// Prints less alike than this are of other values.
  private static let least: Float = 0.8
  /// The next nearest must be less alike by this part of what is missing to 1.
  private static let margin: Float = 2
  /// Each number of a print is as near as this to that of its like.
  private static let window: Float = 0.1
  /// Comparisons of one list with another, at most: of all numbers, and of the first few.
  private static let workLimit = (whole: 1 << 20, begun: 64 << 20)

  /// Positions of pairs, ascending.
  ///
  /// - Complexity: O(*n* log *n*) and as many comparisons as prints have near ones, up to a bound; where more are
  ///   near each other than that, they tell nothing apart and none is paired.
  static func pairs(_ first: [ValuePrint], _ second: [ValuePrint]) -> [(Int, Int)] {
    guard !first.isEmpty, !second.isEmpty, first.count <= workLimit.begun / second.count else {
      return []
    }
    let order = second.indices.sorted {
      second[$0].vector[0][0] < second[$1].vector[0][0]
    }
    let heads = order.map { second[$0].vector[0].lowHalf }
    var best = [Rank](repeating: Rank(), count: first.count)
    var mates = [Rank](repeating: Rank(), count: second.count)
    var work = 0
    for (one, print) in first.enumerated() {
      let head = print.vector[0].lowHalf
      var place = start(of: head[0] - window, in: heads)
      while place < heads.count, heads[place][0] <= head[0] + window {
        defer { place += 1 }
        let other = heads[place]
        if abs(head[1] - other[1]) > window || abs(head[2] - other[2]) > window
          || abs(head[3] - other[3]) > window
        {
          continue
        }
        work += 1
        if work > workLimit.whole { return [] }
        let two = order[place]
        let cosine = print.cosine(second[two])
        best[one].add(two, cosine)
        mates[two].add(one, cosine)
      }
    }
    return best.indices.compactMap { one in
      guard let two = best[one].clear, mates[two].clear == one else { return nil }
      return (one, two)
    }
  }

  /// The first place whose number is not less.
  private static func start(of number: Float, in heads: [SIMD4<Float>]) -> Int {
    var (low, high) = (0, heads.count)
    while low < high {
      let middle = (low + high) / 2
      if heads[middle][0] < number { low = middle + 1 } else { high = middle }
    }
    return low
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
