/// Times of two models that were run in turns.
///
/// A round is one run of each, in random order, so that what else the machine does hits both alike. Rounds of one launch
/// ran in the same two processes: where those lie in memory is a matter of luck that all of its rounds share.
public struct PairedRounds: Sendable {
  /// Times of the trusted model, in any unit, one a round.
  public private(set) var reference: [Double] = []
  /// Times of the model under suspicion, one a round.
  public private(set) var candidate: [Double] = []
  /// The launch of each round, not falling.
  public private(set) var launches: [Int] = []

  /// No rounds.
  public init() {}

  /// Adds a round.
  public mutating func add(reference: Double, candidate: Double, launch: Int) {
    self.reference.append(reference)
    self.candidate.append(candidate)
    launches.append(launch)
  }

  /// How many rounds there are.
  public var count: Int { reference.count }

  /// The positions of each launch.
  var launchRanges: [Range<Int>] {
    var ranges: [Range<Int>] = []
    for index in launches.indices {
      if let last = ranges.indices.last, index > 0, launches[index] == launches[index - 1] {
        ranges[last] = ranges[last].lowerBound..<index + 1
      } else {
        ranges.append(index..<index + 1)
      }
    }
    return ranges
  }
}
