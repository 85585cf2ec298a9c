/// Sums over what an op gave and what it should have given, channel by channel.
///
/// An op's error and its mechanism follow from them; no values are kept.
public struct ResultSums: Sendable, Hashable {
  /// The sums of one channel; `given` is g, `wanted` is w.
  public struct Channel: Sendable, Hashable {
    var count = 0
    var given = 0.0
    var wanted = 0.0
    var squaredGiven = 0.0
    var squaredWanted = 0.0
    var product = 0.0
    var squaredError = 0.0
    /// The largest squared error of one element.
    var largestError = 0.0
    /// Elements wanted strictly inside the range that the tensor can hold: what an activation clamps is exact.
    var inside = 0
    /// Elements given at the lowest and the highest value that the tensor can hold.
    var (atLow, atHigh) = (0, 0)
    /// Elements wanted beyond that range by more than a step, and the energy that this alone costs.
    var (belowRange, aboveRange) = (0, 0)
    var clippedEnergy = 0.0
    /// Error of elements that were wanted, or given, exactly at a bound of an activation (0 or 6).
    var (errorAtWantedBound, errorAtGivenBound) = (0.0, 0.0)
    var lowestGiven = Float.infinity
    var highestGiven = -Float.infinity
    var lowestWanted = Float.infinity
    var highestWanted = -Float.infinity

    mutating func merge(_ other: Self) {
      count += other.count
      given += other.given
      wanted += other.wanted
      squaredGiven += other.squaredGiven
      squaredWanted += other.squaredWanted
      product += other.product
      squaredError += other.squaredError
      largestError = max(largestError, other.largestError)
      inside += other.inside
      atLow += other.atLow
      atHigh += other.atHigh
      belowRange += other.belowRange
      aboveRange += other.aboveRange
      clippedEnergy += other.clippedEnergy
      errorAtWantedBound += other.errorAtWantedBound
      errorAtGivenBound += other.errorAtGivenBound
      lowestGiven = min(lowestGiven, other.lowestGiven)
      highestGiven = max(highestGiven, other.highestGiven)
      lowestWanted = min(lowestWanted, other.lowestWanted)
      highestWanted = max(highestWanted, other.highestWanted)
    }
  }

  /// The values that the given tensor can hold, as real numbers; nil for floating-point tensors.
  let range: ClosedRange<Float>?
  /// Real units per stored step; 0 for floating-point tensors.
  let step: Float
  /// One entry a channel.
  public private(set) var channels: [Channel]
  /// Elements that are not finite in what was given, while finite was wanted.
  public private(set) var notFinite = 0

  /// - Parameters:
  ///   - channelCount: Extent of the innermost dimension.
  ///   - range: The values that the given tensor can hold.
  ///   - step: Real units per stored step.
  init(channelCount: Int, range: ClosedRange<Float>?, step: Float) {
    self.range = range
    self.step = step
    channels = [Channel](repeating: Channel(), count: max(1, channelCount))
  }

  /// Adds a frame; channels vary fastest.
  mutating func add(given: [Float], wanted: [Float]) {
    let low = range?.lowerBound ?? -.infinity
    let high = range?.upperBound ?? .infinity
    var channel = 0
    for (g, w) in zip(given, wanted) {
      if g.isFinite, w.isFinite {
        channels[channel].add(g, w, low: low, high: high, step: step)
      } else if w.isFinite {
        notFinite += 1
      }
      channel += 1
      if channel == channels.count { channel = 0 }
    }
  }

  /// All channels together.
  public var total: Channel {
    channels.reduce(into: Channel()) { $0.merge($1) }
  }
}

extension ResultSums.Channel {
  @inline(__always)
  fileprivate mutating func add(_ g: Float, _ w: Float, low: Float, high: Float, step: Float) {
    let (given, wanted) = (Double(g), Double(w))
    let error = given - wanted
    count += 1
    self.given += given
    self.wanted += wanted
    squaredGiven += given * given
    squaredWanted += wanted * wanted
    product += given * wanted
    squaredError += error * error
    largestError = max(largestError, error * error)
    if w > low, w < high { inside += 1 }
    if w == 0 || w == 6 {
      errorAtWantedBound += error * error
    } else if abs(g) <= step / 2 || abs(g - 6) <= step / 2 {
      errorAtGivenBound += error * error
    }
    if g <= low { atLow += 1 }
    if g >= high { atHigh += 1 }
    if w < low - step {
      belowRange += 1
      clippedEnergy += Double((low - w) * (low - w))
    } else if w > high + step {
      aboveRange += 1
      clippedEnergy += Double((w - high) * (w - high))
    }
    lowestGiven = min(lowestGiven, g)
    highestGiven = max(highestGiven, g)
    lowestWanted = min(lowestWanted, w)
    highestWanted = max(highestWanted, w)
  }

  /// The root mean squared error, in real units.
  public var error: Double { count > 0 ? (squaredError / Double(count)).squareRoot() : 0 }

  /// The straight line from wanted to given values, and the part of the given variance that it leaves.
  var line: (slope: Double, intercept: Double, residual: Double)? {
    guard count > 1 else { return nil }
    let n = Double(count)
    let variance = squaredWanted / n - (wanted / n) * (wanted / n)
    guard variance > 1e-12 * max(1e-30, squaredWanted / n) else { return nil }
    let covariance = product / n - given / n * (wanted / n)
    let slope = covariance / variance
    let givenVariance = squaredGiven / n - (given / n) * (given / n)
    let left = max(0, givenVariance - slope * covariance)
    return (slope, given / n - slope * (wanted / n), left)
  }
}
