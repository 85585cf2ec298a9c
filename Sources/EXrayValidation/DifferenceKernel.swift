import EXrayCore

/// Sums over pairs of elements, from which every metric follows.
struct DifferenceSums: Sendable, Hashable {
  var count = 0
  var squaredDifference = 0.0
  var squaredCandidate = 0.0
  var squaredReference = 0.0
  var product = 0.0
  var maxSquaredDifference = 0.0
  var referenceMinimum = Double.infinity
  var referenceMaximum = -Double.infinity
  var candidateNotFinite = 0
  var referenceNotFinite = 0

  mutating func merge(_ other: DifferenceSums) {
    count += other.count
    squaredDifference += other.squaredDifference
    squaredCandidate += other.squaredCandidate
    squaredReference += other.squaredReference
    product += other.product
    maxSquaredDifference = max(maxSquaredDifference, other.maxSquaredDifference)
    referenceMinimum = min(referenceMinimum, other.referenceMinimum)
    referenceMaximum = max(referenceMaximum, other.referenceMaximum)
    candidateNotFinite += other.candidateNotFinite
    referenceNotFinite += other.referenceNotFinite
  }
}

/// One pass over two tensors of any types, block by block, as real numbers.
///
/// Floating point of at most 32 bits is compared in single precision: differences are then as exact as in double
/// precision, and products are summed in single precision over 128 elements and in double precision beyond. Integers,
/// whose real values have more digits than single precision, and float64 are compared in double precision. Either
/// way every metric equals NumPy's in float64 to a relative 1e-6.
enum DifferenceKernel {
  /// Elements that are converted and compared at a time; a multiple of ``run``.
  private static let block = 2048
  /// Elements summed in lanes before the sum moves to double precision.
  private static let run = 128

  /// The sums over the first `count` elements of both tensors.
  static func sums(
    candidate: RawSpan, _ candidateLoader: ElementLoader, reference: RawSpan,
    _ referenceLoader: ElementLoader, count: Int
  ) -> DifferenceSums {
    if candidateLoader.fitsSinglePrecision, referenceLoader.fitsSinglePrecision {
      sums(as: Float.self, candidate, candidateLoader, reference, referenceLoader, count)
    } else {
      sums(as: Double.self, candidate, candidateLoader, reference, referenceLoader, count)
    }
  }

  @inline(__always)
  private static func sums<Value: ComparedValue>(
    as type: Value.Type, _ candidate: RawSpan, _ candidateLoader: ElementLoader,
    _ reference: RawSpan, _ referenceLoader: ElementLoader, _ count: Int
  ) -> DifferenceSums {
    unsafe withUnsafeTemporaryAllocation(of: type, capacity: 2 * block) { scratch in
      var total = DifferenceSums()
      guard let first = scratch.baseAddress else { return total }
      let second = unsafe first + block
      var start = 0
      while start < count {
        let length = min(block, count - start)
        let candidateValues = unsafe candidateLoader.values(
          candidate, from: start, count: length, scratch: first)
        let referenceValues = unsafe referenceLoader.values(
          reference, from: start, count: length, scratch: second)
        unsafe add(candidateValues, referenceValues, length, to: &total)
        start += length
      }
      return total
    }
  }

  @inline(__always)
  private static func add<Value: ComparedValue>(
    _ candidate: UnsafePointer<Value>, _ reference: UnsafePointer<Value>, _ count: Int,
    to total: inout DifferenceSums
  ) {
    var extremes = LaneExtremes<Value>()
    var start = 0
    while start < count {
      let length = min(run, count - start)
      let whole = length / 8 * 8
      let (first, second) = unsafe (candidate + start, reference + start)
      let sums = unsafe Value.laneSums(first, second, whole, &extremes)
      if let sums {
        total.count += whole
        total.squaredDifference += sums.squaredDifference
        total.squaredCandidate += sums.squaredCandidate
        total.squaredReference += sums.squaredReference
        total.product += sums.product
      }
      for index in (sums == nil ? 0 : whole)..<length {
        unsafe addOne(Double(first[index]), Double(second[index]), to: &total)
      }
      start += length
    }
    total.maxSquaredDifference = max(total.maxSquaredDifference, Double(extremes.peak.max()))
    total.referenceMinimum = min(total.referenceMinimum, Double(extremes.low.min()))
    total.referenceMaximum = max(total.referenceMaximum, Double(extremes.high.max()))
  }

  private static func addOne(_ c: Double, _ r: Double, to total: inout DifferenceSums) {
    if !c.isFinite { total.candidateNotFinite += 1 }
    if !r.isFinite { total.referenceNotFinite += 1 }
    guard c.isFinite, r.isFinite else { return }
    let difference = c - r
    total.count += 1
    total.squaredDifference += difference * difference
    total.squaredCandidate += c * c
    total.squaredReference += r * r
    total.product += c * r
    total.maxSquaredDifference = max(total.maxSquaredDifference, difference * difference)
    total.referenceMinimum = min(total.referenceMinimum, r)
    total.referenceMaximum = max(total.referenceMaximum, r)
  }
}
