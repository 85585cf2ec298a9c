public import EXrayValidation

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Whether one model is slower than another, and how sure that is.
public struct LatencyComparison: Sendable, Hashable, Encodable {
  /// What two series of times say of each other.
  public enum Outcome: String, Sendable, Hashable, Codable {
    /// The candidate takes longer; the interval lies above 1.
    case slower
    /// The candidate takes less; the interval lies below 1.
    case faster
    /// The interval holds 1.
    case noDifference = "no-difference"
  }

  /// Median time of the candidate by that of the reference, averaged over launches.
  public var ratio: Double
  /// 95 % interval of ``ratio``: lower bound, then upper bound.
  public var interval: [Double]
  /// Probability of a difference this large between equal models.
  public var probability: Double
  /// What the interval says.
  public var outcome: Outcome
  /// The smallest slow-down, as a part of the reference's time, that such rounds show in four of five tries.
  public var minimumDetectableEffect: Double
  /// Rounds that neighbours were drawn in.
  public var blockLength: Int
  /// How many rounds there were.
  public var rounds: Int
  /// How often both models were loaded anew.
  public var launches: Int

  /// Compares medians.
  ///
  /// The measurement is the ratio of the medians of each launch, averaged over launches as a logarithm. Its standard error is the
  /// largest of three: that of a moving block bootstrap over rounds; that of the launches' ratios among each other, which sees what
  /// all rounds of a launch share, widened where a launch resembles the one before; and that of five batches, which sees what
  /// lasts longer than any block. Each alone is too small for some machines. The interval is Student's, with the degrees of
  /// freedom of five batches, fewer where there are fewer launches or blocks.
  ///
  /// Source: Künsch 1989 for the bootstrap; Kalibera & Jones, Rigorous benchmarking in reasonable time, 2013, for launches;
  /// Schmeiser, Batch size effects in the analysis of simulation output, 1982.
  ///
  /// - Parameters:
  ///   - resolution: The unit in which times are whole, summed over what was added up; 0 where it does not matter.
  ///   - draws: How many series the bootstrap draws.
  /// - Returns: Nil for fewer than eight rounds, and for times that are not above 0.
  public init?(
    _ rounds: PairedRounds, resolution: Double = 0, draws: Int = 499, seed: UInt64 = 1
  ) {
    guard rounds.count >= 8, let reference = Percentile.median(rounds.reference),
      let candidate = Percentile.median(rounds.candidate), reference > 0, candidate > 0
    else { return nil }
    let pooled = log(candidate / reference)
    let ranges = rounds.launchRanges
    let ratios = ranges.compactMap { Self.logRatio(rounds, at: $0) }
    let isAveraged = ratios.count >= 3
    let effect = isAveraged ? Self.mean(ratios) : pooled
    // What moves the ratio of medians is on which side of its median each time lies.
    let series = (0..<rounds.count).map { index in
      Self.side(rounds.candidate[index], candidate) - Self.side(rounds.reference[index], reference)
    }
    let length = BlockBootstrap.blockLength(series)
    var random = SeededGenerator(seed: seed)
    let bootstrap = BlockBootstrap.standardError(
      count: rounds.count, blockLength: length, draws: draws, using: &random
    ) { Self.logRatio(rounds, at: $0) ?? pooled }
    let between = isAveraged ? Self.standardError(ratios, widened: true) : 0
    let batches = Self.split(rounds.count, Self.batchCount)
    let batchRatios =
      ratios.count >= 2 * Self.batchCount
      ? Self.split(ratios.count, Self.batchCount).map { Self.mean(Array(ratios[$0])) }
      : batches.compactMap { Self.logRatio(rounds, at: $0) }
    let batched = Self.standardError(batchRatios, widened: false)
    let unit = resolution / min(reference, candidate) / 2
    let error = max(max(bootstrap, between, batched), unit, 1e-9)
    var degrees = min(Self.batchCount - 1, max(1, rounds.count / length - 1))
    if ranges.count > 1 { degrees = min(degrees, ranges.count - 1) }
    let reach = StudentT.quantile(twoSided: 0.05, degrees: degrees)
    ratio = exp(effect)
    interval = [exp(effect - reach * error), exp(effect + reach * error)]
    probability = StudentT.twoSidedProbability(effect / error, degrees: degrees)
    outcome = interval[0] > 1 ? .slower : interval[1] < 1 ? .faster : .noDifference
    let power = StudentT.quantile(twoSided: 0.4, degrees: degrees)
    minimumDetectableEffect = exp((reach + power) * error) - 1
    blockLength = length
    self.rounds = rounds.count
    launches = ranges.count
  }

  /// Whether the candidate is slower than may be.
  ///
  /// - Parameter tolerance: The slow-down that may be, as a part of the reference's time.
  /// - Returns: `.fail` where the candidate is slower and its ratio passes the tolerance; `.pass` where the whole interval
  ///   keeps it; `.inconclusive` where such rounds cannot tell.
  public func verdict(tolerance: Double) -> Verdict {
    if outcome == .slower, ratio > 1 + tolerance { return .fail }
    return interval[1] <= 1 + tolerance ? .pass : .inconclusive
  }

  private static func side(_ value: Double, _ median: Double) -> Double {
    value > median ? 1 : value < median ? -1 : 0
  }

  private static func logRatio(_ rounds: PairedRounds, at positions: some Sequence<Int>) -> Double?
  {
    guard let candidate = Percentile.median(positions.map { rounds.candidate[$0] }),
      let reference = Percentile.median(positions.map { rounds.reference[$0] }), candidate > 0,
      reference > 0
    else { return nil }
    return log(candidate / reference)
  }

  private static let batchCount = 5

  private static func mean(_ values: [Double]) -> Double {
    values.reduce(0, +) / Double(max(1, values.count))
  }

  /// The standard error of a mean.
  ///
  /// - Parameter widened: Whether values may resemble the ones before, as in a process that remembers: the lag-one
  ///   correlation, with its bias in short series taken out, widens the error.
  private static func standardError(_ values: [Double], widened: Bool) -> Double {
    guard values.count >= 2 else { return 0 }
    let count = Double(values.count)
    let mean = mean(values)
    let centred = values.map { $0 - mean }
    let squares = centred.reduce(0) { $0 + $1 * $1 }
    let error = (squares / (count - 1) / count).squareRoot()
    guard widened, squares > 0 else { return error }
    let lagged = zip(centred, centred.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 } / squares
    let memory = min(max(lagged + (1 + 4 * lagged) / count, 0), 0.9)
    return error * ((1 + memory) / (1 - memory)).squareRoot()
  }

  /// Positions in parts of nearly equal size, in order.
  private static func split(_ count: Int, _ parts: Int) -> [Range<Int>] {
    (0..<parts).map { count * $0 / parts..<count * ($0 + 1) / parts }
  }
}

/// One kind of op, compared between two models that were run in turns.
public struct OpTypeComparison: Sendable, Hashable, Encodable {
  /// The runtime's label.
  public var label: String
  /// Median time of the trusted model's ops of this kind, in microseconds a run.
  public var referenceMicroseconds: Double
  /// Median time of the candidate's, in microseconds a run.
  public var candidateMicroseconds: Double
  /// The comparison of the two.
  public var comparison: LatencyComparison
  /// The probability after Holm's correction for all kinds compared.
  public var adjustedProbability: Double
  /// What can be said after the correction.
  public var outcome: LatencyComparison.Outcome

  /// Compares kinds of ops; those below 20 µs a run are left out, because events are whole microseconds.
  ///
  /// - Parameter kinds: For each label, rounds of summed microseconds, and how many ops were added up.
  public static func compare(
    _ kinds: [(label: String, rounds: PairedRounds, ops: Int)], seed: UInt64 = 1
  ) -> [OpTypeComparison] {
    var found: [OpTypeComparison] = []
    for kind in kinds.sorted(by: { $0.label < $1.label }) {
      guard let reference = Percentile.median(kind.rounds.reference),
        let candidate = Percentile.median(kind.rounds.candidate), min(reference, candidate) >= 20,
        let comparison = LatencyComparison(
          kind.rounds, resolution: Double(max(1, kind.ops)).squareRoot(), seed: seed)
      else { continue }
      found.append(
        OpTypeComparison(
          label: kind.label, referenceMicroseconds: reference, candidateMicroseconds: candidate,
          comparison: comparison, adjustedProbability: 1, outcome: .noDifference))
    }
    let adjusted = MultipleTesting.holm(found.map(\.comparison.probability))
    for (index, probability) in adjusted.enumerated() {
      found[index].adjustedProbability = probability
      guard probability < 0.05 else { continue }
      found[index].outcome = found[index].comparison.ratio > 1 ? .slower : .faster
    }
    return found
  }
}
