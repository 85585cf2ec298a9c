import CDifference
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

extension cdifference_sums {
  fileprivate init(_ sums: DifferenceSums) {
    self.init(
      squared_difference: sums.squaredDifference, squared_candidate: sums.squaredCandidate,
      squared_reference: sums.squaredReference, product: sums.product,
      max_squared_difference: sums.maxSquaredDifference,
      reference_minimum: sums.referenceMinimum, reference_maximum: sums.referenceMaximum)
  }
}

extension DifferenceSums {
  /// Takes over sums that went on from these by some more pairs.
  fileprivate mutating func take(_ sums: cdifference_sums, count more: Int) {
    count += more
    squaredDifference = sums.squared_difference
    squaredCandidate = sums.squared_candidate
    squaredReference = sums.squared_reference
    product = sums.product
    maxSquaredDifference = sums.max_squared_difference
    referenceMinimum = sums.reference_minimum
    referenceMaximum = sums.reference_maximum
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
  /// Elements whose products are summed in their own precision before the sum moves to double precision.
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
        unsafe add(candidateValues, referenceValues, length, of: type, to: &total)
        start += length
      }
      return total
    }
  }

  @inline(__always)
  private static func add<Value: ComparedValue>(
    _ candidate: UnsafeRawPointer, _ reference: UnsafeRawPointer, _ count: Int,
    of type: Value.Type, to total: inout DifferenceSums
  ) {
    let size = MemoryLayout<Value>.size
    var start = 0
    while start < count {
      var runs = cdifference_sums(total)
      let offset = start * size
      let taken = unsafe type.addRuns(
        candidate + offset, reference + offset, count - start, to: &runs)
      total.take(runs, count: taken)
      start += taken
      // A run that is not to be summed in lanes, or what is left of the tensor.
      let end = min(count, start + run)
      while start < end {
        let offset = start * size
        unsafe addOne(
          Double(candidate.loadUnaligned(fromByteOffset: offset, as: type)),
          Double(reference.loadUnaligned(fromByteOffset: offset, as: type)), to: &total)
        start += 1
      }
    }
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
