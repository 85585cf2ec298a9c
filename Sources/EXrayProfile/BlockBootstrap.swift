#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Drawing anew from measurements that follow each other in time and are not independent.
package enum BlockBootstrap {
  /// How long blocks must be to keep what neighbours have in common.
  ///
  /// Source: Politis & White, Automatic block-length selection for the dependent bootstrap, 2004, for the circular
  /// bootstrap, as corrected by Patton, Politis & White, 2009.
  ///
  /// - Returns: 1 for values that know nothing of each other; never more than a third of the series.
  /// - Complexity: O(*n* √*n*).
  package static func blockLength(_ series: [Double]) -> Int {
    let count = series.count
    guard count >= 8 else { return 1 }
    let mean = series.reduce(0, +) / Double(count)
    let centred = series.map { $0 - mean }
    func covariance(_ lag: Int) -> Double {
      guard lag < count else { return 0 }
      var sum = 0.0
      for index in 0..<count - lag { sum += centred[index] * centred[index + lag] }
      return sum / Double(count)
    }
    let variance = covariance(0)
    guard variance > 0 else { return 1 }
    let limit = 2 * (log10(Double(count)) / Double(count)).squareRoot()
    let run = max(5, Int(log10(Double(count)).squareRoot().rounded(.up)))
    let furthest = Int(Double(count).squareRoot().rounded(.up)) + run
    let correlations = (0...furthest).map { covariance($0) / variance }
    // The last lag before a run of lags that are no more than noise.
    var last = 0
    while last + run < furthest,
      correlations[(last + 1)...(last + run)].contains(where: { $0.magnitude >= limit })
    {
      last += 1
    }
    guard last > 0 else { return 1 }
    let window = min(2 * last, furthest)
    var spectrum = variance
    var slope = 0.0
    for lag in 1...window {
      let place = Double(lag) / Double(window)
      let weight = place <= 0.5 ? 1 : 2 * (1 - place)
      spectrum += 2 * weight * correlations[lag] * variance
      slope += 2 * weight * Double(lag) * correlations[lag] * variance
    }
    guard spectrum > 0 else { return 1 }
    let ratio = 2 * slope * slope / (4.0 / 3 * spectrum * spectrum)
    let length = cbrt(ratio * Double(count))
    let most = min(3 * Double(count).squareRoot(), Double(count) / 3).rounded(.up)
    return max(1, Int(min(length.rounded(.up), most)))
  }

  /// The standard error of a measurement over a series, from blocks of neighbours drawn anew with repetition.
  ///
  /// Source: Künsch, The jackknife and the bootstrap for general stationary observations, 1989 (moving blocks).
  ///
  /// - Parameters:
  ///   - count: How long the series is.
  ///   - blockLength: How many neighbours are drawn together.
  ///   - draws: How many series are drawn.
  ///   - measurement: The measurement over the positions drawn.
  package static func standardError(
    count: Int, blockLength: Int, draws: Int, using random: inout SeededGenerator,
    of measurement: ([Int]) -> Double
  ) -> Double {
    guard count > 1, draws > 1 else { return .infinity }
    let length = min(max(1, blockLength), count)
    var positions = [Int](repeating: 0, count: count)
    var sum = 0.0
    var squares = 0.0
    for _ in 0..<draws {
      var filled = 0
      while filled < count {
        let start = Int.random(in: 0...(count - length), using: &random)
        for offset in 0..<min(length, count - filled) {
          positions[filled + offset] = start + offset
        }
        filled += length
      }
      let value = measurement(positions)
      sum += value
      squares += value * value
    }
    let mean = sum / Double(draws)
    let variance = max(0, squares / Double(draws) - mean * mean)
    return (variance * Double(draws) / Double(draws - 1)).squareRoot()
  }
}
