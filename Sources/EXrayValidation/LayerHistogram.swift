public import EXrayCore

/// How often each value occurs in one layer, in the candidate and in the reference, over the same frames.
public struct LayerHistogram: Sendable, Hashable, Codable {
  /// Bins between ``lower`` and ``upper``.
  public static let binCount = 64

  /// The candidate's op.
  public var op: Int
  /// Name of the candidate's tensor.
  public var tensor: String
  /// Frames whose values are counted.
  public var frames: Int
  /// Where the first bin begins, in real units: the least value of both sides.
  public var lower: Double
  /// Where the last bin ends: the greatest value of both sides.
  public var upper: Double
  /// The candidate's values in each bin.
  public var candidate: [Int]
  /// The reference's values in each bin.
  public var reference: [Int]
  /// Least and greatest value that the candidate's tensor can hold; nil for floating point.
  public var range: [Double]?
  /// The candidate's values at the lower and at the upper end of ``range``; nil for floating point.
  public var atEnds: [Int]?
  /// The reference's values below and above ``range`` by more than half a step; nil for floating point.
  public var beyond: [Int]?

  private enum CodingKeys: CodingKey {
    case op, tensor, frames, lower, upper, candidate, reference, range, atEnds, beyond
  }

  /// Writes every key, absent values as null.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(op, forKey: .op)
    try container.encode(tensor, forKey: .tensor)
    try container.encode(frames, forKey: .frames)
    try container.encode(lower, forKey: .lower)
    try container.encode(upper, forKey: .upper)
    try container.encode(candidate, forKey: .candidate)
    try container.encode(reference, forKey: .reference)
    try container.encode(range, forKey: .range)
    try container.encode(atEnds, forKey: .atEnds)
    try container.encode(beyond, forKey: .beyond)
  }

  /// Creates a histogram from counts.
  public init(
    op: Int, tensor: String, frames: Int, lower: Double, upper: Double, candidate: [Int],
    reference: [Int], range: [Double]? = nil, atEnds: [Int]? = nil, beyond: [Int]? = nil
  ) {
    self.op = op
    self.tensor = tensor
    self.frames = frames
    self.lower = lower
    self.upper = upper
    self.candidate = candidate
    self.reference = reference
    self.range = range
    self.atEnds = atEnds
    self.beyond = beyond
  }
}

/// Counts the values of one layer in two passes over its frames: first the extent, then the bins.
///
/// One frame is looked at at a time, so memory does not grow with frames. Values that are not finite are left out.
public struct HistogramCounter: Sendable {
  private var lower = Float.infinity
  private var upper = -Float.infinity
  private var candidate = [Int](repeating: 0, count: LayerHistogram.binCount)
  private var reference = [Int](repeating: 0, count: LayerHistogram.binCount)
  private var atEnds = [0, 0]
  private var beyond = [0, 0]
  private var frames = 0
  private let range: ClosedRange<Float>?
  private let halfStep: Float

  /// Creates a counter for a layer of the candidate.
  public init(candidate: TensorDescription) {
    guard let held = candidate.elementType.integerRange, let scale = candidate.quantization?.scale,
      scale > 0, let zero = candidate.quantization?.zeroPoint
    else {
      (range, halfStep) = (nil, 0)
      return
    }
    // 64-bit integers leave no room for a zero point.
    let (low, high) = (
      Double(held.lowerBound) - Double(zero), Double(held.upperBound) - Double(zero)
    )
    range = scale * Float(low)...scale * Float(high)
    halfStep = scale / 2
  }

  /// First pass: takes in a frame's extent.
  public mutating func extend(candidate: [Float], reference: [Float]) {
    for values in [candidate, reference] {
      for value in values where value.isFinite {
        lower = min(lower, value)
        upper = max(upper, value)
      }
    }
  }

  /// Second pass: counts a frame's values.
  public mutating func count(candidate: [Float], reference: [Float]) {
    guard lower <= upper else { return }
    frames += 1
    for value in candidate where value.isFinite {
      self.candidate[bin(of: value)] += 1
      if let range {
        if value < range.lowerBound + halfStep { atEnds[0] += 1 }
        if value > range.upperBound - halfStep { atEnds[1] += 1 }
      }
    }
    for value in reference where value.isFinite {
      self.reference[bin(of: value)] += 1
      if let range {
        if value < range.lowerBound - halfStep { beyond[0] += 1 }
        if value > range.upperBound + halfStep { beyond[1] += 1 }
      }
    }
  }

  private func bin(of value: Float) -> Int {
    let extent = Double(upper) - Double(lower)
    guard extent > 0 else { return 0 }
    let place = (Double(value) - Double(lower)) / extent * Double(LayerHistogram.binCount)
    return min(max(Int(place), 0), LayerHistogram.binCount - 1)
  }

  /// What was counted; nil where no value was finite.
  public func histogram(op: Int, tensor: String) -> LayerHistogram? {
    guard frames > 0 else { return nil }
    return LayerHistogram(
      op: op, tensor: tensor, frames: frames, lower: Double(lower), upper: Double(upper),
      candidate: candidate, reference: reference,
      range: range.map { [Double($0.lowerBound), Double($0.upperBound)] },
      atEnds: range == nil ? nil : atEnds, beyond: range == nil ? nil : beyond)
  }
}
