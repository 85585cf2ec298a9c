import EXrayProfile
import EXrayTestKit
import EXrayValidation
import Testing

@Suite("Statistics of a profile")
struct StatisticsTests {
  @Test func `percentiles are NumPy's`() throws {
    // numpy.percentile([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5], [50, 90, 95, 99]) and numpy.mean, numpy.std
    let times = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5].map { Duration.milliseconds($0) }
    let summary = try #require(LatencySummary(times))
    #expect(summary.count == 11)
    #expect(summary.minimum == .milliseconds(1))
    #expect(summary.p50 == .milliseconds(4))
    #expect(summary.p90 == .milliseconds(6))
    #expect(summary.p95 == .microseconds(7500))
    #expect(summary.p99 == .microseconds(8700))
    #expect(summary.maximum == .milliseconds(9))
    #expect(summary.mean == .milliseconds(4))
    #expect(abs(summary.standardDeviation.inNanoseconds - 2_256_304.299_280_18) <= 0.5)
  }

  @Test func `no runs have no percentiles, one run is all of them`() throws {
    #expect(LatencySummary([]) == nil)
    let one = try #require(LatencySummary([.microseconds(7)]))
    #expect(one.p50 == .microseconds(7) && one.p99 == .microseconds(7))
    #expect(one.standardDeviation == .zero)
    #expect(Percentile.midmean([]) == nil)
    #expect(Percentile.midmean([1, 2, 3, 1000]) == 2.5)
  }

  @Test(arguments: [
    (1, 12.706_204_736), (2, 4.302_652_730), (4, 2.776_445_105), (9, 2.262_157_163),
    (30, 2.042_272_456), (100, 1.983_971_519),
  ])
  func `quantiles of Student's distribution are SciPy's`(degrees: Int, expected: Double) {
    // scipy.stats.t.ppf(0.975, degrees)
    #expect(abs(StudentT.quantile(twoSided: 0.05, degrees: degrees) - expected) < 1e-6)
    #expect(abs(StudentT.twoSidedProbability(expected, degrees: degrees) - 0.05) < 1e-9)
    #expect(StudentT.twoSidedProbability(0, degrees: degrees) == 1)
  }

  @Test func `Holm's correction is statsmodels'`() {
    // statsmodels.stats.multitest.multipletests([0.01, 0.04, 0.03, 0.005], method="holm")[1]
    let adjusted = MultipleTesting.holm([0.01, 0.04, 0.03, 0.005])
    let expected = [0.03, 0.06, 0.06, 0.02]
    #expect(zip(adjusted, expected).allSatisfy { abs($0 - $1) < 1e-12 })
    #expect(MultipleTesting.holm([]) == [])
  }

  @Test func `blocks are longer the longer neighbours remember`() {
    var random = SplitMix64(seed: 4)
    let independent = (0..<400).map { _ in Noise.normal(&random) }
    #expect(BlockBootstrap.blockLength(independent) <= 3)
    let short = BlockBootstrap.blockLength(Noise.autoregressive(0.5, 400, &random))
    let long = BlockBootstrap.blockLength(Noise.autoregressive(0.9, 400, &random))
    #expect(short > 1 && long > short, "\(short), \(long)")
    #expect(BlockBootstrap.blockLength([]) == 1)
    #expect(BlockBootstrap.blockLength([Double](repeating: 2, count: 50)) == 1)
  }
}

/// Times as machines make them: noise that remembers, drift, and now and then a run that is disturbed.
enum Noise {
  static func normal(_ random: inout SplitMix64) -> Double {
    // Twelve uniform numbers less six: near enough to a normal distribution, and nothing beyond 6.
    (0..<12).reduce(-6) { sum, _ in sum + Double.random(in: 0..<1, using: &random) }
  }

  static func autoregressive(
    _ memory: Double, _ count: Int, _ random: inout SplitMix64
  ) -> [Double] {
    var value = 0.0
    let scale = (1 - memory * memory).squareRoot()
    return (0..<count).map { _ in
      value = memory * value + scale * normal(&random)
      return value
    }
  }

  /// Rounds of two models on one machine.
  ///
  /// - Parameters:
  ///   - effect: Ratio of the candidate's time to the reference's.
  ///   - launchDeviation: How much the launches' own luck differs, as a part of the time.
  static func rounds(
    seed: UInt64, count: Int = 100, launches: Int = 10, effect: Double = 1,
    memory: Double = 0.7, launchDeviation: Double = 0
  ) -> PairedRounds {
    var random = SplitMix64(seed: seed)
    let shared = autoregressive(memory, count, &random)
    let left = autoregressive(memory, count, &random)
    let right = autoregressive(memory, count, &random)
    let luck = (0..<launches).map { _ in
      (1 + launchDeviation * normal(&random), 1 + launchDeviation * normal(&random))
    }
    let drift = Double.random(in: -0.2...0.2, using: &random)
    var rounds = PairedRounds()
    for index in 0..<count {
      let launch = index * launches / count
      // Both drift and wander together; each wanders a little on its own.
      let common = 1 + drift * Double(index) / Double(count) + 0.03 * shared[index]
      func disturbance() -> Double {
        Double.random(in: 0..<1, using: &random) < 0.05
          ? Double.random(in: 0...0.5, using: &random) : 0
      }
      rounds.add(
        reference: 1e6 * luck[launch].0 * (common + 0.02 * left[index] + disturbance()),
        candidate: 1e6 * luck[launch].1 * effect * (common + 0.02 * right[index] + disturbance()),
        launch: launch)
    }
    return rounds
  }
}

@Suite("Comparison of two models' times")
struct ComparisonTests {
  /// How many of many tries differ.
  private func alarms(
    _ tries: Int, _ rounds: (UInt64) -> PairedRounds
  ) throws -> (slower: Int, faster: Int) {
    var slower = 0
    var faster = 0
    for seed in 0..<UInt64(tries) {
      let comparison = try #require(
        LatencyComparison(rounds(seed), draws: 199, seed: seed))
      if comparison.outcome == .slower { slower += 1 }
      if comparison.outcome == .faster { faster += 1 }
    }
    return (slower, faster)
  }

  @Test(arguments: [(0.0, 0.0), (0.7, 0.0), (0.9, 0.0), (0.7, 0.02), (0.3, 0.05)])
  func `a model against itself differs in at most one of twenty tries`(
    memory: Double, launchDeviation: Double
  ) throws {
    let tries = 400
    let found = try alarms(tries) {
      Noise.rounds(seed: $0, memory: memory, launchDeviation: launchDeviation)
    }
    // Of 400 tries at 5 %, 29 or more happen once in fifty: 20 is the mean, 4.4 the deviation.
    #expect(
      found.slower + found.faster <= 28,
      "\(found) of \(tries), memory \(memory), launches \(launchDeviation)")
  }

  @Test func `without launches the blocks alone hold the level`() throws {
    let found = try alarms(400) { Noise.rounds(seed: $0, count: 200, launches: 1, memory: 0.8) }
    #expect(found.slower + found.faster <= 28, "\(found)")
  }

  @Test func `a slow-down of a tenth is found, and its size is in the interval`() throws {
    var found = 0
    var covered = 0
    let tries = 200
    for seed in 0..<UInt64(tries) {
      let comparison = try #require(
        LatencyComparison(
          Noise.rounds(seed: seed, effect: 1.1, launchDeviation: 0.01), draws: 199, seed: seed))
      if comparison.verdict(tolerance: 0.05) == .fail { found += 1 }
      if comparison.interval[0] <= 1.1, 1.1 <= comparison.interval[1] { covered += 1 }
    }
    #expect(found >= 190, "\(found) of \(tries)")
    #expect(covered >= 184, "\(covered) of \(tries)")
  }

  @Test func `a verdict passes, fails or cannot tell`() throws {
    func verdict(_ effect: Double, deviation: Double) throws -> Verdict {
      try #require(
        LatencyComparison(Noise.rounds(seed: 3, effect: effect, launchDeviation: deviation))
      ).verdict(tolerance: 0.05)
    }
    #expect(try verdict(1, deviation: 0) == .pass)
    #expect(try verdict(0.5, deviation: 0) == .pass)
    #expect(try verdict(1.5, deviation: 0) == .fail)
    #expect(try verdict(1, deviation: 0.5) == .inconclusive)
  }

  @Test func `too few rounds and times of nothing are not compared`() {
    var rounds = PairedRounds()
    #expect(LatencyComparison(rounds) == nil)
    for _ in 0..<7 { rounds.add(reference: 1, candidate: 1, launch: 0) }
    #expect(LatencyComparison(rounds) == nil)
    var zeros = PairedRounds()
    for _ in 0..<20 { zeros.add(reference: 0, candidate: 1, launch: 0) }
    #expect(LatencyComparison(zeros) == nil)
  }

  @Test func `kinds of ops alarm together in at most one of twenty tries`() throws {
    var alarms = 0
    let tries = 150
    for seed in 0..<UInt64(tries) {
      let kinds = (0..<8).map { kind in
        (
          label: "KIND_\(kind)",
          rounds: Noise.rounds(seed: seed &* 100 &+ UInt64(kind), launchDeviation: 0.01), ops: 4
        )
      }
      if OpTypeComparison.compare(kinds, seed: seed).contains(where: { $0.outcome != .noDifference }
      ) {
        alarms += 1
      }
    }
    // Of 150 tries at 5 %, 14 or more happen once in forty.
    #expect(alarms <= 13, "\(alarms) of \(tries)")
  }
}
