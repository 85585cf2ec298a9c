import EXrayCore
import EXraySketch
import EXrayTestKit
import Testing

struct EstimateTests {
  /// Differences as they occur: everywhere, in one channel of 8 or 32, a constant, in one block.
  enum Difference: CaseIterable {
    case dense, oneChannelOf8, oneChannelOf32, constant, everyThousandth, oneElement

    func values(_ generator: inout SplitMix64) -> [Float] {
      let noise = generator.values(6400)
      return noise.indices.map { index in
        switch self {
        case .dense: noise[index]
        case .oneChannelOf8: index % 8 == 3 ? noise[index] : 0
        case .oneChannelOf32: index % 32 == 3 ? noise[index] : 0
        case .constant: 0.5
        case .everyThousandth: index % 1000 == 7 ? 4 : 0
        case .oneElement: index == 4321 ? 2 : 0
        }
      }
    }
  }

  @Test(arguments: Difference.allCases)
  func `squared distances are unbiased, and spread as documented`(difference: Difference) throws {
    let rounds = 600
    var generator = SplitMix64(seed: 11)
    let values = difference.values(&generator)
    let reference = generator.values(values.count)
    let candidate = zip(reference, values).map { $0 + $1 }
    let square = zip(candidate, reference).reduce(0) { sum, pair in
      let difference = Double(pair.0) - Double(pair.1)
      return sum + difference * difference
    }
    var ratios: [Double] = []
    var covered = 0
    for seed in 0..<UInt64(rounds) {
      let estimate = try #require(
        sketch(candidate, seed: seed).estimatedDistance(to: sketch(reference, seed: seed)))
      ratios.append(estimate.value * estimate.value / square)
      if abs(estimate.value - square.squareRoot()) <= 2 * estimate.standardError { covered += 1 }
    }
    let mean = ratios.reduce(0, +) / Double(rounds)
    let spread = (ratios.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(rounds)).squareRoot()
    // √(2/32) = 0.25 of the square at most; its mean over 600 seeds is within four standard errors.
    #expect(abs(mean - 1) < 4 * 0.25 / Double(rounds).squareRoot(), "mean \(mean)")
    #expect(spread < 0.25 * 1.15, "spread \(spread)")
    if difference == .dense || difference == .constant { #expect(spread > 0.25 * 0.85) }
    #expect(covered > rounds * 9 / 10, "\(covered) of \(rounds)")
  }

  @Test func `the NRMSE is the distance over the reference's range`() throws {
    var generator = SplitMix64(seed: 4)
    let reference = generator.values(10_000, mean: 5)
    let noise = generator.values(10_000, spread: 0.01)
    let made = sketch(zip(reference, noise).map { $0 + $1 }, seed: 9)
    let range = try #require(reference.max()) - (try #require(reference.min()))
    let rmse = (noise.reduce(0) { $0 + Double($1) * Double($1) } / 10_000).squareRoot()
    let estimate = try #require(made.estimatedNRMSE(reference: sketch(reference, seed: 9)))
    let expected = rmse / Double(range)
    #expect(abs(estimate.value - expected) < 3 * estimate.standardError)
    #expect(abs(estimate.standardError / estimate.value - 0.125) < 0.001)
  }

  @Test func `equal tensors have no distance, and rounding is not taken for one`() throws {
    var generator = SplitMix64(seed: 5)
    let values = generator.values(100_000, mean: 1000)
    let made = sketch(values)
    let same = try #require(made.estimatedDistance(to: made))
    #expect(same.value == 0 && same.standardError > 0)
    // One unit in the last place of one element drowns in the rounding of projections.
    var next = values
    next[500] = next[500].nextUp
    let estimate = try #require(sketch(next).estimatedDistance(to: made))
    #expect(estimate.value <= 4 * estimate.standardError)
  }

  @Test func `what does not compare has no distance`() {
    var generator = SplitMix64(seed: 6)
    let values = generator.values(200)
    let made = sketch(values, seed: 1)
    #expect(made.estimatedDistance(to: sketch(values, seed: 2)) == nil, "another seed")
    #expect(made.estimatedDistance(to: sketch(values + [0], seed: 1)) == nil, "another count")
    #expect(sketch([1, 2]).estimatedDistance(to: sketch([1, 2])) == nil, "withheld")
    let flat = sketch([Float](repeating: 2, count: 200), seed: 1)
    #expect(made.estimatedDistance(to: flat) != nil)
    #expect(made.estimatedNRMSE(reference: flat) == nil, "no range")
  }

  /// Plain noise, and channels of 32 that differ, with a length that 1024 parts fall in step with.
  @Test(arguments: [false, true])
  func `quantiles are as near as documented`(hasChannels: Bool) {
    var generator = SplitMix64(seed: 7)
    let values = generator.values(112 * 112 * 32).enumerated().map { index, value in
      hasChannels ? value / 8 + Float(index % 32) : value
    }
    let sorted = values.sorted()
    var squares = [Double](repeating: 0, count: TensorSketch.percentages.count)
    let rounds = 60
    for seed in 0..<UInt64(rounds) {
      let quantiles = sketch(values, seed: seed).quantiles
      for (index, percentage) in TensorSketch.percentages.enumerated() {
        let error =
          Double(sorted.rank(of: quantiles[index])) / Double(sorted.count) - Double(percentage)
          / 100
        squares[index] += error * error
        #expect(abs(error) < 0.06, "seed \(seed), \(percentage) %")
      }
    }
    for (index, percentage) in TensorSketch.percentages.enumerated() {
      let share = Double(percentage) / 100
      let documented = (share * (1 - share) / 1024).squareRoot() + 1 / 1024
      #expect((squares[index] / Double(rounds)).squareRoot() < documented * 1.3, "\(percentage) %")
    }
  }

  @Test(arguments: [65, 100, 999, 1024])
  func `quantiles of small tensors are exact`(count: Int) {
    var generator = SplitMix64(seed: UInt64(count))
    let values = generator.values(count)
    let sorted = values.sorted()
    let expected = TensorSketch.percentages.map { sorted[($0 * count + 99) / 100 - 1] }
    #expect(sketch(values, seed: 3).quantiles == expected)
  }
}

extension [Float] {
  /// How many elements of a sorted array do not exceed `value`.
  fileprivate func rank(of value: Float) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if self[middle] <= value { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
