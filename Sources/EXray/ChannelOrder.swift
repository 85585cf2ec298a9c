/// Judges the order of colour channels by the mean difference between the first and the last one.
struct ChannelOrder: Sendable {
  let expectedMeans: [Double]
  let minimumCount: Int
  // Welford's sums of each tensor's difference between its first and its last channel.
  private var count = 0
  private var mean = 0.0
  private var squares = 0.0
  /// The count at which to judge next; it doubles, so that many looks do not add up to a chance finding.
  private var nextLook: Int
  private var isJudged = false

  init(expectedMeans: [Double], minimumCount: Int) {
    self.expectedMeans = expectedMeans
    self.minimumCount = minimumCount
    nextLook = minimumCount
  }

  /// Takes a tensor in.
  ///
  /// - Returns: The judgement where one is due, else a pass.
  mutating func add(_ tensor: TensorView) -> CheckOutcome {
    guard expectedMeans.count == 3 else {
      return .inconclusive("\(expectedMeans.count) expected means are given, 3 are needed")
    }
    guard let difference = Self.channelDifference(tensor) else {
      return .inconclusive(
        "the shape \(tensor.stream.description.shape) has no channels in the last or the second place,"
          + " or its values are not finite real numbers")
    }
    count += 1
    let delta = difference - mean
    mean += delta / Double(count)
    squares += delta * (difference - mean)
    guard count >= nextLook, !isJudged else { return .pass }
    nextLook = count.multipliedReportingOverflow(by: 2).partialValue
    guard case .fail(let message) = judgement else {
      isJudged = judgement == .pass
      return .pass
    }
    isJudged = true
    return .fail(message)
  }

  /// The judgement at the end, or a pass where there was one before.
  var finalJudgement: CheckOutcome { isJudged || count == 0 ? .pass : judgement }

  /// The judgement over all tensors so far.
  private var judgement: CheckOutcome {
    guard expectedMeans.count == 3 else { return .pass }
    let expected = expectedMeans[0] - expectedMeans[2]
    guard count >= minimumCount else {
      return .inconclusive("\(count) tensors seen, \(minimumCount) needed")
    }
    let error = (squares / Double(count - 1) / Double(count)).squareRoot()
    let observed = expected < 0 ? -mean : mean
    let facts =
      "the first channel exceeds the last by \(mean) ± \(error) on average over \(count) tensors,"
      + " by \(expected) is expected"
    guard expected != 0, abs(mean) > max(4 * error, abs(expected) / 4) else {
      return .inconclusive("\(facts), which fits both orders")
    }
    return observed > 0
      ? .pass : .fail("\(facts): the channels are reversed (BGR for RGB); swap them back")
  }

  /// The mean of the first channel less that of the last, or nil where the tensor has no three channels.
  private static func channelDifference(_ tensor: TensorView) -> Double? {
    // Values first: where there are any, every product of extents is representable.
    guard let values = tensor.realValues(), values.count >= 3 else { return nil }
    let extents = tensor.stream.description.shape.dimensions
    guard extents.count >= 3 else { return nil }
    let inner: Int
    if extents[extents.count - 1] == 3 {
      inner = 1
    } else if extents[extents.count - 3] == 3 {
      inner = extents[extents.count - 2] * extents[extents.count - 1]
    } else {
      return nil
    }
    var sums = (first: 0.0, last: 0.0)
    for (index, value) in values.enumerated() {
      switch index / inner % 3 {
      case 0: sums.first += Double(value)
      case 2: sums.last += Double(value)
      default: break
      }
    }
    let difference = (sums.first - sums.last) / Double(values.count / 3)
    return difference.isFinite ? difference : nil
  }
}
