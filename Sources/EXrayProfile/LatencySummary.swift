/// How long repeated runs took: the figures that people compare.
public struct LatencySummary: Sendable, Hashable {
  /// How many runs were measured.
  public var count: Int
  /// The shortest run.
  public var minimum: Duration
  /// The median.
  public var p50: Duration
  /// Nine of ten runs took no longer.
  public var p90: Duration
  /// Nineteen of twenty runs took no longer.
  public var p95: Duration
  /// Ninety-nine of a hundred runs took no longer; the longest run where there are fewer than a hundred.
  public var p99: Duration
  /// The longest run.
  public var maximum: Duration
  /// The arithmetic mean.
  public var mean: Duration
  /// The population's standard deviation, as NumPy and TensorFlow Lite print it.
  public var standardDeviation: Duration

  /// Sums up runs; nil without any.
  public init?(_ times: [Duration]) {
    let sorted = times.map(\.inNanoseconds).sorted()
    guard let first = sorted.first, let last = sorted.last else { return nil }
    let count = Double(sorted.count)
    let mean = sorted.reduce(0, +) / count
    let variance = sorted.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    func percentile(_ fraction: Double) -> Duration {
      Duration(inNanoseconds: Percentile.of(sorted: sorted, fraction) ?? 0)
    }
    self.count = sorted.count
    minimum = Duration(inNanoseconds: first)
    p50 = percentile(0.5)
    p90 = percentile(0.9)
    p95 = percentile(0.95)
    p99 = percentile(0.99)
    maximum = Duration(inNanoseconds: last)
    self.mean = Duration(inNanoseconds: mean)
    standardDeviation = Duration(inNanoseconds: variance.squareRoot())
  }
}

extension LatencySummary: Encodable {
  private enum CodingKeys: String, CodingKey {
    case count
    case minimum = "minimumNanoseconds"
    case p50 = "p50Nanoseconds"
    case p90 = "p90Nanoseconds"
    case p95 = "p95Nanoseconds"
    case p99 = "p99Nanoseconds"
    case maximum = "maximumNanoseconds"
    case mean = "meanNanoseconds"
    case standardDeviation = "standardDeviationNanoseconds"
  }

  /// Writes whole nanoseconds.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(count, forKey: .count)
    try container.encode(minimum.wholeNanoseconds, forKey: .minimum)
    try container.encode(p50.wholeNanoseconds, forKey: .p50)
    try container.encode(p90.wholeNanoseconds, forKey: .p90)
    try container.encode(p95.wholeNanoseconds, forKey: .p95)
    try container.encode(p99.wholeNanoseconds, forKey: .p99)
    try container.encode(maximum.wholeNanoseconds, forKey: .maximum)
    try container.encode(mean.wholeNanoseconds, forKey: .mean)
    try container.encode(standardDeviation.wholeNanoseconds, forKey: .standardDeviation)
  }
}

/// Order statistics.
package enum Percentile {
  /// The value below which a fraction of sorted values lies, between neighbours in proportion; nil without values.
  ///
  /// Source: Hyndman & Fan, Sample quantiles in statistical packages, 1996, definition 7; NumPy's `linear`.
  package static func of(sorted values: [Double], _ fraction: Double) -> Double? {
    guard let last = values.indices.last else { return nil }
    let place = min(max(fraction, 0), 1) * Double(last)
    let below = Int(place.rounded(.down))
    let above = min(below + 1, last)
    return values[below] + (values[above] - values[below]) * (place - Double(below))
  }

  /// The median; nil without values.
  package static func median(_ values: [Double]) -> Double? { of(sorted: values.sorted(), 0.5) }

  /// The mean of the middle half: as steady as a median, and finer than the unit of the values.
  ///
  /// A quarter of the values is left out at either end, whole values only.
  ///
  /// Source: Tukey, Exploratory data analysis, 1977.
  package static func midmean(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let tail = values.count / 4
    let middle = values.sorted().dropFirst(tail).dropLast(tail)
    return middle.reduce(0, +) / Double(middle.count)
  }
}

extension Duration {
  /// The duration in nanoseconds.
  package var inNanoseconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) * 1e9 + Double(attoseconds) / 1e9
  }

  /// The duration in nanoseconds, rounded; wraps after 292 years.
  package var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds &* 1_000_000_000 &+ (attoseconds + 500_000_000) / 1_000_000_000
  }

  /// A duration of so many nanoseconds, rounded to whole ones.
  package init(inNanoseconds value: Double) {
    self = .nanoseconds(Int64(min(max(value.rounded(), 0), 9e18)))
  }
}
