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
      var (low, high) = (lower, upper)
      for value in values where value.isFinite {
        low = value < low ? value : low
        high = value > high ? value : high
      }
      (lower, upper) = (low, high)
    }
  }

  /// Second pass: counts a frame's values.
  public mutating func count(candidate: [Float], reference: [Float]) {
    guard lower <= upper else { return }
    frames += 1
    Self.count(candidate, from: lower, to: upper, in: &self.candidate)
    Self.count(reference, from: lower, to: upper, in: &self.reference)
    guard let range else { return }
    let (lowest, highest) = (range.lowerBound, range.upperBound)
    for value in candidate where value.isFinite {
      if value < lowest + halfStep { atEnds[0] += 1 }
      if value > highest - halfStep { atEnds[1] += 1 }
    }
    for value in reference where value.isFinite {
      if value < lowest - halfStep { beyond[0] += 1 }
      if value > highest + halfStep { beyond[1] += 1 }
    }
  }

  private static func count(
    _ values: [Float], from lower: Float, to upper: Float, in bins: inout [Int]
  ) {
    let first = Double(lower)
    let extent = Double(upper) - first
    let binsPerUnit = extent > 0 ? Double(LayerHistogram.binCount) / extent : 0
    let last = LayerHistogram.binCount - 1
    for value in values where value.isFinite {
      // Never below 0: no value lies below the lowest.
      let place = Int((Double(value) - first) * binsPerUnit)
      bins[place > last ? last : place] += 1
    }
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
