import EXrayCore

/// Sums over pairs of elements, from which every metric follows.
struct DifferenceSums: Sendable, Hashable {
  var count = 0
  var squaredDifference = 0.0
  var squaredCandidate = 0.0
  var squaredReference = 0.0
  var product = 0.0
  var maxSquaredDifference: Float = 0
  var referenceMinimum = Float.infinity
  var referenceMaximum = -Float.infinity
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
/// Products are summed in single precision over 128 elements and in double precision beyond, which
/// keeps the relative error of every sum under 1e-6.
enum DifferenceKernel {
  /// Elements that are converted and compared at a time; a multiple of ``run``.
  private static let block = 2048
  /// Elements summed in single precision before the sum moves to double precision.
  private static let run = 128

  /// The sums over the first `count` elements of both tensors.
  static func sums(
    candidate: RawSpan, _ candidateLoader: ElementLoader, reference: RawSpan,
    _ referenceLoader: ElementLoader, count: Int
  ) -> DifferenceSums {
    unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * block) { scratch in
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

  private static func add(
    _ candidate: UnsafePointer<Float>, _ reference: UnsafePointer<Float>, _ count: Int,
    to total: inout DifferenceSums
  ) {
    var extremes = Extremes()
    var start = 0
    while start < count {
      let length = min(run, count - start)
      unsafe addRun(candidate + start, reference + start, length, to: &total, &extremes)
      start += length
    }
    total.maxSquaredDifference = max(total.maxSquaredDifference, extremes.peak.max())
    total.referenceMinimum = min(total.referenceMinimum, extremes.low.min())
    total.referenceMaximum = max(total.referenceMaximum, extremes.high.max())
  }

  private typealias Lanes = SIMD8<Float>

  /// The extremes of a block, lane by lane.
  private struct Extremes {
    var peak = Lanes.zero
    var low = Lanes(repeating: .infinity)
    var high = Lanes(repeating: -.infinity)
  }

  @inline(__always)
  private static func addRun(
    _ candidate: UnsafePointer<Float>, _ reference: UnsafePointer<Float>, _ count: Int,
    to total: inout DifferenceSums, _ extremes: inout Extremes
  ) {
    let whole = count / 8 * 8
    var (dd, cc, rr, cr) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
    var (peak, low, high) = (extremes.peak, extremes.low, extremes.high)
    var index = 0
    while index < whole {
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
    // Any NaN or infinity makes one of these sums not finite.
    let isFinite = (dd + cc + rr).sum().isFinite
    if isFinite {
      total.count += whole
      total.squaredDifference += Double(dd.sum())
      total.squaredCandidate += Double(cc.sum())
      total.squaredReference += Double(rr.sum())
      total.product += Double(cr.sum())
      extremes = Extremes(peak: peak, low: low, high: high)
    }
    for index in (isFinite ? whole : 0)..<count {
      unsafe addOne(candidate[index], reference[index], to: &total)
    }
  }

  private static func addOne(
    _ candidate: Float, _ reference: Float, to total: inout DifferenceSums
  ) {
    if !candidate.isFinite { total.candidateNotFinite += 1 }
    if !reference.isFinite { total.referenceNotFinite += 1 }
    guard candidate.isFinite, reference.isFinite else { return }
    let (c, r) = (Double(candidate), Double(reference))
    let difference = c - r
    total.count += 1
    total.squaredDifference += difference * difference
    total.squaredCandidate += c * c
    total.squaredReference += r * r
    total.product += c * r
    total.maxSquaredDifference = max(total.maxSquaredDifference, Float(difference * difference))
    total.referenceMinimum = min(total.referenceMinimum, reference)
    total.referenceMaximum = max(total.referenceMaximum, reference)
  }
}

/// Turns stored elements of one type into real numbers, a block at a time.
struct ElementLoader: Sendable {
  private let elementType: ElementType
  /// Scale and zero point of all elements; nil where there are none, or one pair a channel.
  private let affine: (scale: Float, zeroPoint: Float)?
  /// Scale and zero point of each channel; empty where one pair serves all.
  private let channels: [(scale: Float, zeroPoint: Float)]
  /// Elements of one slice along the quantized axis.
  private let inner: Int

  /// Creates a loader, or nil for types without real values and for quantizations that do not fit the shape.
  init?(_ description: TensorDescription) {
    switch description.elementType {
    case .float32, .float64, .float16, .bfloat16, .bool: break
    case .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64: break
    case .int2, .int4, .uint4, .string, .resource, .variant, .complex64, .complex128: return nil
    }
    elementType = description.elementType
    guard let quantization = description.quantization, quantization.isPerChannel else {
      affine = description.quantization.flatMap { quantization in
        quantization.scales.first.map { ($0, Float(quantization.zeroPoints.first ?? 0)) }
      }
      channels = []
      inner = 0
      return
    }
    affine = nil
    let dimensions = description.shape.dimensions
    guard dimensions.indices.contains(quantization.axis),
      dimensions[quantization.axis] == quantization.scales.count
    else { return nil }
    inner = max(1, Shape(Array(dimensions[(quantization.axis + 1)...])).elementCount ?? 1)
    channels = zip(quantization.scales, quantization.zeroPoints).map { ($0, Float($1)) }
  }

  /// The real values of `count` elements from element `start` on: where they lie, or else in `scratch`.
  func values(
    _ bytes: RawSpan, from start: Int, count: Int, scratch: UnsafeMutablePointer<Float>
  ) -> UnsafePointer<Float> {
    if elementType == .float32 {
      // The span is lent for the whole comparison, so its memory may be read where it is aligned.
      let inPlace: UnsafePointer<Float>? = unsafe bytes.withUnsafeBytes { source in
        guard let first = unsafe source.baseAddress.map({ unsafe $0 + start * 4 }),
          Int(bitPattern: first) % MemoryLayout<Float>.alignment == 0
        else { return nil }
        return unsafe first.assumingMemoryBound(to: Float.self)
      }
      if let inPlace = unsafe inPlace { return unsafe inPlace }
    }
    unsafe load(bytes, from: start, count: count, into: scratch)
    return unsafe UnsafePointer(scratch)
  }

  /// Writes `count` real values from element `start` on to `output`.
  func load(
    _ bytes: RawSpan, from start: Int, count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    switch elementType {
    case .float32:
      unsafe bytes.withUnsafeBytes { source in
        guard let base = source.baseAddress else { return }
        unsafe UnsafeMutableRawPointer(output)
          .copyMemory(from: base + start * 4, byteCount: count * 4)
      }
    case .float64:
      unsafe convert(bytes, start, count, output, UInt64.self) { Float(Double(bitPattern: $0)) }
    case .float16:
      unsafe convert(bytes, start, count, output, UInt16.self) { Float(halfBits: $0) }
    case .bfloat16:
      unsafe convert(bytes, start, count, output, UInt16.self) {
        Float(bitPattern: UInt32($0) << 16)
      }
    case .bool: unsafe convert(bytes, start, count, output, UInt8.self) { $0 == 0 ? 0 : 1 }
    case .int8: unsafe integers(bytes, start, count, output, Int8.self)
    case .uint8: unsafe integers(bytes, start, count, output, UInt8.self)
    case .int16: unsafe integers(bytes, start, count, output, Int16.self)
    case .uint16: unsafe integers(bytes, start, count, output, UInt16.self)
    case .int32: unsafe integers(bytes, start, count, output, Int32.self)
    case .uint32: unsafe integers(bytes, start, count, output, UInt32.self)
    case .int64: unsafe integers(bytes, start, count, output, Int64.self)
    case .uint64: unsafe integers(bytes, start, count, output, UInt64.self)
    case .int2, .int4, .uint4, .string, .resource, .variant, .complex64, .complex128: break
    }
  }

  @inline(__always)
  private func convert<Stored: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: RawSpan, _ start: Int, _ count: Int, _ output: UnsafeMutablePointer<Float>,
    _: Stored.Type, _ real: (Stored) -> Float
  ) {
    unsafe bytes.withUnsafeBytes { source in
      guard let base = source.baseAddress else { return }
      let first = unsafe base + start * MemoryLayout<Stored>.size
      for index in 0..<count {
        let stored = unsafe first.loadUnaligned(
          fromByteOffset: index * MemoryLayout<Stored>.size, as: Stored.self)
        unsafe output[index] = real(Stored(littleEndian: stored))
      }
    }
  }

  @inline(__always)
  private func integers<Stored: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: RawSpan, _ start: Int, _ count: Int, _ output: UnsafeMutablePointer<Float>,
    _: Stored.Type
  ) {
    if let (scale, zeroPoint) = affine {
      unsafe convert(bytes, start, count, output, Stored.self) { (Float($0) - zeroPoint) * scale }
      return
    }
    guard !channels.isEmpty else {
      unsafe convert(bytes, start, count, output, Stored.self) { Float($0) }
      return
    }
    var index = start
    unsafe convert(bytes, start, count, output, Stored.self) {
      let (scale, zeroPoint) = channels[index / inner % channels.count]
      index += 1
      return (Float($0) - zeroPoint) * scale
    }
  }
}
