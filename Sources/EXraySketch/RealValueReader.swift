internal import EXrayCore

/// Reads a tensor's real values piece by piece.
///
/// They equal `TensorDescription.realValues`; types under 8 bits have theirs too, the first element in a byte's
/// lowest bits.
struct RealValueReader: ~Escapable {
  /// Elements to read: as many as the shape has, or as the bytes hold where those are fewer.
  let count: Int
  private let bytes: RawSpan
  private let elementType: ElementType
  private let dequantization: Dequantization

  /// What makes a real number of a stored integer.
  private enum Dequantization {
    case none
    case perTensor(scale: Float, zeroPoint: Int64)
    /// Slices of `run` consecutive elements take turns.
    case perChannel(scales: [Float], zeroPoints: [Int64], run: Int)
  }

  @_lifetime(copy bytes)
  init(_ bytes: RawSpan, as description: TensorDescription) {
    self.bytes = bytes
    elementType = description.elementType
    let isReal = elementType.isFloatingPoint || elementType.isInteger || elementType == .bool
    if isReal, let bitWidth = elementType.bitWidth {
      let (bits, overflow) = bytes.byteCount.multipliedReportingOverflow(by: 8)
      let present = (overflow ? Int.max : bits) / bitWidth
      count = min(present, description.shape.elementCount ?? present)
    } else {
      count = 0
    }
    dequantization = elementType.isInteger ? Self.dequantization(of: description) : .none
  }

  private static func dequantization(of description: TensorDescription) -> Dequantization {
    guard let quantization = description.quantization, !quantization.scales.isEmpty else {
      return .none
    }
    if let scale = quantization.scale, let zeroPoint = quantization.zeroPoint {
      return .perTensor(scale: scale, zeroPoint: zeroPoint)
    }
    let dimensions = description.shape.dimensions
    guard dimensions.indices.contains(quantization.axis),
      dimensions[quantization.axis] == quantization.scales.count,
      quantization.zeroPoints.count == quantization.scales.count,
      let run = Shape(Array(dimensions[(quantization.axis + 1)...])).elementCount, run > 0
    else { return .none }
    return .perChannel(scales: quantization.scales, zeroPoints: quantization.zeroPoints, run: run)
  }

  /// Writes the real values of as many elements as `values` has room for; the caller keeps within ``count``.
  func read(from start: Int, into values: UnsafeMutableBufferPointer<Float>) {
    switch elementType {
    case .float32:
      unsafe fill(values) { Float(bitPattern: stored(start &+ $0, UInt32.self)) }
    case .float64:
      unsafe fill(values) { Float(Double(bitPattern: stored(start &+ $0, UInt64.self))) }
    case .float16:
      unsafe fill(values) { Float(halfBits: stored(start &+ $0, UInt16.self)) }
    case .bfloat16:
      unsafe fill(values) {
        Float(bitPattern: UInt32(stored(start &+ $0, UInt16.self)) << 16)
      }
    case .bool: unsafe fill(values) { stored(start &+ $0, UInt8.self) == 0 ? 0 : 1 }
    case .int8: unsafe integers(start, values) { stored($0, Int8.self) }
    case .uint8: unsafe integers(start, values) { stored($0, UInt8.self) }
    case .int16: unsafe integers(start, values) { stored($0, Int16.self) }
    case .uint16: unsafe integers(start, values) { stored($0, UInt16.self) }
    case .int32: unsafe integers(start, values) { stored($0, Int32.self) }
    case .uint32: unsafe integers(start, values) { stored($0, UInt32.self) }
    case .int64: unsafe integers(start, values) { stored($0, Int64.self) }
    case .uint64: unsafe integers(start, values) { stored($0, UInt64.self) }
    case .int2: unsafe integers(start, values) { Int8(bitPattern: leftmost($0, bitWidth: 2)) >> 6 }
    case .int4: unsafe integers(start, values) { Int8(bitPattern: leftmost($0, bitWidth: 4)) >> 4 }
    case .uint4: unsafe integers(start, values) { leftmost($0, bitWidth: 4) >> 4 }
    case .string, .resource, .variant, .complex64, .complex128: break
    }
  }

  @inline(__always)
  private func fill(_ values: UnsafeMutableBufferPointer<Float>, _ real: (Int) -> Float) {
    for index in 0..<values.count { unsafe values[index] = real(index) }
  }

  @inline(__always)
  private func stored<Stored: FixedWidthInteger & BitwiseCopyable>(
    _ index: Int, _: Stored.Type
  ) -> Stored {
    unsafe Stored(
      littleEndian: bytes.unsafeLoadUnaligned(
        fromByteOffset: index &* MemoryLayout<Stored>.size, as: Stored.self))
  }

  /// A packed element in the topmost bits of a byte; below it lie bits of its neighbours.
  @inline(__always)
  private func leftmost(_ index: Int, bitWidth: Int) -> UInt8 {
    let bit = index &* bitWidth
    return stored(bit >> 3, UInt8.self) &<< UInt8(truncatingIfNeeded: 8 &- bitWidth &- (bit & 7))
  }

  @inline(__always)
  private func integers<Stored: FixedWidthInteger>(
    _ start: Int, _ values: UnsafeMutableBufferPointer<Float>, _ stored: (Int) -> Stored
  ) {
    switch dequantization {
    case .none where Stored.bitWidth <= 16:
      unsafe fill(values) { Float(Int32(truncatingIfNeeded: stored(start &+ $0))) }
    case .none: unsafe fill(values) { Float(stored(start &+ $0)) }
    case .perTensor(let scale, let zeroPoint)
    where Stored.bitWidth <= 16 && zeroPoint.magnitude < 1 << 24:
      // The same values in 32 bits, which cannot overflow: processors do several at once.
      let zeroPoint = Int32(truncatingIfNeeded: zeroPoint)
      unsafe fill(values) {
        scale * Float(Int32(truncatingIfNeeded: stored(start &+ $0)) &- zeroPoint)
      }
    case .perTensor(let scale, let zeroPoint):
      unsafe fill(values) {
        scale * Float(Int64(clamping: stored(start &+ $0)).subtractingClamped(zeroPoint))
      }
    case .perChannel(let scales, let zeroPoints, let run):
      var channel = start / run % scales.count
      var left = run - start % run
      unsafe fill(values) {
        let steps = Int64(clamping: stored(start &+ $0)).subtractingClamped(zeroPoints[channel])
        let value = scales[channel] * Float(steps)
        left &-= 1
        if left == 0 {
          left = run
          channel = channel + 1 == scales.count ? 0 : channel + 1
        }
        return value
      }
    }
  }
}

extension Int64 {
  /// The difference, kept at the nearest representable value.
  fileprivate func subtractingClamped(_ other: Int64) -> Int64 {
    let (difference, overflow) = subtractingReportingOverflow(other)
    return overflow ? (other > 0 ? .min : .max) : difference
  }
}
