/// Intervals that hold the true difference of two runs over the same frames in 95 % of cases.
package enum PairedInterval {
  /// The difference of two proportions of right answers, the second less the first.
  ///
  /// Half a frame is added to each of the four kinds of pairs, so that few or no changes do not look certain.
  ///
  /// Source: Agresti & Min, Simple improved confidence intervals for comparing matched proportions, 2005.
  ///
  /// - Parameters:
  ///   - won: Pairs in which only the second is right.
  ///   - lost: Pairs in which only the first is right.
  ///   - pairs: All pairs.
  package static func proportions(won: Int, lost: Int, pairs: Int) -> [Double] {
    let count = Double(pairs) + 2
    let difference = Double(won - lost) / count
    let discordant = Double(won + lost) + 1
    let deviation = (discordant - difference * difference * count).squareRoot() / count
    let half = 1.959963984540054 * deviation
    return [max(-1, difference - half), min(1, difference + half)]
  }

  /// Any measurement of frames: frames are drawn anew, with repetition, all runs of a frame together.
  ///
  /// Source: Efron, Bootstrap methods: another look at the jackknife, 1979; percentile interval.
  ///
  /// - Parameters:
  ///   - frames: How many there are.
  ///   - runs: How many runs the measurement reads; many frames of many runs are drawn less often.
  ///   - measurement: The measurement over frames at these positions.
  /// - Returns: Nil for fewer than two frames. The same frames always give the same interval.
  package static func bootstrap(
    frames: Int, runs: Int, of measurement: ([Int]) -> Double
  ) -> [Double]? {
    guard frames > 1 else { return nil }
    let draws = max(199, min(1999, 100_000_000 / (frames * max(1, runs))))
    var random = Draws(state: 0x4558_5241)
    var indices = [Int](repeating: 0, count: frames)
    var values = (0..<draws).map { _ -> Double in
      for place in indices.indices { indices[place] = Int.random(in: 0..<frames, using: &random) }
      return measurement(indices)
    }
    values.sort()
    // Of 1,999 the 50th from either end.
    let tail = (draws + 1) / 40 - 1
    return [values[tail], values[draws - 1 - tail]]
  }

  /// SplitMix64, seeded: the same report twice gives the same bytes.
  ///
  /// Source: Steele, Lea & Flood, Fast splittable pseudorandom number generators, 2014.
  private struct Draws: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }
}
