/// The precision in which two tensors are compared: `Float` where both are stored in no more, else `Double`.
///
/// Operations on lanes of a generic type are compiled element by element, so each precision has its own loop.
protocol ComparedValue: BinaryFloatingPoint, Codable, SIMDScalar {
  /// The sums over pairs of elements in lanes; nil, with `extremes` as it was, where they must be added one by one
  /// in double precision.
  ///
  /// - Parameter count: A multiple of 8.
  static func laneSums(
    _ candidate: UnsafePointer<Self>, _ reference: UnsafePointer<Self>, _ count: Int,
    _ extremes: inout LaneExtremes<Self>
  ) -> LaneSums?
}

/// The extremes of a block, lane by lane.
struct LaneExtremes<Value: SIMDScalar & BinaryFloatingPoint> {
  var peak = SIMD8<Value>.zero
  var low = SIMD8<Value>(repeating: .infinity)
  var high = SIMD8<Value>(repeating: -.infinity)
}

/// Sums over pairs of elements.
struct LaneSums {
  var squaredDifference: Double
  var squaredCandidate: Double
  var squaredReference: Double
  var product: Double

  /// Whether no element was NaN or infinite, nor a square too large.
  var isFinite: Bool { (squaredDifference + squaredCandidate + squaredReference).isFinite }
}

extension Float: ComparedValue {
  /// A sum of squares below which single precision has lost digits of its terms.
  private static let tiny = 1e-28

  @inline(__always)
  static func laneSums(
    _ candidate: UnsafePointer<Float>, _ reference: UnsafePointer<Float>, _ count: Int,
    _ extremes: inout LaneExtremes<Float>
  ) -> LaneSums? {
    typealias Lanes = SIMD8<Float>
    var (dd, cc, rr, cr) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
    var (peak, low, high) = (extremes.peak, extremes.low, extremes.high)
    var differs = SIMDMask<SIMD8<Int32>>(repeating: false)
    var index = 0
    while index < count {
      let c = unsafe UnsafeRawPointer(candidate + index).loadUnaligned(as: Lanes.self)
      let r = unsafe UnsafeRawPointer(reference + index).loadUnaligned(as: Lanes.self)
      let difference = c - r
      let square = difference * difference
      dd += square
      cc += c * c
      rr += r * r
      cr += c * r
      differs .|= c .!= r
      peak.replace(with: square, where: square .> peak)
      low.replace(with: r, where: r .< low)
      high.replace(with: r, where: r .> high)
      index &+= 8
    }
    let sums = LaneSums(
      squaredDifference: Double(dd.sum()), squaredCandidate: Double(cc.sum()),
      squaredReference: Double(rr.sum()), product: Double(cr.sum()))
    guard sums.isFinite, sums.squaredDifference >= tiny || !any(differs),
      sums.squaredCandidate == 0 || sums.squaredCandidate >= tiny,
      sums.squaredReference == 0 || sums.squaredReference >= tiny
    else { return nil }
    extremes = LaneExtremes(peak: peak, low: low, high: high)
    return sums
  }
}

extension Double: ComparedValue {
  @inline(__always)
  static func laneSums(
    _ candidate: UnsafePointer<Double>, _ reference: UnsafePointer<Double>, _ count: Int,
    _ extremes: inout LaneExtremes<Double>
  ) -> LaneSums? {
    typealias Lanes = SIMD8<Double>
    var (dd, cc, rr, cr) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
    var (peak, low, high) = (extremes.peak, extremes.low, extremes.high)
    var index = 0
    while index < count {
      let c = unsafe UnsafeRawPointer(candidate + index).loadUnaligned(as: Lanes.self)
      let r = unsafe UnsafeRawPointer(reference + index).loadUnaligned(as: Lanes.self)
      let difference = c - r
      let square = difference * difference
      dd += square
      cc += c * c
      rr += r * r
      cr += c * r
      peak.replace(with: square, where: square .> peak)
      low.replace(with: r, where: r .< low)
      high.replace(with: r, where: r .> high)
      index &+= 8
    }
    let sums = LaneSums(
      squaredDifference: dd.sum(), squaredCandidate: cc.sum(), squaredReference: rr.sum(),
      product: cr.sum())
    guard sums.isFinite else { return nil }
    extremes = LaneExtremes(peak: peak, low: low, high: high)
    return sums
  }
}
